"""One phase of a comparison: fresh tests with an error of their own, and the pair at which each verdict stood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.domain.errors import BadInput
from bot.statistics.cells import ONE, exact_sum
from bot.statistics.channel import Channel
from bot.statistics.detector import ChangeDetector, restart_alpha
from bot.statistics.guard import BLOCK, CHANGE_SHARES, EARLY_BLOCK, EARLY_PAIRS, Correlation
from bot.statistics.histogram import divergence_design
from bot.statistics.rule import ComparisonRule
from bot.statistics.slices import Slices
from bot.statistics.units import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bot.statistics.eprocess import Design

    Floats = NDArray[np.float64]
    Cells = NDArray[np.int64]

CHANGE = "~"
"""Stands for the detector of changes among crossings that wait."""


class Phase:
    """Tests from pair number `started` on. `restarts` counts recorded restarts of the same artifact."""

    def __init__(self, rule: ComparisonRule, name: str, started: int = 0, restarts: int = 0) -> None:
        self.rule, self.name, self.started, self.restarts = rule, name, started, restarts
        self.alpha = restart_alpha(rule.alpha, restarts)
        self.alphas = rule.alphas(self.alpha)
        design = divergence_design(rule.tolerance)
        self.pairs = Channel(design, rule.unit, self.alphas["pairs"], self.alpha)
        self.blocks = Channel(design, BLOCK, self.alphas["blocks"], self.alpha) if rule.is_guarded else None
        self.early = Channel(design, EARLY_BLOCK, self.alphas["early"], self.alpha) if rule.is_early else None
        self.early_room = EARLY_PAIRS
        """How many pairs the blocks of 10 still take, missing ones among them."""
        self.slices = Slices(rule, self.alphas["slices"], self.alpha) if rule.slices else None
        self._watch(design)
        self.changed: int | None = None
        """The pair at which a change that single pairs show counted, likewise."""
        self.correlation = Correlation()
        self.admitted: int | None = None
        """The pair at which the crossing of single pairs counted: at once, or once the guard let it."""
        self.compared = self.total = self.missing = 0

    def _watch(self, design: Design) -> None:
        """Detectors of changes: of single pairs, which count as their crossings do, and of blocks by themselves."""
        window, alpha = self.rule.change_window, self.alphas.get("change", 0.0)
        if not window:
            return
        shares = CHANGE_SHARES if self.blocks is not None else (1.0, 0.0)
        self.pairs.detector = ChangeDetector(design, alpha * shares[0], window)
        if self.blocks is not None:
            self.blocks.detector = ChangeDetector(design, alpha * shares[1], max(1, window // BLOCK))

    def keep_watch(self, before: Phase) -> None:
        """Go on with the detectors of the phase before, as far as they have not alarmed: they know no phases."""
        for one, other in ((self.pairs, before.pairs), (self.blocks, before.blocks)):
            if one is not None and other is not None and other.detector is not None and other.detector.alarmed is None:
                one.detector = other.detector

    def take(self, rows: Rows, numbers: Cells, compared: NDArray[np.bool_] | Floats, slices: Sequence[str]) -> None:
        """Fold rows with the numbers of their pairs; `compared` are those that are not missing."""
        self.pairs.take(rows, numbers)
        if self.blocks is not None:
            self.blocks.take(rows, numbers)
        if self.early is not None and self.early_room:
            first = rows.first(self.early_room)
            self.early.take(first, numbers[: len(first)])
            self.early_room -= len(first)
        if self.slices is not None and len(slices):
            self.slices.take(rows, slices, numbers)
        self.compared += len(compared)
        self.missing += len(rows) - len(compared)
        self.total += exact_sum(compared)
        self._admit(compared)

    def _admit(self, compared: NDArray[np.bool_] | Floats) -> None:
        waiting = self._waiting()
        if not self.rule.is_guarded:
            if self.rule.unit == "pair":
                self.correlation.add(compared)
            self._let(waiting, None)
            return
        first = min(waiting.values()) - self.started if waiting else None
        self._let(waiting, self.correlation.add(compared, first) + self.started)

    def _waiting(self) -> dict[str, int]:
        """Crossings that do not count yet: of the whole under "", of slices under their names with a mark before."""
        found = {}
        if self.pairs.above_at is not None and self.admitted is None:
            found[""] = self.pairs.above_at
        if self.pairs.changed_at is not None and self.changed is None:
            found[CHANGE] = self.pairs.changed_at
        for name, one in self.slices.found.items() if self.slices is not None else ():
            if one.channel.above_at is not None and one.admitted is None:
                found["/" + name] = one.channel.above_at
        return found

    def _let(self, waiting: dict[str, int], calm: Cells | None) -> None:
        for name, crossed in waiting.items():
            later = [crossed] if calm is None else calm[calm >= crossed]
            if not len(later):
                continue
            if name == CHANGE:
                self.changed = int(later[0])
            elif name:
                assert self.slices is not None
                self.slices.found[name[1:]].admitted = int(later[0])
            else:
                self.admitted = int(later[0])

    def miss(self, count: int) -> None:
        """Pairs that never came; of which slice they were nobody knows, so they count in the whole only."""
        number = self.started + self.compared
        self.missing += count
        for channel in (self.pairs, self.blocks):
            if channel is not None:
                channel.miss(count, number)
        if self.early is not None:
            first = min(count, self.early_room)
            self.early.miss(first, number)
            self.early_room -= first
        self._let(self._waiting() if not self.rule.is_guarded else {}, None)

    def close(self) -> None:
        """Take open units as they are."""
        number = self.started + self.compared
        self.pairs.close(number)
        if self.slices is not None:
            self.slices.close(number)
        self._let(self._waiting() if not self.rule.is_guarded else {}, None)

    @property
    def estimate(self) -> float | None:
        """The mean divergence of compared pairs; of units where the rule compares those, missing pairs as 0."""
        if self.rule.unit == "field":
            return self.pairs.stream.estimate
        return self.total / ONE / self.compared if self.compared else None

    @property
    def diverged_at(self) -> int | None:
        """The pair at which `diverged` stood: a crossing that counts, and the fewest pairs that the rule demands."""
        first = self._first()
        return None if first is None else max(first[0], self.started + self.rule.min_pairs_diverged)

    @property
    def diverged_by(self) -> str | None:
        """Which test was first to cross where `diverged` stands: of single pairs, blocks, a slice, the detector."""
        first = self._first()
        return None if first is None else first[1]

    def _first(self) -> tuple[int, str] | None:
        """The first crossing that counts, once there are enough pairs, with the name of its test."""
        found = [(self.admitted, _words(self.rule.unit))]
        found += [(one.above_at, _words(one.unit)) for one in (self.early, self.blocks) if one is not None]
        found += [(self.changed, "detector of changes")]
        found += [(self.blocks.changed_at, "detector of changes in blocks")] if self.blocks is not None else []
        found += [(one.admitted, f"slice {one.name}") for one in self.slices.found.values()] if self.slices else []
        reached = [(at, words) for at, words in found if at is not None]
        if not reached or self.compared < self.rule.min_pairs_diverged:
            return None
        return min(reached, key=lambda one: one[0])

    @property
    def equivalent_at(self) -> int | None:
        """The pair at which `equivalent` stood: the whole, and each slice that had appeared, with enough pairs."""
        if self.pairs.below_at is None or self.compared < self.rule.min_pairs:
            return None
        first = max(self.pairs.below_at, self.started + self.rule.min_pairs)
        if self.slices is None:
            return first
        ends = {one.channel.below_at for one in self.slices.found.values() if one.channel.below_at is not None}
        later = sorted({first, *(one for one in ends if one > first)})
        return next((number for number in later if self.slices.equivalent_from(number)), None)

    def p_diverged(self) -> float:
        """Any-time p of the whole, over all its tests together: at most alpha once one of them has crossed."""
        tests = [one.stream.above for one in (self.pairs, self.blocks, self.early) if one is not None]
        return min(1.0, *(one.p_value() * self.alpha / one.alpha for one in tests))

    def merge(self, other: Phase) -> None:
        """Take over what a shard saw in the same phase. BadInput for rules whose tests hang on the order."""
        self._refuse_order(other)
        self.compared, self.total = self.compared + other.compared, self.total + other.total
        self.missing += other.missing
        number = self.started + self.compared
        self.pairs = self.pairs.merged(other.pairs, number)
        self.admitted = self.pairs.above_at
        self.correlation = Correlation()
        if self.slices is not None and other.slices is not None:
            self.slices.merge(other.slices, number)

    def _refuse_order(self, other: Phase) -> None:
        rule = self.rule
        hangs = rule.is_guarded or rule.unit != "pair" or rule.change_window or rule.latency is not None
        if hangs or (rule.slices and not rule.expected_slices):
            raise BadInput(
                "Shards under this rule cannot be merged",
                why="guard, blocks, units, change detector, latency and slices by appearance hang on the order",
                next="fold all pairs of a release in one order",
            )
        if (self.rule, self.name, self.restarts) != (other.rule, other.name, other.restarts):
            raise BadInput("Shards of unlike rules or phases cannot be merged")

    def state(self) -> dict[str, Any]:
        """Everything but the rule, as JSON values."""
        return {
            "phase": [self.name, self.started, self.restarts],
            "n": [self.compared, self.total, self.missing, self.admitted],
            "pairs": self.pairs.state(),
            "changed": [self.changed, *(_changes(one) for one in (self.pairs, self.blocks))],
            "blocks": self.blocks.state() if self.blocks is not None else None,
            "early": [self.early.state(), self.early_room] if self.early is not None else None,
            "slices": self.slices.state() if self.slices is not None else None,
            "correlation": self.correlation.state(),
        }

    @classmethod
    def of_state(cls, rule: ComparisonRule, state: dict[str, Any]) -> Phase:
        """What `state` gave. A phase kept before there were blocks of 10 goes on without them, at its own shares."""
        phase = cls(rule, *state["phase"])
        detectors = [one.detector if one is not None else None for one in (phase.pairs, phase.blocks)]
        phase.compared, phase.total, phase.missing, phase.admitted = state["n"]
        phase.pairs = Channel.of_state(state["pairs"])
        if phase.blocks is not None:
            phase.blocks = Channel.of_state(state["blocks"])
        phase.changed, *kept = state["changed"]
        for channel, detector, found in zip((phase.pairs, phase.blocks), detectors, kept, strict=False):
            if channel is not None and detector is not None and found is not None:
                channel.changed_at, seen = found
                detector.restore(seen)
                channel.detector = detector
        early, phase.early_room = state.get("early") or (None, 0)
        if not 0 <= phase.early_room <= EARLY_PAIRS:
            raise ValueError(phase.early_room)
        phase.early = Channel.of_state(early) if early is not None else None
        if phase.slices is not None:
            phase.slices.restore(state["slices"])
        phase.correlation.restore(state["correlation"])
        return phase


def _changes(channel: Channel | None) -> Any:
    """Where the detector of a channel stands; None where it has none."""
    if channel is None or channel.detector is None:
        return None
    return [channel.changed_at, channel.detector.state()]


def _words(unit: str | int) -> str:
    if isinstance(unit, int):
        return f"blocks of {unit} pairs"
    return "single pairs" if unit == "pair" else "units"
