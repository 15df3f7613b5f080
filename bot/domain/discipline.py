"""The discipline of restoring: what was tried, how long it took, and what that proves of a service. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from bot.domain.percentiles import nearest_rank

FIVE_MINUTES = timedelta(minutes=5)
"""What a restoration is held against where neither its record nor the policy names another objective."""
REMINDED_EVERY = timedelta(days=7)


class How(StrEnum):
    """By what a way back was proven."""

    DRILL = "drill"
    ROLLBACK = "rollback"
    """A real one."""


class Result(StrEnum):
    """How an attempt to restore ended."""

    RESTORED = "restored"
    FAILED = "failed"
    ABORTED = "aborted"
    """It could not be carried out, so nothing was proven."""
    MISSED = "missed"
    """Its time went by, so nothing was tried."""


class Verdict(StrEnum):
    """What the record says of a service. What is not known is never a pass."""

    PROVEN = "proven"
    TOO_SLOW = "too_slow"
    FAILED = "failed"
    OVERDUE = "overdue"
    NEVER_PROVEN = "never_proven"


_WORST_FIRST = (Verdict.FAILED, Verdict.OVERDUE, Verdict.TOO_SLOW, Verdict.NEVER_PROVEN, Verdict.PROVEN)


@dataclass(frozen=True)
class Attempt:
    """One drill or real rollback that has ended."""

    how: How
    id: str
    service: str
    environment: str
    playbook: str
    at: datetime
    """When it ended."""
    result: Result
    seconds: float | None
    """As measured; None where nothing was."""
    objective_seconds: float
    human: bool | None = None
    """Whether a person was needed; None while that is not known."""
    why: str = ""
    asked: bool = False
    """A drill that somebody asked for: no schedule has it."""

    @property
    def is_slow(self) -> bool:
        """It restored, later than agreed. A drill that fails for that alone is slow too."""
        return self.seconds is not None and self.seconds > self.objective_seconds

    @property
    def proves(self) -> bool:
        """It restored, and how long that took was measured."""
        return self.result is Result.RESTORED and self.seconds is not None

    @property
    def verdict(self) -> Verdict:
        """What it says, taken alone."""
        if self.result in (Result.RESTORED, Result.FAILED) and self.is_slow:
            return Verdict.TOO_SLOW
        return Verdict.PROVEN if self.proves else Verdict.FAILED


@dataclass(frozen=True)
class Spread:
    """How long restorations took, in seconds; None where none was measured."""

    tried: int
    measured: int
    last: float | None
    p50: float | None
    p95: float | None

    @classmethod
    def of(cls, attempts: Sequence[Attempt]) -> Self:
        """Over attempts, oldest first. Drills that failed because they were slow count; those without an end cannot."""
        seconds = [one.seconds for one in attempts if one.seconds is not None]
        tried = len([one for one in attempts if one.result is not Result.MISSED])
        last = seconds[-1] if seconds else None
        return cls(tried, len(seconds), last, nearest_rank(seconds, 50), nearest_rank(seconds, 95))


@dataclass(frozen=True)
class Practice:
    """What is planned and known of the drills of one playbook in one environment."""

    service: str
    environment: str
    playbook: str
    first_slot: datetime | None
    """The earliest moment for which its schedule ever planned one."""
    next_at: datetime | None
    """When the next one is planned for."""


@dataclass(frozen=True)
class Schedule:
    """One entry of the policy's `drills` that has a cron line, with what was proven of it."""

    environment: str
    playbook: str
    cron: str
    period: timedelta | None
    """The longest time between two of its slots; None where that cannot be told."""
    objective: timedelta
    practice: Practice | None
    last_passed: Attempt | None

    @property
    def next_at(self) -> datetime | None:
        """When the next drill is planned for."""
        return self.practice.next_at if self.practice else None

    @property
    def due_by(self) -> datetime | None:
        """Until when a drill has to have passed: one and a half periods after the last, or half a one after the first
        slot where none ever did. None: that is not known."""
        if self.period is None:
            return None
        if self.last_passed is not None:
            return self.last_passed.at + self.period * 1.5
        first = self.practice.first_slot if self.practice else None
        return first + self.period * 0.5 if first is not None else None

    def is_overdue(self, now: datetime) -> bool:
        """Whether that moment is over. What is not known to be in time is not."""
        return self.due_by is None or now > self.due_by


def trouble_key(kind: str, about: str | None) -> str:
    """What a trouble is known by, for as long as it is the same; `about`: the drill that went wrong, or passed last."""
    return f"{kind}:{about or 'never'}"


@dataclass(frozen=True)
class DrillReminder:
    """What people were last told or reminded of, about the drills of one playbook in one environment."""

    service: str
    environment: str
    playbook: str
    trouble: str
    told_at: datetime

    def is_due(self, trouble: str, now: datetime) -> bool:
        """Whether this trouble is to be told: a new one at once, the same one each week."""
        return trouble != self.trouble or now >= self.told_at + REMINDED_EVERY


def latest(newest_first: Iterable[Attempt]) -> Attempt | None:
    """The one that ended last, of those in which something was tried."""
    return next((one for one in newest_first if one.result is not Result.MISSED), None)


def latest_proof(newest_first: Iterable[Attempt]) -> Attempt | None:
    """The last that restored with its time measured."""
    return next((one for one in newest_first if one.proves), None)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The one that counts where several hold; of none: never proven."""
    return min(verdicts, key=_WORST_FIRST.index, default=Verdict.NEVER_PROVEN)


def spoken_span(seconds: float) -> str:
    """For people, never shorter than measured: `0.42s`, `4.2s`, `42s`, `3m12s`, `2h10m`, `4d3h`."""
    if seconds < 1:
        return f"{math.ceil(seconds * 100) / 100:g}s"
    if seconds < 10:
        return f"{math.ceil(seconds * 10) / 10:g}s"
    whole = math.ceil(seconds)
    for first, second, size, part in (("d", "h", 86_400, 3_600), ("h", "m", 3_600, 60), ("m", "s", 60, 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size}{first}{rest}{second}" if rest else f"{whole // size}{first}"
    return f"{whole}s"


def spoken_age(age: timedelta) -> str:
    """For people: `today`, `yesterday`, `4 days ago`."""
    days = max(0, age.days)
    return ("today", "yesterday")[days] if days < 2 else f"{days} days ago"
