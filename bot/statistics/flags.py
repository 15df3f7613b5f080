"""The oddities of a comparison, gathered over all its pairs and said in short words beside the verdict."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.statistics.outputs import Compared
from bot.statistics.rule import ComparisonRule, Output
from bot.statistics.watchers import ChangedUnits, Constant, Shift, UnseenClasses

if TYPE_CHECKING:
    from bot.statistics.latency import LatencyRatio
    from bot.statistics.phase import Phase

ALIKE_PAIRS = 1_000
CONSTANT_PAIRS = 200


class Flag(StrEnum):
    """What a reader of the verdict should know."""

    ITSELF = "compared-with-itself"
    """Thousands of pairs without one difference: is it the same artifact? The caller knows the digests."""
    AUTOCORRELATED = "autocorrelated"
    """Divergent pairs come in bursts: single pairs do not decide `diverged`, and `equivalent` promises nothing."""
    UNITS = "units-changed"
    LATENCY_UNITS = "latency-units-changed"
    UNSEEN = "unseen-classes"
    MANY_CLASSES = "too-many-classes"
    SAME_INCUMBENT = "constant-incumbent"
    SAME_CANDIDATE = "constant-candidate"
    CHANGED = "stream-changed"
    """The ends of the interval have crossed: the divergence is not what it was."""
    BEYOND = "slices-not-followed"
    """There are pairs of slices past the 200 that are followed, or of none of the expected ones."""
    REFUSED = "pairs-refused"
    UNIT_ABSENT = "units-absent"
    """Pairs came without the field that is the unit: each was taken by itself, without the guard against bursts."""


class Oddities:
    """What was seen beside the divergence. Answers of the kinds that have no such oddity are not looked at."""

    def __init__(self, rule: ComparisonRule) -> None:
        self.output = rule.output
        self.compared = self.differing = self.refused = self.nameless = 0
        self.unseen = UnseenClasses()
        self.units = ChangedUnits(1.1)
        self.shift = Shift()
        self.constants = (Constant(), Constant())

    def add(self, found: Compared, nameless: int = 0) -> None:
        """One batch, and how many of its pairs came without the unit that the rule names."""
        self.nameless += nameless
        self.compared += len(found.values)
        self.differing += int(np.count_nonzero(found.values))
        self.refused += sum(found.refused.values())
        one, two = found.incumbent, found.candidate
        if self.output in (Output.CLASSES, Output.SCORES, Output.NUMBERS):
            self.constants[0].add(one)
            self.constants[1].add(two)
        if self.output is Output.CLASSES:
            self.unseen.add(one, two, np.asarray(found.values[found.answered] > 0))
        elif self.output is Output.SCORES:
            self.shift.add(np.asarray(one), np.asarray(two))
        elif self.output is Output.NUMBERS:
            self.units.add(np.asarray(one), np.asarray(two))

    def flags(self, phase: Phase, latency: LatencyRatio | None, *, is_changed: bool) -> tuple[str, ...]:
        """Those that are up now."""
        up = {
            Flag.ITSELF: self.compared >= ALIKE_PAIRS and not self.differing,
            Flag.AUTOCORRELATED: phase.correlation.is_high,
            Flag.UNITS: self.units.factor is not None,
            Flag.LATENCY_UNITS: latency is not None and latency.units.factor is not None,
            Flag.UNSEEN: self.unseen.count > 0,
            Flag.MANY_CLASSES: self.unseen.is_full,
            Flag.SAME_INCUMBENT: self._is_constant(0),
            Flag.SAME_CANDIDATE: self._is_constant(1),
            Flag.CHANGED: is_changed,
            Flag.BEYOND: phase.slices is not None and phase.slices.beyond > 0,
            Flag.REFUSED: self.refused > 0,
            Flag.UNIT_ABSENT: self.nameless > 0,
        }
        return tuple(str(flag) for flag, is_up in up.items() if is_up)

    def _is_constant(self, side: int) -> bool:
        return self.constants[side].count >= CONSTANT_PAIRS and self.constants[side].is_constant

    def merge(self, other: Oddities) -> None:
        """Take over what a shard saw."""
        self.compared, self.differing = self.compared + other.compared, self.differing + other.differing
        self.refused, self.nameless = self.refused + other.refused, self.nameless + other.nameless
        self.unseen.seen |= other.unseen.seen
        self.unseen.count += other.unseen.count
        self.units.merge(other.units)
        self.shift.merge(other.shift)
        for mine, theirs in zip(self.constants, other.constants, strict=True):
            mine.merge(theirs)

    def state(self) -> Any:
        """Everything, as JSON values."""
        constants = [one.state() for one in self.constants]
        parts = [self.unseen.state(), self.units.state(), self.shift.state(), constants]
        return [[self.compared, self.differing, self.refused, self.nameless], *parts]

    def restore(self, state: Any) -> None:
        """Take over what `state` gave."""
        (self.compared, self.differing, self.refused, *nameless), unseen, units, shift, constants = state
        self.nameless = nameless[0] if nameless else 0
        self.unseen.restore(unseen)
        self.units.restore(units)
        self.shift.restore(shift)
        for one, kept in zip(self.constants, constants, strict=True):
            one.restore(kept)
