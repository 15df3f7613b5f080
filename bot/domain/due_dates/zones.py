"""Time zones as people write them, and wall clocks turned into UTC, also where clocks are put forward or back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

SHORT_ZONES: Mapping[str, str] = {
    "utc": "UTC", "gmt": "UTC", "z": "UTC", "cet": "Europe/Berlin", "cest": "Europe/Berlin", "bst": "Europe/London",
    "et": "America/New_York", "est": "America/New_York", "edt": "America/New_York", "ct": "America/Chicago",
    "cdt": "America/Chicago", "mt": "America/Denver", "mdt": "America/Denver", "pt": "America/Los_Angeles",
    "pst": "America/Los_Angeles", "pdt": "America/Los_Angeles", "jst": "Asia/Tokyo", "sgt": "Asia/Singapore",
    "eet": "Europe/Helsinki", "eest": "Europe/Helsinki",
}  # fmt: skip
"""A place whose clocks go by that name. Summer and winter names are taken as the place's clock of that day."""

AMBIGUOUS_ZONES = frozenset({"ist", "cst", "ast", "mst", "sst"})
"""Names that are in use for clocks hours apart: a time given with one cannot be read."""


def zone_named(name: str | None) -> ZoneInfo | None:
    """The IANA time zone of this name, as Slack and policies give it; None where there is no such zone."""
    if not name or len(name) > 64:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def instant(wall: datetime, zone: tzinfo, now: datetime) -> datetime | None:
    """The naive wall clock time of the zone in UTC; None outside the years that there are.

    In a gap: as much later as the gap is long (PEP 495, fold=0). Twice: the first one that is after `now`, else the
    second."""
    try:
        first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
        second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return second if first <= now < second else first
