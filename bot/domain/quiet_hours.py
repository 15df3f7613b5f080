"""Quiet hours: when an audience is not to be told, in its own time zone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def quiet_until(quiet: str, zone: str, now: datetime) -> datetime:
    """The end of the quiet hours (`22:00-07:00`) that `now` is in; `now` itself outside of them."""
    local = now.astimezone(ZoneInfo(zone))
    begins, ends = (time.fromisoformat(part) for part in quiet.split("-"))
    for back in (0, 1):
        day = local.date() - timedelta(days=back)
        start = datetime.combine(day, begins, ZoneInfo(zone))
        end = datetime.combine(day + timedelta(days=1 if ends <= begins else 0), ends, ZoneInfo(zone))
        if start <= local < end:
            return end.astimezone(UTC)
    return now
