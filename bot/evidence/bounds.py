"""Holds readings against bounds. A bound is passed by the end of the interval that is the worse one for it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot.domain.gates import Figure, GateVerdict, Judgement, worst
from bot.evidence.readings import Read, Reading
from bot.statistics.estimates import Unknown

_MOST_REASONS = 4
MOST_FIGURES = 50


@dataclass(frozen=True)
class Bound:
    """`limit` is the least (`is_least`) or the most that is allowed; being equal to it is allowed."""

    limit: float
    is_least: bool
    unit: str = ""
    said: str = ""
    """In words, where the plain ones would mislead."""

    @property
    def words(self) -> str:
        """`at least 0.9`, `at most 250 ms`."""
        return self.said or f"at {'least' if self.is_least else 'most'} {number_words(self.limit)}{_spaced(self.unit)}"

    def takes(self, value: float) -> bool:
        """Whether the value keeps it. Not a number keeps nothing."""
        return value >= self.limit if self.is_least else value <= self.limit


@dataclass(frozen=True)
class Held:
    """A reading that is to be held against a bound, by what it is called; `confident`: whether the worse end of its
    interval has to keep the bound (None: where it has an interval)."""

    name: str
    read: Read
    bound: Bound
    subject: str = "candidate"
    confident: bool | None = None
    needs_sure_failure: bool = False
    """Fails only where the whole interval is beyond; between, it is unknown."""

    def judge(self) -> Judgement:
        """Passes where the worse end keeps the bound; fails where the value itself does not (or, where asked for, the
        whole interval); between, and without an interval that was asked for, unknown."""
        label = self.name if self.subject == "candidate" else f"{self.name} ({self.subject})"
        if isinstance(self.read, Unknown):
            figure = Figure(self.name, None, self.bound.words, n=self.read.n or None, subject=self.subject)
            return Judgement.unknown(f"{label} is not known: {self.read.why}", figure)
        figure = figure_of(self.name, self.read, self.bound.words, self.subject, self.bound.unit)
        words = f"{label} is {reading_words(self.read, self.bound.unit)}, {self.bound.words} is wanted"
        if self.confident is True and not self.read.has_interval:
            return Judgement.unknown(f"{words}; an interval is wanted too, and it came without one", figure)
        if self.confident is False or not self.read.has_interval:
            verdict = Judgement.passed if self.bound.takes(self.read.value) else Judgement.failed
            return verdict(words, figure)
        return self._by_interval(self.read, words, figure)

    def _by_interval(self, read: Reading, words: str, figure: Figure) -> Judgement:
        low, high = read.estimate.low, read.estimate.high
        worse, better = (low, high) if self.bound.is_least else (high, low)
        if self.bound.takes(worse) and self.bound.takes(read.value):
            return Judgement.passed(words, figure)
        is_beyond = not self.bound.takes(better if self.needs_sure_failure else read.value)
        if is_beyond:
            return Judgement.failed(words, figure)
        end = "is not bounded" if math.isinf(worse) else "reaches beyond it"
        return Judgement.unknown(f"{words}; its interval {end}: more rows are needed to tell", figure)


def too_few(name: str, read: Read, least: int | None) -> Judgement | None:
    """Unknown where there are fewer rows than wanted, or nobody said how many there are."""
    if least is None or isinstance(read, Unknown):
        return None
    if read.n is None:
        words = f"{name} came without its number of rows (n), and at least {least:,} are wanted"
        return Judgement.unknown(words, figure_of(name, read, f"n at least {least:,}"))
    if read.n < least:
        words = f"{name} rests on {read.n:,} rows; at least {least:,} are wanted"
        return Judgement.unknown(words, figure_of(name, read, f"n at least {least:,}"))
    return None


def together(judgements: Iterable[Judgement | None], **details: Any) -> Judgement:
    """One judgement out of several: the worst verdict with its reasons, every figure (fifty at most, worst first)."""
    every = [one for one in judgements if one is not None]
    verdict = worst(one.verdict for one in every)
    if not every:
        return Judgement.unknown("nothing was held against anything", **details)
    order = list(GateVerdict)
    ranked = sorted(every, key=lambda one: order.index(one.verdict))
    reasons = list(dict.fromkeys(one.why for one in ranked if one.verdict is verdict))
    more = [f"and {len(reasons) - _MOST_REASONS} more"] if len(reasons) > _MOST_REASONS else []
    figures = tuple(dict.fromkeys(figure for one in ranked for figure in one.figures))
    return Judgement(verdict, "; ".join([*reasons[:_MOST_REASONS], *more]), figures[:MOST_FIGURES], details)


def unless(checks: Iterable[Judgement | None], held: Iterable[Judgement], **details: Any) -> Judgement:
    """`held` together, unless one of the checks says that it cannot be relied on: then unknown, whatever they say."""
    doubts = [one for one in checks if one is not None]
    judged = together(held, **details)
    if not doubts:
        return judged
    doubt = together(doubts)
    figures = tuple(dict.fromkeys((*doubt.figures, *judged.figures)))[:MOST_FIGURES]
    return Judgement.unknown(doubt.why, *figures, **details)


def figure_of(name: str, read: Reading, threshold: str, subject: str = "candidate", unit: str = "") -> Figure:
    """The figure of a reading; ends that are infinite are left out."""
    low, high = (end if math.isfinite(end) and read.has_interval else None
                 for end in (read.estimate.low, read.estimate.high))  # fmt: skip
    return Figure(name, read.value, threshold, low, high, read.n, subject, unit)


def reading_words(read: Reading, unit: str = "") -> str:
    """`0.93 (0.91 to 0.94, n 1,000)`."""
    low, high = read.estimate.low, read.estimate.high
    parts = []
    if read.has_interval:
        ends = [number_words(end) if math.isfinite(end) else "unbounded" for end in (low, high)]
        parts.append(f"{ends[0]} to {ends[1]}")
    if read.n is not None:
        parts.append(f"n {read.n:,}")
    around = f" ({', '.join(parts)})" if parts else ""
    return f"{number_words(read.value)}{_spaced(unit)}{around}"


def number_words(value: float) -> str:
    """At most five significant digits."""
    return f"{value:.5g}"


def _spaced(unit: str) -> str:
    return f" {unit}" if unit else ""
