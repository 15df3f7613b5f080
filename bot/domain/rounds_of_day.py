"""When what comes round comes round: Mondays and mornings at nine, by the clock of those who are told."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

_NINE = time(9)


def latest_morning(now: datetime, zone: str) -> datetime:
    """The last nine o'clock there, not after `now`; aware, in that zone."""
    here = ZoneInfo(zone)
    local = now.astimezone(here)
    morning = datetime.combine(local.date(), _NINE, here)
    return morning if morning <= local else datetime.combine(local.date() - timedelta(days=1), _NINE, here)


def latest_monday(now: datetime, zone: str) -> datetime:
    """The last Monday at nine o'clock there, not after `now`; aware, in that zone."""
    morning = latest_morning(now, zone)
    return datetime.combine(morning.date() - timedelta(days=morning.weekday()), _NINE, morning.tzinfo)
