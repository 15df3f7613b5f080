"""Postmortems, with what was said of them."""

from __future__ import annotations

from bot.adapters.sql.work import Work


class PostmortemQueries(Work):
    """Drafts, comments and sign-offs."""
