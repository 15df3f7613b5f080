"""When something was said, and until when what was said is due: the clock and the zone of the speaker."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from bot.domain.due_dates import Due, find_dues
from bot.domain.heard import Utterance
from handlers.hearing.phrases import CORRECT_INSIDE

_STRONG = ("by", "before", "until", "till", "til", "'til", "due", "latest", "no later than", "not later than")

_RELATIVE = re.compile(
    r"\b(?:the\s+)?same\s+(?:day|time|evening|morning|afternoon)|\bthat\s+(?:day|evening|morning)\b"
    r"|\bat\s+the\s+earliest\b|\bearliest\b",
    re.IGNORECASE,
)
"""Ends that hang on another one, and beginnings: no instant can be told."""


@dataclass(frozen=True)
class Moment:
    """When it was said, aware, and the speaker's zone."""

    at: datetime
    zone: ZoneInfo


def moment_of(utterance: Utterance, now: datetime, zone: ZoneInfo, meeting_zone: ZoneInfo) -> Moment:
    """The utterance's own instant, else its offset from `now`, else its time of day on the day of `now`, else `now`."""
    at = utterance.at or now
    if utterance.at is None and utterance.offset_seconds is not None:
        at = now + timedelta(seconds=utterance.offset_seconds)
    elif utterance.at is None and utterance.clock is not None:
        local = now.astimezone(meeting_zone)
        at = datetime.combine(local.date(), utterance.clock, meeting_zone)
    return Moment(at.astimezone(UTC), zone)


def choose_due(text: str, moment: Moment) -> Due | None:
    """The due date of a clause: the one after a correction ("tonight - sorry, tomorrow"), else the one behind "by",
    "before" or "until", else the last."""
    if _RELATIVE.search(text):
        return None
    dues = find_dues(text, moment.at, moment.zone)
    for before, after in pairwise(dues):
        if CORRECT_INSIDE.search(text, before.end, after.start):
            return after
    strong = [one for one in dues if is_strong(one)]
    return strong[0] if strong else dues[-1] if dues else None


def strong_dues(text: str, moment: Moment) -> list[Due]:
    """The due dates that are ends, where no correction replaced one by another."""
    dues = find_dues(text, moment.at, moment.zone)
    is_corrected = any(CORRECT_INSIDE.search(text, a.end, b.start) for a, b in pairwise(dues))
    return [] if is_corrected else [one for one in dues if is_strong(one)]


def is_strong(due: Due) -> bool:
    """Whether the words say that it is an end: "by Friday", "in 20 minutes", and not just "on Friday"."""
    return (
        due.preposition.startswith(_STRONG)
        or re.match(r"in|within|eod|cob|end of", due.text, re.IGNORECASE) is not None
    )


def without(text: str, due: Due | None) -> str:
    """The text without the words of its due date, and without what is left dangling around them."""
    if due is not None:
        text = text[: due.start] + " " + text[due.end :]
    text = re.sub(
        r"\(\s*(?:due|by)?\s*\)|,?\s*\b(?:due|latest|deadline|eta)\s*:?\s*(?=[.)]|$)", " ", text, flags=re.IGNORECASE
    )
    return re.sub(r"\s+", " ", text).strip(" ,;:-–—.!?()")
