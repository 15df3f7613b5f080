"""Legal holds, erasures, and what is past its time."""

from __future__ import annotations

from bot.adapters.sql.work import Work


class KeepingQueries(Work):
    """What is kept, and for how long."""
