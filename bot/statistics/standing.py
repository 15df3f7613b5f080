"""Where a comparison stands: the verdict, why, and every figure that a person needs to trust it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.statistics.bets import Side, fewest
from bot.statistics.guard import EARLY_PAIRS, GUARDED_PAIRS
from bot.statistics.labelled import Confidence
from bot.statistics.phase import Phase

if TYPE_CHECKING:
    from bot.statistics.channel import Channel
    from bot.statistics.histogram import HistogramStream
    from bot.statistics.rule import ComparisonRule


class Verdict(StrEnum):
    """What the pairs say. Unknown is never success."""

    DIVERGED = "diverged"
    EQUIVALENT = "equivalent"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Figure:
    """A tested mean: its estimate, its interval (each end valid at all times), and both any-time p-values."""

    verdict: Verdict
    estimate: float | None
    low: float
    high: float
    tolerance: float
    count: int
    p_diverged: float
    p_equivalent: float


@dataclass(frozen=True)
class SliceStanding:
    """One slice: its figure, and the pairs at which its verdicts stood."""

    name: str
    figure: Figure
    alpha: float
    diverged_at: int | None
    equivalent_at: int | None


@dataclass(frozen=True)
class PhaseStanding:
    """One phase: its pairs, the mean divergence, and the numbers of the pairs at which its verdicts stood."""

    name: str
    started: int
    pairs: int
    estimate: float | None
    diverged_at: int | None
    equivalent_at: int | None
    alpha: float
    diverged_by: str | None = None
    """Which test decided: `single pairs`, `blocks of 10 pairs`, `units`, `slice …`, `detector of changes`."""


@dataclass(frozen=True)
class LatencyStanding:
    """`figure` tests D = [candidate slower than the tolerated] - [incumbent above its quantile] against 0.

    While the times of both sides seem to be in different units the verdict is unknown. Quantiles in ms are plain
    figures, to 1 %; None before the first pair with times. `ratio` is of the two."""

    figure: Figure
    tolerated: float
    quantile: float
    incumbent_ms: float | None
    candidate_ms: float | None
    ratio: float | None
    refused: int


@dataclass(frozen=True)
class LabelStanding:
    """`accuracy_drop` is incumbent minus candidate; `f1_difference` candidate minus incumbent, approximate."""

    accuracy: Verdict
    accuracy_drop: Confidence | None
    f1_difference: Confidence | None
    refused: int


@dataclass(frozen=True)
class Standing:
    """The whole picture after the pairs folded so far. Numbers of pairs count compared pairs, from 1.

    `estimate`, `low` and `high` are of the current phase: each end is right at all times with chance 1 - `alpha` at
    least (both together with 1 - 2 `alpha`). Low above high means that the stream has changed: show that, no number.
    """

    verdict: Verdict
    why: str
    pairs: int
    observations: int
    estimate: float | None
    low: float
    high: float
    tolerance: float
    alpha: float
    p_diverged: float
    p_equivalent: float
    log_e_diverged: float
    log_e_equivalent: float
    diverged_at: int | None
    diverged_by: str | None
    """Which test decided: `single pairs`, `blocks of 10 pairs`, `units`, `slice …`, `detector of changes`."""
    equivalent_at: int | None
    fewest_for_diverged: int
    fewest_for_equivalent: int
    """Pairs of one phase before which the verdict cannot come, whatever they say; tell who expects less traffic."""
    dead_zone: tuple[float, float]
    missing: int
    refused: dict[str, int]
    candidate_failures: int
    affected: int
    unseen_classes: int
    calibration_shift: float | None
    changed_units: float | None
    autocorrelation: float | None
    flags: tuple[str, ...]
    phase: str
    phases: tuple[PhaseStanding, ...]
    slices: tuple[SliceStanding, ...]
    slices_named: tuple[str, ...]
    """Slices that diverge, by a rule of which at most alpha are false on average."""
    without_unit: int
    """Pairs without the field that the rule's unit names, each taken as a unit by itself."""
    slices_beyond: int
    """Pairs whose slice is not followed by itself: past 200 slices as `(others)`, past expected ones not at all."""
    errors: Figure | None
    latency: LatencyStanding | None
    labels: LabelStanding | None


