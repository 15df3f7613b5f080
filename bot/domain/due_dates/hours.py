"""The hour of a due date: "14:00", "3pm CET", "noon", "half past four", "EOD", "morning" -> a time of day.

Defaults, local to the speaker: a day alone ends at 17:00, and so do "end of day", "EOD", "COB" and "afternoon"; first
thing 9:00; morning, noon, lunch 12:00; evening 21:00; night and tonight 21:00; midnight is the end of the named day.
An hour without am or pm is the one between 8:00 and 19:59.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta, timezone, tzinfo

from bot.domain.due_dates.words import number
from bot.domain.due_dates.zones import AMBIGUOUS_ZONES, SHORT_ZONES, zone_named

END_OF_DAY = timedelta(hours=17)
MIDNIGHT = timedelta(hours=24)

_PARTS: Mapping[str, float] = {
    "noon": 12, "midday": 12, "lunch": 12, "lunchtime": 12, "lunch time": 12, "morning": 12, "afternoon": 17,
    "evening": 21, "night": 21, "first thing": 9, "midnight": 24, "high noon": 12, "breakfast": 9,
}  # fmt: skip
_EXACT_PARTS = frozenset({"noon", "midday", "midnight", "high noon"})

_SHORT = "|".join(sorted({*SHORT_ZONES, *AMBIGUOUS_ZONES} - {"z"}, key=len, reverse=True))
_ZONE = rf"(?:\s*(?P<zone>Z|\(?(?:{_SHORT})\)?|[+-]\d{{2}}:?\d{{2}})(?![\w:]))?"
_HALF = r"(?P<half>\s*[ap]\.?\s?m\b\.?)"
_WORD_HOUR = r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"

HOUR = (
    r"(?:"
    rf"(?P<clock>\d{{1,2}}:\d{{2}}(?::\d{{2}})?|\d{{1,2}}h\d{{2}}|\d{{1,2}}\.\d{{2}}(?=\s?[ap]\.?m))"
    rf"(?![\d:]){_HALF.replace('half', 'half1')}?"
    rf"|(?P<full>\d{{1,2}}){_HALF.replace('half', 'half2')}"
    rf"|(?P<oclock>\d{{1,2}}|{_WORD_HOUR})\s?(?:o['’]?\s?clock|uhr)\b"
    rf"|(?P<shift>half\s+past|quarter\s+(?:past|to)|{{SHIFT}})\s+(?P<around>\d{{1,2}}|{_WORD_HOUR})\b"
    r"|(?P<end>(?:the\s+)?end\s+of\s+(?:the\s+|my\s+|your\s+|this\s+)?(?:business\s+|working\s+|work\s+)?day|eod|cob|eob"
    r"|close\s+of\s+(?:business|play))\b"
    r"|(?:the\s+)?(?P<part>first\s+thing|lunch\s?time|lunch|high\s+noon|noon|midday|midnight|morning|afternoon|evening"
    r"|night|breakfast)\b"
    r")(?:\s+(?:in\s+the|this|at)\s+(?P<side1>morning|afternoon|evening|night)\b)?" + _ZONE
).replace("{SHIFT}", r"(?:\d{1,2}|five|ten|twenty)\s+(?:past|to)")

BARE_HOUR = (
    rf"(?P<bare>\d{{1,2}}(?:\.\d{{2}}|h)?|\d{{4}}|{_WORD_HOUR})(?![\w:%/-]|[.,]\d)(?!\s*(?:%|percent|(?:of|with|point|time|go|place|more)\b|(?!this\b)[a-z]{{2,}}s\b))"
    r"(?:\s+(?:in\s+the|this|at)\s+(?P<side2>morning|afternoon|evening|night)\b)?"
) + _ZONE.replace("<zone>", "<zone2>")
"""An hour with nothing around it: only read after "by", "at", "before" and "until"."""


@dataclass(frozen=True)
class Hour:
    """A time of day, as the span since midnight. `zone` is the one it was said in, None for the speaker's own."""

    at: timedelta
    assumed: bool = False
    zone: tzinfo | None = None
    is_end: bool = False
    """The end of a period of the day: once it is over, the rest of the day is meant when today is."""


