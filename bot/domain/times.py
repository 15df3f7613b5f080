"""Times and durations as people and machines write them: RFC 3339 UTC, `30s`, `5m`, `2h`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from bot.domain.errors import BadInput

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,12}))?(Z|z|[+-]\d{2}:\d{2})",
    re.ASCII,
)


def parse_duration(text: str) -> timedelta:
    """`30s`, `5m`, `2h`, `1h30m`, `1d`; raises BadInput on anything else, also on zero units."""
    position, seconds = 0, 0.0
    for match in _DURATION.finditer(text):
        if match.start() != position:
            break
        seconds += float(match[1]) * _UNITS[match[2]]
        position = match.end()
    if position != len(text) or not text or len(text) > 32:
        raise BadInput(f"{text!r} is not a duration", next="write it like 30s, 5m, 2h or 1h30m")
    try:
        return timedelta(seconds=seconds)
    except OverflowError as error:
        raise BadInput(f"{text!r} is too long a duration") from error


def format_duration(span: timedelta) -> str:
    """The shortest of the forms that `parse_duration` reads; fractions of a second as `ms`."""
    total = round(span.total_seconds() * 1000)
    if total % 1000:
        return f"{total}ms"
    total //= 1000
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, total = divmod(total, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def parse_time(text: str) -> datetime:
    """RFC 3339 with an offset → aware UTC; digits past microseconds are cut. Raises BadInput."""
    match = _TIME.fullmatch(text)
    if not match:
        raise BadInput(f"{text[:40]!r} is not an RFC 3339 time")
    fraction = (match[3] or "0")[:6].ljust(6, "0")
    offset = "+00:00" if match[4] in "Zz" else match[4]
    try:
        return datetime.fromisoformat(f"{match[1]}T{match[2]}.{fraction}{offset}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{text[:40]!r} is not a time that exists") from error


def format_time(moment: datetime) -> str:
    """RFC 3339 UTC with milliseconds: `2026-11-20T11:33:30.396Z`."""
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds')[:-6]}Z"


def spoken_time(moment: datetime, zone: tzinfo = UTC) -> str:
    """For people, in their time zone and in UTC: `Fri 4 Dec 2026, 17:00 CET (16:00 UTC)`."""
    local, utc = moment.astimezone(zone), moment.astimezone(UTC)
    said = f"{local:%a} {local.day} {local:%b %Y, %H:%M %Z}"
    if local.utcoffset() == timedelta(0):
        return said
    day = "" if local.date() == utc.date() else f"{utc:%a} {utc.day} {utc:%b}, "
    return f"{said} ({day}{utc:%H:%M} UTC)"
