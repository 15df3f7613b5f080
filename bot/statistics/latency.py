"""Is the candidate slower at the quantile that matters: a sequential test over the same pairs, and plain figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.statistics import packing
from bot.statistics.histogram import HistogramStream, difference_design
from bot.statistics.watchers import ChangedUnits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BLOCK = 2_000
LEAST_MS, STEPS, RESOLUTION = 1e-3, 2_400, 0.01
"""Displayed quantiles come from counts per 1 % of time, 1 microsecond to 7 hours."""


class LatencyRatio:
    """The candidate's quantile against `ratio` times the incumbent's, both times in milliseconds, pair by pair.

    A threshold T is the incumbent's quantile over the 2,000 pairs before; D = [candidate > ratio T] - [incumbent > T]
    has mean at most 0 whatever T is, while the candidate's times over `ratio` are stochastically no larger, so 1 + b D
    is a fair bet and the engine tests (1 + D)/2 against one half. The first 2,000 pairs only set T. The same idea on
    whole distribution functions: Lindon, Sanden & Shirikian (arXiv 2205.14762); sequences for quantiles: Howard &
    Ramdas (arXiv 1906.09712).
    """

    def __init__(self, ratio: float, quantile: float, alpha: float) -> None:
        self.ratio, self.quantile = ratio, quantile
        self.stream = HistogramStream(difference_design(0.5), alpha, alpha)
        self.units = ChangedUnits(2.0, (1000.0, 1e6))
        self.threshold: float | None = None
        self.waiting: Floats = np.zeros(0)
        self.counts = np.zeros((2, STEPS), dtype=np.int64)
        self.refused = 0

    def add(self, incumbent_ms: Floats, candidate_ms: Floats) -> None:
        """Times of pairs in order. Those unknown (NaN) or not above 0 on either side are refused and counted."""
        good = np.isfinite(incumbent_ms) & np.isfinite(candidate_ms) & (incumbent_ms > 0) & (candidate_ms > 0)
        self.refused += int(np.count_nonzero(~good))
        one, two = incumbent_ms[good], candidate_ms[good]
        self.units.add(one, two)
        for row, times in enumerate((one, two)):
            self.counts[row] += np.bincount(_steps(times), minlength=STEPS)
        start = 0
        while start < len(one):
            stop = min(len(one), start + BLOCK - len(self.waiting))
            self._fold(one[start:stop], two[start:stop])
            start = stop

    def _fold(self, one: Floats, two: Floats) -> None:
        if self.threshold is not None:
            worse = (two > self.ratio * self.threshold) * 1.0 - (one > self.threshold)
            self.stream.add((1 + worse) / 2)
        self.waiting = np.concatenate([self.waiting, one])
        if len(self.waiting) == BLOCK:
            self.threshold = float(np.sort(self.waiting)[math.ceil(self.quantile * BLOCK) - 1])
            self.waiting = np.zeros(0)

    def quantiles(self, quantile: float) -> tuple[float, float] | None:
        """Both sides' quantile in ms, to 1 %; None before the first pair. Plain figures without an error."""
        if not self.counts[0].any():
            return None
        ends = []
        for row in self.counts:
            place = np.searchsorted(np.cumsum(row), math.ceil(quantile * row.sum()))
            ends.append(LEAST_MS * math.exp(RESOLUTION * (int(place) + 0.5)))
        return ends[0], ends[1]

    def state(self) -> Any:
        """Everything but the settings, as JSON values."""
        sides = [packing.sparse(row.astype(np.float64)) for row in self.counts]
        waiting = packing.floats_out(self.waiting)
        return [self.stream.state(), self.units.state(), self.threshold, waiting, sides, self.refused]

    def restore(self, state: Any) -> None:
        """Take over what `state` gave."""
        stream, units, self.threshold, waiting, sides, self.refused = state
        self.stream = HistogramStream.of_state(stream)
        self.units.restore(units)
        self.waiting = packing.floats_in(waiting)
        self.counts = np.array([packing.dense(one, STEPS) for one in sides]).astype(np.int64)


def _steps(times: Floats) -> NDArray[np.int64]:
    return np.clip(np.floor((np.log(times) - math.log(LEAST_MS)) / RESOLUTION), 0, STEPS - 1).astype(np.int64)
