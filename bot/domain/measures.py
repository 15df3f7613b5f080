"""What is measured of the process: facts counted by service and month, and the arithmetic over them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.months import Period

SAME_DISRUPTION = timedelta(hours=24)
"""An incident that opens at its place so soon after the one before it was resolved is the same disruption: reopened."""


class Measured(StrEnum):
    """Which fact was counted. Those in TIMED carry times besides."""

    STARTED = "started"
    """Releases started. Key `unstaged` for those whose way was not recorded: whether they went live is unknown."""
    READINESS = "readiness"
    LEAD = "lead"
    SERVING = "serving"
    CHANGE = "change"
    """Releases that went live; key `live`, and `failed`, `rolled_back`, `halted`, `emergency` for what befell them."""
    GATE_FAILURE = "gate_failure"
    """By kind of gate."""
    DEPENDENCY = "dependency"
    DISRUPTION = "disruption"
    """Recovery; key `deployment` where it needed intervention against a release that was live, else `other`."""
    REOPENED = "reopened"
    """Incidents that took a disruption up again, by the month in which that began."""
    INCIDENT = "incident"
    DETECTION = "detection"
    HALT = "halt"
    ROLLBACK = "rollback"
    """By cause, as `kind:name`."""
    ATTEMPT = "attempt"
    """Rollbacks that put nothing back; key `failed` where they acted, `open` while they are not over."""
    APPROVAL = "approval"
    DRILL = "drill"
    """By state."""
    DRILL_RESTORE = "drill_restore"
    ACTION_ITEM = "action_item"
    """Key `recorded`, `done`, `open`, `overdue`."""


@dataclass(frozen=True)
class Scope:
    """Whose facts are wanted, and of when. No services: all. No environment: all but staging, which serves nobody."""

    period: Period
    now: datetime
    services: frozenset[str] | None = None
    environment: str | None = None


@dataclass(slots=True)
class Tally:
    """How often something happened in a month, in UTC, and in how many microseconds as far as that is known.

    Not frozen, for there are tens of thousands: that would be half of the time in which they are made."""

    service: str
    month: str
    of: Measured
    key: str = ""
    count: int = 0
    micros: Sequence[int] = ()


@dataclass(frozen=True)
class TimeSpread:
    """How times are spread: of `count` that are known the median and the 90th percentile; `unknown` began besides."""

    count: int
    unknown: int
    median: timedelta | None
    p90: timedelta | None


def nearest_rank(ordered: Sequence[int], percent: int) -> int:
    """The smallest of ascending values that at least so many percent of them do not exceed. ValueError without any.

    Nearest rank, no interpolation: the answer is a value that was measured. `percent` is 1 to 100.
    """
    if not ordered or not 1 <= percent <= 100:
        raise ValueError("a percentile takes 1 to 100 percent of at least one value")
    return ordered[(len(ordered) * percent + 99) // 100 - 1]


@dataclass
class Sum:
    """Several tallies together."""

    count: int = 0
    micros: list[int] = field(default_factory=list)

    def take(self, more: Sum | Tally) -> None:
        """More of it."""
        self.count += more.count
        self.micros += more.micros

    def spread(self) -> TimeSpread:
        """Of the times; what was counted without a time is unknown."""
        self.micros.sort()  # for good: to order several of them together is quick then
        ordered = self.micros
        median, p90 = ((nearest_rank(ordered, percent) if ordered else None) for percent in (50, 90))
        return TimeSpread(len(ordered), max(0, self.count - len(ordered)), _span(median), _span(p90))


class Sums:
    """The facts of one group: of a service, a team, a month, or of everything."""

    def __init__(self, tallies: Iterable[Tally] = ()) -> None:
        self._found: defaultdict[Measured, defaultdict[str, Sum]] = defaultdict(lambda: defaultdict(Sum))
        for one in tallies:
            self.add(one)

    def add(self, tally: Tally) -> None:
        """One more."""
        self._found[tally.of][tally.key].take(tally)

    @classmethod
    def together(cls, parts: Iterable[Sums]) -> Sums:
        """Those of several groups as one."""
        whole = cls()
        for part in parts:
            for of, by_key in part._found.items():
                for key, one in by_key.items():
                    whole._found[of][key].take(one)
        return whole

    def count(self, of: Measured, *keys: str) -> int:
        """How often, with one of these keys; without any, with whatever key."""
        return sum(one.count for one in self._with(of, keys))

    def counts(self, of: Measured) -> dict[str, int]:
        """By key, the most frequent first."""
        found = {key: one.count for key, one in self._found[of].items() if one.count}
        return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))

    def spread(self, of: Measured, *keys: str) -> TimeSpread:
        """Of the times with one of these keys, or with whatever key."""
        chosen = self._with(of, keys)
        if len(chosen) == 1:
            return chosen[0].spread()
        return Sum(sum(one.count for one in chosen), [time for one in chosen for time in one.micros]).spread()

    def _with(self, of: Measured, keys: tuple[str, ...]) -> list[Sum]:
        return [one for key, one in self._found[of].items() if not keys or key in keys] if of in self._found else []


def share(part: int, whole: int) -> float | None:
    """Part of the whole; None where there is no whole, for then nothing is known."""
    return part / whole if whole else None


def _span(micros: int | None) -> timedelta | None:
    return None if micros is None else timedelta(microseconds=micros)
