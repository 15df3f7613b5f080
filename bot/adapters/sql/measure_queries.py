"""Counts and spreads over the whole record."""

from __future__ import annotations

from bot.adapters.sql.work import Work


class MeasureQueries(Work):
    """What the process measures are computed from."""
