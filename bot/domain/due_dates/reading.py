"""Finds due dates in text and works out their instants: a day, an hour, both in either order, or a span from now."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.domain.due_dates.days import DAY, DAY_GROUPS, Day, read_day
from bot.domain.due_dates.hours import BARE_HOUR, END_OF_DAY, HOUR, Hour, on_side, read_hour
from bot.domain.due_dates.words import NUMBER, UNITS, VAGUE_NUMBERS, number
from bot.domain.due_dates.zones import instant

LONGEST_TEXT = 4_000
"""Characters that are looked at; who writes more has not written a due date."""
MOST_DUES = 20
LONGEST_WAIT = timedelta(days=3_660)
"""What is further away is a slip of the pen."""

LATE = timedelta(hours=23, minutes=59)
"""What "today" and "end of day" mean when the working day is over already."""


@dataclass(frozen=True)
class Due:
    """A due date as an instant, and the words that it comes from: `text` is `source[start:end]`, preposition included.

    `hour_assumed` tells that the words left something open that a default filled in."""

    at: datetime
    text: str
    start: int
    end: int
    hour_assumed: bool
    preposition: str = ""
    """The word in front in lower case, such as "by", or "" where there is none."""


_PREPOSITION = (
    r"(?P<preposition>(?:(?:due|latest|no\s+later\s+than|not\s+later\s+than|at\s+the\s+latest)\s+)?(?:by|before|until|till?"
    r"|['’]til|on|at|around|about|for|due|latest|no\s+later\s+than|@|in\s+the|over)(?:\s+(?:around|about|the\s+latest|on|at))?"
    r"|due|latest|this)?"
)
_BEFORE_BARE = r"(?P<before>by|before|until|till?|at|@)\s+(?:around\s+|about\s+)?"
_JOIN = r"(?:\s*,\s*|\s+|\s*\(\s*)(?:(?:at|by|before|around|in\s+the|on|of|-|@|until|till)\s+)?(?:the\s+)?"
_OF_DAY = r"(?:\s*,\s*|\s+|\s*\(\s*)(?:(?:on|of|-)\s+)?(?:the\s+)?"

_DAY_HOUR = re.compile(rf"(?<![\w-]){_PREPOSITION}\s*(?<![\w.]){DAY}(?:{_JOIN}{HOUR})?", re.IGNORECASE)
_DAY_BARE = re.compile(rf"(?<![\w-]){_PREPOSITION}\s*(?<![\w.]){DAY}\s+{_BEFORE_BARE}{BARE_HOUR}", re.IGNORECASE)
_ISO_TIME = re.compile(
    r"(?<![\w-])(?P<preposition>by|before|until|at|due|on)?\s*"
    r"(?P<stamp>\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?P<offset>Z|z|[+-]\d{2}:?\d{2})?)(?![\d:])",
    re.IGNORECASE,
)
_HOUR_DAY = re.compile(rf"(?<![\w-]){_PREPOSITION}\s*(?<![\w.:]){HOUR}(?:{_OF_DAY}{DAY})?", re.IGNORECASE)
_BARE_DAY = re.compile(rf"(?<![\w-]){_BEFORE_BARE}{BARE_HOUR}(?:{_OF_DAY}{DAY})?", re.IGNORECASE)
_SPAN_UNIT = r"hours?|hrs?|h|minutes?|mins?|m"
_SPAN = re.compile(
    rf"(?<![\w-])(?:in(?:side)?|within|eta(?:\s+is)?:?(?:\s+in)?|for\s+the\s+next|after)\s+(?:about\s+|around\s+|max\.?\s+)?(?:the\s+next\s+|the\s+)?"
    rf"(?:(?P<compact>\d{{1,2}})\s?h\s?(?P<compact_minutes>\d{{1,2}})\s?(?:m|min)?\b"
    rf"|(?P<and_half>an?|one|\d{{1,2}})\s+hours?\s+and\s+a\s+half\b"
    rf"|(?P<many>{NUMBER})\s?(?:more\s+)?(?P<unit>{_SPAN_UNIT})\b|(?P<single>next\s+hour|hour)\b)"
    rf"|(?<![\w-])(?P<many2>{NUMBER})\s?(?P<unit2>{_SPAN_UNIT})\s+from\s+now\b",
    re.IGNORECASE,
)
_HINT = re.compile(
    r"\d|noon|day|tom|tmr|tonite|morning|evening|night|lunch|breakfast|week|wk|month|year|quarter|hour|hr|min|eo[bdmqwy]"
    r"|cob|thing|close|half|clock|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|fifteen|forty"
    r"|mon|tue|wed|wens|thu|fri|sat|sun|firday|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec",
    re.IGNORECASE,
)
"""Some of these letters stand in every due date: most sentences are passed over by one quick look."""
_NO_DAY = re.compile(r"(?:the\s+)?(?:sat|sun)")
"""Words of their own where nothing else makes a day of them and they are written small."""
_BEHIND = re.compile(r"\s*(?:ago\b|['’]s\b|earlier\b)", re.IGNORECASE)
_PAST = re.compile(
    r"(?:\b(?:last|since|past|previous|yesterday|from|after|every|each|of|between|than|starting|beginning)\s*,?|[$€£#v])\s*$",
    re.IGNORECASE,
)


def read_due(text: str, now: datetime, zone: ZoneInfo) -> Due | None:
    """The first due date in the text, or None where there is none. ValueError for a naive `now`."""
    return next(iter(find_dues(text, now, zone)), None)


def find_dues(text: str, now: datetime, zone: ZoneInfo) -> tuple[Due, ...]:
    """Every due date in the text, in its order, at most 20; words about the past ("since Monday") are passed over."""
    if now.tzinfo is None:
        raise ValueError("now has to be aware")
    found: list[Due] = []
    text, end = text[:LONGEST_TEXT], 0
    if not _HINT.search(text):
        return ()
    for start, stop, at, assumed, preposition in _candidates(text, now.astimezone(UTC), zone):
        if start < end or len(found) == MOST_DUES:
            continue
        end = stop
        if at is not None:
            found.append(Due(at, text[start:stop], start, stop, assumed, preposition))
    return tuple(found)


_Candidate = tuple[int, int, datetime | None, bool, str]


def _candidates(text: str, now: datetime, zone: ZoneInfo) -> list[_Candidate]:
    """What every pattern finds, first and longest first; one whose instant is None hides shorter readings of it."""
    found = [
        candidate
        for pattern in (_ISO_TIME, _SPAN, _DAY_BARE, _DAY_HOUR, _HOUR_DAY, _BARE_DAY)
        for match in pattern.finditer(text)
        for candidate in _judged(match, text, now, zone)
    ]
    return sorted(found, key=lambda one: (one[0], -one[1]))


def _judged(match: re.Match[str], text: str, now: datetime, zone: ZoneInfo) -> Iterator[_Candidate]:
    start, end = match.span()
    start += len(match[0]) - len(match[0].lstrip())
    preposition = " ".join(
        (match.groupdict().get("preposition") or match.groupdict().get("before") or "").lower().split()
    )
    is_past = (
        _NO_DAY.fullmatch(match[0].strip())
        or _BEHIND.match(text, end)
        or (not preposition and _PAST.search(text, max(0, start - 24), start))
    )
    if is_past:
        yield start, end, None, False, preposition
        return
    try:
        at, assumed = _instant(match, now, zone)
        is_ahead = at is not None and timedelta() < at - now < LONGEST_WAIT
    except OverflowError:
        at, assumed, is_ahead = None, False, False
    yield start, end, at if is_ahead else None, assumed, preposition


def _instant(match: re.Match[str], now: datetime, zone: ZoneInfo) -> tuple[datetime | None, bool]:
    if match.re is _ISO_TIME:
        return _stamp(match, zone, now), False
    return _span(match, now) if match.re is _SPAN else _resolved(match, now, zone)


def _stamp(match: re.Match[str], zone: ZoneInfo, now: datetime) -> datetime | None:
    try:
        stamp = datetime.fromisoformat(match["stamp"].upper())
        return stamp.astimezone(UTC) if stamp.tzinfo else instant(stamp, zone, now)
    except (ValueError, OverflowError):
        return None


def _span(match: re.Match[str], now: datetime) -> tuple[datetime | None, bool]:
    groups = {key: one.lower() for key, one in match.groupdict().items() if one}
    if "compact" in groups:
        span, vague = timedelta(hours=int(groups["compact"]), minutes=int(groups["compact_minutes"])), False
    elif "and_half" in groups:
        span, vague = timedelta(hours=number(groups["and_half"]) + 0.5), False
    elif "single" in groups:
        span, vague = timedelta(hours=1), False
    else:
        words = groups.get("many") or groups["many2"]
        is_hours = UNITS[groups.get("unit") or groups["unit2"]] == "hour"
        span, vague = timedelta(minutes=number(words) * (60 if is_hours else 1)), words in VAGUE_NUMBERS
    return now + span, vague


def _resolved(match: re.Match[str], now: datetime, zone: ZoneInfo) -> tuple[datetime | None, bool]:
    names = match.re.groupindex
    has_hour = any(match[name] for name in names if name in ("clock", "full", "oclock", "shift", "end", "part", "bare"))
    hour = read_hour(match) if has_hour else None
    if has_hour and hour is None:
        return None, False
    local = now.astimezone(hour.zone if hour and hour.zone else zone)
    day = read_day(match, local.date()) if _has_day(match) else Day(local.date(), step=1)
    if day is None:
        return None, False
    if not _has_day(match) and hour is not None and hour.is_end:
        # "EOD" and "morning": today's if there is one left; only a named part of the day may be tomorrow's.
        day = Day(local.date(), is_today=match["end"] is not None, step=1)
    if hour is None:
        hour = Hour(timedelta(hours=21) if day.at_night else END_OF_DAY, assumed=True, is_end=True)
    hour = on_side(hour, "night" if day.at_night else "")
    return _first_ahead(day, hour, now, zone), hour.assumed or day.assumed


def _has_day(match: re.Match[str]) -> bool:
    return any(name in match.re.groupindex and match[name] for name in DAY_GROUPS)


def _first_ahead(day: Day, hour: Hour, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The instant, moved on by the day's step until it is ahead; None where it is over for good."""
    place = hour.zone or zone
    at = instant(datetime.combine(day.on, time()) + hour.at, place, now)
    if at is not None and at <= now and day.is_today and hour.is_end:
        at = instant(datetime.combine(day.on, time()) + LATE, place, now)
    if at is not None and at <= now and day.step:
        at = instant(datetime.combine(day.on + timedelta(days=day.step), time()) + hour.at, place, now)
    return at