def read_hour(found: re.Match[str]) -> Hour | None:
    """The time of day of a match that has the groups of `HOUR` (and perhaps `BARE_HOUR`); None where there is none."""
    groups = found.groupdict()
    zone_text = groups.get("zone") or groups.get("zone2")
    zone = _zone(zone_text)
    if zone_text and zone is None:
        return None
    hour = _plain_hour(groups)
    if hour is None:
        return None
    side = (groups.get("side1") or groups.get("side2") or "").lower()
    return replace(on_side(hour, side), zone=zone)


def on_side(hour: Hour, side: str) -> Hour:
    """ "8 in the evening", "5 in the morning": the half of the day that was said, where the hour left it open."""
    half_day = timedelta(hours=12)
    if side in ("evening", "night") and hour.assumed and timedelta(hours=4) < hour.at < half_day:
        return replace(hour, at=hour.at + half_day)
    if side == "morning" and hour.assumed and hour.at > half_day:
        return replace(hour, at=hour.at - half_day)
    return hour


def _plain_hour(groups: Mapping[str, str | None]) -> Hour | None:
    if clock := groups.get("clock"):
        return _written(clock.lower(), groups.get("half1"))
    if full := groups.get("full"):
        return _clock([int(full), 0], groups.get("half2"))
    if round_hour := groups.get("oclock"):
        return _bare(round_hour)
    if shift := groups.get("shift"):
        return _shifted(shift, groups["around"] or "")
    if groups.get("end") or groups.get("part"):
        return _part(groups.get("part"))
    bare = groups.get("bare")
    return _bare(bare) if bare else None


def _part(part: str | None) -> Hour:
    """A named part of the day; None is its end."""
    if part is None:
        return Hour(END_OF_DAY, assumed=True, is_end=True)
    word = " ".join(part.lower().split())
    return Hour(timedelta(hours=_PARTS[word]), word not in _EXACT_PARTS, is_end=word not in _EXACT_PARTS)


def _written(clock: str, half: str | None) -> Hour | None:
    numbers = [int(part) for part in re.split("[:.h]", clock)]
    if half is None and 1 <= numbers[0] <= 7 and not clock.startswith("0"):
        # "3:30" is the afternoon of a working day; who counts to 24 and means the night writes "03:30".
        later = _clock([numbers[0] + 12, *numbers[1:]], None)
        return None if later is None else Hour(later.at, assumed=True)
    return _clock(numbers, half)


def _clock(numbers: list[int], half: str | None) -> Hour | None:
    hours, minutes = numbers[0], numbers[1]
    seconds = numbers[2] if len(numbers) > 2 else 0
    if minutes > 59 or seconds > 59 or hours > 24 or (hours == 24 and minutes + seconds):
        return None
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if "p" in half.lower() else 0)
    return Hour(timedelta(hours=hours, minutes=minutes, seconds=seconds))


def _bare(text: str) -> Hour | None:
    text = text.lower().removesuffix("h")
    if "." in text:
        return _written(text, None)
    if len(text) == 4 and text.isdigit():
        return _clock([int(text[:2]), int(text[2:])], None)
    hours = int(number(text))
    if hours > 24:
        return None
    return Hour(timedelta(hours=hours + 12 if 1 <= hours <= 7 else hours), assumed=hours <= 12)


def _shifted(shift: str, around: str) -> Hour | None:
    hour = _bare(around)
    if hour is None:
        return None
    words = shift.lower().split()
    minutes = {"half": 30, "quarter": 15}.get(words[0]) or int(number(words[0]))
    span = timedelta(minutes=-minutes if words[-1] == "to" else minutes)
    return Hour(hour.at + span, assumed=True) if minutes < 60 else None


def _zone(text: str | None) -> tzinfo | None:
    if not text:
        return None
    name = text.strip("() ").lower()
    if name[0] in "+-":
        hours, minutes = int(name[1:3]), int(name[-2:])
        away = timedelta(hours=hours, minutes=minutes)
        return timezone(-away if name[0] == "-" else away) if hours < 24 and minutes < 60 else None
    return zone_named(SHORT_ZONES.get(name))