def figure_of(stream: HistogramStream, *, doubled: bool = False) -> Figure:
    """The figure of a stream; `doubled` turns halves back into differences between -1 and 1."""
    low, high = stream.interval()
    estimate, tolerance = stream.estimate, stream.design.mean
    if doubled:
        low, high, tolerance = 2 * low - 1, 2 * high - 1, 2 * tolerance - 1
        estimate = None if estimate is None else 2 * estimate - 1
    return Figure(
        verdict_of(stream.above.crossed, stream.below.crossed), estimate, low, high, tolerance, stream.count,
        stream.above.p_value(), stream.below.p_value(),
    )  # fmt: skip


def verdict_of(diverged_at: int | None, equivalent_at: int | None) -> Verdict:
    """`diverged` wins, and overrides an earlier `equivalent`."""
    if diverged_at is not None:
        return Verdict.DIVERGED
    return Verdict.EQUIVALENT if equivalent_at is not None else Verdict.UNKNOWN


def phase_of(phase: Phase) -> PhaseStanding:
    """What is kept of a phase."""
    return PhaseStanding(
        phase.name, phase.started, phase.compared, phase.estimate, phase.diverged_at, phase.equivalent_at, phase.alpha,
        phase.diverged_by,
    )  # fmt: skip


def slices_of(phase: Phase) -> tuple[SliceStanding, ...]:
    """All slices of a phase, in the order in which they appeared."""
    if phase.slices is None:
        return ()
    return tuple(
        SliceStanding(
            one.name, figure_of(one.channel.stream), one.channel.stream.above.alpha, one.admitted, one.channel.below_at
        )
        for one in phase.slices.found.values()
    )


def fewest_pairs(rule: ComparisonRule, phase: Phase, side: Side) -> int:
    """Pairs before which a side cannot decide: by its bets, by the size of a block, by what the rule demands."""
    size = rule.unit if isinstance(rule.unit, int) else 1
    needed = phase.pairs.stream.fewest(side) * size
    if side is Side.BELOW:
        return max(needed, rule.min_pairs)
    if phase.blocks is not None:
        needed = min(max(needed, GUARDED_PAIRS), _fewest_blocks(phase.blocks))
    if phase.early is not None and (least := _fewest_blocks(phase.early)) <= EARLY_PAIRS:
        needed = min(needed, least)
    return max(needed, rule.min_pairs_diverged)


def _fewest_blocks(blocks: Channel) -> int:
    process, size = blocks.stream.above, blocks.unit if isinstance(blocks.unit, int) else 1
    return size * fewest(Side.ABOVE, process.design.above, process.design.mean, process.alpha)


def reason(verdict: Verdict, phase: Phase, rule: ComparisonRule, at: int | None, by: str | None) -> str:
    """One sentence in words, with the numbers that matter."""
    mean = "no pair was compared" if phase.estimate is None else f"mean divergence {phase.estimate:.4g}"
    after = f"{mean} over {phase.compared} pairs of phase {phase.name!r}, tolerated {rule.tolerance:g}"
    if verdict is Verdict.DIVERGED:
        return f"above the tolerance, established at pair {at} by {by} with error {phase.alpha:g} at most; now {after}"
    if verdict is Verdict.EQUIVALENT:
        return f"below the tolerance, established at pair {at} with error {phase.alpha:g} at most; now {after}"
    return f"{_why_unknown(phase, rule)}; {after}"


def _why_unknown(phase: Phase, rule: ComparisonRule) -> str:
    needed = fewest_pairs(rule, phase, Side.BELOW)
    if phase.pairs.above_at is not None and phase.compared >= rule.min_pairs_diverged:
        is_soon = phase.compared < GUARDED_PAIRS
        wait = f"count from {GUARDED_PAIRS} pairs on" if is_soon else "hang together in bursts"
        return f"single pairs point above the tolerance but {wait}, so that blocks of pairs decide"
    if phase.compared < needed:
        return f"too few pairs: equivalent needs {needed} at least"
    if phase.missing > rule.tolerance * (phase.compared + phase.missing):
        return f"{phase.missing} pairs are missing or refused, more than the tolerance leaves room for"
    if phase.pairs.below_at is not None and phase.slices is not None:
        return "the whole is below the tolerance, but not every slice is"
    low, high = phase.pairs.stream.dead_zone()
    if phase.estimate is not None and low <= phase.estimate <= high:
        return "the mean is so near to the tolerance that it may stay undecided for ever"
    return "the evidence for neither side is enough yet"
