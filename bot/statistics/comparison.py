"""The comparison of a candidate with its incumbent over the same inputs: fold pairs, ask where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.domain.errors import BadInput
from bot.statistics import packing
from bot.statistics.bets import Side
from bot.statistics.channel import Channel
from bot.statistics.flags import Oddities
from bot.statistics.histogram import divergence_design
from bot.statistics.labelled import Labelled
from bot.statistics.latency import LatencyRatio
from bot.statistics.names import short_names
from bot.statistics.outputs import Compared, compare
from bot.statistics.phase import Phase
from bot.statistics.rule import ComparisonRule, Output
from bot.statistics.standing import (
    LabelStanding,
    LatencyStanding,
    PhaseStanding,
    Standing,
    Verdict,
    fewest_pairs,
    figure_of,
    phase_of,
    reason,
    slices_of,
    verdict_of,
)
from bot.statistics.units import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bot.statistics.pairs import Pairs

VERSION = 2
OLDER = (1,)
"""Version 1 knew no blocks of 10; it is read, and its phase goes on at the shares with which it began."""


@dataclass(frozen=True)
class Folded:
    """What one batch did: the keys of affected pairs, and how many were compared, missing and refused.

    A pair is affected when its divergence is above `rule.affected_above`, or the candidate failed."""

    affected: tuple[str, ...]
    compared: int
    missing: int
    refused: int


class Comparison:
    """All that is known of one release under one rule, in bounded memory.

    Folding is the same however pairs are batched, to the last bit. Pairs must come in an order that does not hang on
    what they say (late joins within a grace window, duplicates dropped by the caller). The state is the whole: what
    `to_bytes` gives goes on where it stopped.
    """

    def __init__(self, rule: ComparisonRule, phase: str = "canary") -> None:
        self.rule = rule
        self.phase = Phase(rule, phase)
        self.past: tuple[PhaseStanding, ...] = ()
        self.missing = self.affected = 0
        self.refused: dict[str, int] = {}
        self.oddities = Oddities(rule)
        self.failures = 0
        self.errors: Channel | None = None
        if rule.errors is not None:
            self.errors = Channel(divergence_design(rule.errors), "pair", rule.alpha, rule.alpha)
        self.latency: LatencyRatio | None = None
        if rule.latency is not None:
            self.latency = LatencyRatio(rule.latency, rule.latency_quantile, rule.alpha)
        self.labelled = Labelled(rule)

    @property
    def compared(self) -> int:
        """Pairs compared so far, over all phases."""
        return self.phase.started + self.phase.compared

    # What comes in

    def fold(self, pairs: Pairs) -> Folded:
        """Fold a batch in its order. BadInput, and nothing folded, where its columns have different lengths."""
        found = compare(pairs, self.rule)
        rows, numbers = self._rows(pairs, found)
        self.phase.take(rows, numbers, found.values, short_names(pairs.slices))
        self._fold_beside(pairs, found)
        odd = found.at[np.asarray(found.values > self.rule.affected_above)]
        self.affected += len(odd)
        self.missing += found.missing
        for why, count in found.refused.items():
            self.refused[why] = self.refused.get(why, 0) + count
        keys = tuple(pairs.keys[at] for at in odd.tolist())
        return Folded(keys, len(found.at), found.missing, sum(found.refused.values()))

    def _rows(self, pairs: Pairs, found: Compared) -> tuple[Rows, NDArray[np.int64]]:
        """Pairs without two answers stay in their places: 0 for the test above, 1 for the one below."""
        count, before = len(pairs), self.compared
        units = short_names(pairs.units) if self.rule.unit == "field" else ()
        if len(found.at) == count:
            return Rows(found.values, None, units), np.arange(before + 1, before + count + 1)
        low, high, here = np.zeros(count), np.ones(count), np.zeros(count, dtype=np.int64)
        low[found.at] = high[found.at] = found.values
        here[found.at] = 1
        return Rows(low, high, units), before + np.cumsum(here)

    def _fold_beside(self, pairs: Pairs, found: Compared) -> None:
        self.failures += found.failures
        self.oddities.add(found, self._nameless(pairs))
        if self.errors is not None:
            before = self.errors.stream.count
            numbers = np.arange(before + 1, before + len(found.alone) + 1)
            self.errors.take(Rows(found.alone), numbers)
        if self.latency is not None and len(pairs.incumbent_ms) and len(pairs.candidate_ms):
            at = found.at[found.answered]
            self.latency.add(np.asarray(pairs.incumbent_ms)[at], np.asarray(pairs.candidate_ms)[at])
        if len(pairs.labels):
            self._label(found, pairs.labels)

    def _nameless(self, pairs: Pairs) -> int:
        if self.rule.unit != "field":
            return 0
        return sum(not name for name in pairs.units) if len(pairs.units) else len(pairs)

    def _label(self, found: Compared, labels: Sequence[Any]) -> None:
        at = found.at[found.answered].tolist()
        self.labelled.add(found.incumbent, found.candidate, [labels[one] for one in at])

    def label(self, pairs: Pairs) -> None:
        """Labels that came late, with both answers again; nothing but the labelled figures changes."""
        if len(pairs.labels):
            self._label(compare(pairs, self.rule), pairs.labels)

    def miss(self, count: int) -> None:
        """Pairs that were expected and never joined: no divergence for one test, full divergence for the other."""
        if count < 0:
            raise BadInput(f"{count} pairs cannot be missing")
        self.missing += count
        self.phase.miss(count)

    def close_units(self) -> None:
        """No more pairs will come of the units that are open: each is an observation now."""
        self.phase.close()

    def begin_phase(self, name: str, restarts: int = 0) -> None:
        """Fresh tests with an error of their own; what came before is kept as it stood.

        `restarts`: how many times this artifact's evidence was thrown away for a recorded reason; the j-th has
        alpha/2**j."""
        self.phase.close()
        self.past += (phase_of(self.phase),)
        before, self.phase = self.phase, Phase(self.rule, name, self.compared, restarts)
        self.phase.keep_watch(before)

    # What it says

    def standing(self) -> Standing:
        """Where it stands; some milliseconds of work, and it changes nothing."""
        phase, stream = self.phase, self.phase.pairs.stream
        phases = (*self.past, phase_of(phase))
        diverged = next((one for one in phases if one.diverged_at is not None), None)
        diverged_at, by = (diverged.diverged_at, diverged.diverged_by) if diverged is not None else (None, None)
        verdict = verdict_of(diverged_at, phase.equivalent_at)
        why = reason(verdict, phase, self.rule, diverged_at or phase.equivalent_at, by)
        low, high = stream.interval()
        return Standing(
            verdict=verdict, why=why, pairs=self.compared, observations=stream.count,
            estimate=phase.estimate, low=low, high=high, tolerance=self.rule.tolerance, alpha=phase.alpha,
            p_diverged=phase.p_diverged(), p_equivalent=stream.below.p_value(),
            log_e_diverged=stream.above.log_e(), log_e_equivalent=stream.below.log_e(),
            diverged_at=diverged_at, diverged_by=by, equivalent_at=phase.equivalent_at,
            fewest_for_diverged=fewest_pairs(self.rule, phase, Side.ABOVE),
            fewest_for_equivalent=fewest_pairs(self.rule, phase, Side.BELOW), dead_zone=stream.dead_zone(),
            missing=self.missing, refused=dict(self.refused), candidate_failures=self.failures, affected=self.affected,
            unseen_classes=self.oddities.unseen.count, calibration_shift=self._shift(),
            changed_units=self.oddities.units.factor, autocorrelation=phase.correlation.value,
            flags=self.oddities.flags(phase, self.latency, is_changed=low > high), phase=phase.name, phases=phases,
            slices=slices_of(phase), slices_named=phase.slices.named() if phase.slices is not None else (),
            without_unit=self.oddities.nameless, slices_beyond=phase.slices.beyond if phase.slices is not None else 0,
            errors=figure_of(self.errors.stream) if self.errors is not None else None,
            latency=self._latency(), labels=self._labels(),
        )  # fmt: skip

    def _shift(self) -> float | None:
        return self.oddities.shift.value if self.rule.output is Output.SCORES else None

    def _latency(self) -> LatencyStanding | None:
        if self.latency is None or self.rule.latency is None:
            return None
        found = self.latency.quantiles(self.rule.latency_quantile)
        one, two = found if found is not None else (None, None)
        ratio = two / one if one is not None and two is not None else None
        figure = figure_of(self.latency.stream, doubled=True)
        if self.latency.units.factor is not None:
            figure = replace(figure, verdict=Verdict.UNKNOWN)
        quantile, refused = self.rule.latency_quantile, self.latency.refused
        return LatencyStanding(figure, self.rule.latency, quantile, one, two, ratio, refused)

    def _labels(self) -> LabelStanding | None:
        accuracy, f1 = self.labelled.accuracy, self.labelled.f1
        if accuracy is None and f1 is None:
            return None
        verdict, drop = Verdict.UNKNOWN, None
        if accuracy is not None:
            verdict = verdict_of(accuracy.stream.above.crossed, accuracy.stream.below.crossed)
            drop = accuracy.confidence()
        return LabelStanding(verdict, drop, f1.confidence() if f1 is not None else None, self.labelled.refused)

    # Shards and storage

    def merge(self, other: Comparison) -> None:
        """Take over what a shard saw of the same phase; looked at once, now. BadInput where the order matters."""
        if self.past or other.past:
            raise BadInput("Shards with more than one phase cannot be merged")
        self.phase.merge(other.phase)
        self.missing, self.affected = self.missing + other.missing, self.affected + other.affected
        self.failures += other.failures
        for why, count in other.refused.items():
            self.refused[why] = self.refused.get(why, 0) + count
        self.oddities.merge(other.oddities)
        if self.errors is not None and other.errors is not None:
            count = self.errors.stream.count + other.errors.stream.count
            self.errors = self.errors.merged(other.errors, count)
        self.labelled.merge(other.labelled)

    def to_bytes(self) -> bytes:
        """Rule and state, compact and versioned."""
        tree = {
            "rule": asdict(self.rule),
            "phase": self.phase.state(),
            "past": [asdict(one) for one in self.past],
            "n": [self.missing, self.affected, self.failures],
            "refused": self.refused,
            "oddities": self.oddities.state(),
            "errors": self.errors.state() if self.errors is not None else None,
            "latency": self.latency.state() if self.latency is not None else None,
            "labelled": self.labelled.state(),
        }
        return packing.pack("comparison", VERSION, tree)

    @classmethod
    def from_bytes(cls, data: bytes) -> Comparison:
        """What `to_bytes` gave. BadInput for anything else."""
        tree = packing.unpack("comparison", VERSION, data, OLDER)
        try:
            return cls._of_tree(tree)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise BadInput("The stored state of a comparison makes no sense", why=repr(error)) from error

    @classmethod
    def _of_tree(cls, tree: dict[str, Any]) -> Comparison:
        given = dict(tree["rule"])
        given["output"], given["expected_slices"] = Output(given["output"]), tuple(given["expected_slices"])
        found = cls(ComparisonRule(**given))
        found.phase = Phase.of_state(found.rule, tree["phase"])
        found.past = tuple(PhaseStanding(**one) for one in tree["past"])
        found.missing, found.affected, found.failures = tree["n"]
        found.refused = dict(tree["refused"])
        found.oddities.restore(tree["oddities"])
        if found.errors is not None:
            found.errors = Channel.of_state(tree["errors"])
        if found.latency is not None:
            found.latency.restore(tree["latency"])
        found.labelled.restore(tree["labelled"])
        return found
