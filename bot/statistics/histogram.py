"""A stream of divergences as integer counts per cell, with both tests, the interval and what can be decided when."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.domain.errors import BadInput
from bot.statistics import packing
from bot.statistics.bets import Bets, Side, above_bets, below_bets, dead_zone, fewest, flat_bets
from bot.statistics.cells import ONE, exact_sum, grid
from bot.statistics.eprocess import Design, EProcess
from bot.statistics.interval import lower_end, upper_end

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Cells = NDArray[np.int64]

FIRST_LOOK = 64
STRIDE = 1_024
BULK = 8_192
VERSION = 1


@lru_cache(maxsize=64)
def divergence_design(tolerance: float) -> Design:
    """Divergences in [0, 1] against a tolerated mean."""
    return Design("divergence", tolerance, above_bets(tolerance), below_bets())


@lru_cache(maxsize=64)
def difference_design(mean: float) -> Design:
    """Differences of -1, 0 and 1, as 0, one half and 1, against a tested mean near one half."""
    if not 0 < mean < 1:
        raise BadInput(f"A tested mean lies between 0 and 1, not at {mean!r}")
    return Design("thirds", mean, flat_bets(), flat_bets())


class HistogramStream:
    """One stream of observations in [0, 1]: 2 x 1,026 counts, whatever its length.

    Each e-value is `log sum_k w_k exp(counts @ table_k)`: the same whatever the order of the observations and however
    they came in batches. A crossing is latched with the number of the observation; the most evidence there was and the
    best interval are remembered at looks that depend on that number alone (64, 128 ... 1,024, then eight to sixteen
    times while it doubles; the interval at powers of two from 1,024). Errors of the two sides are `alpha_above` and
    `alpha_below` (Ville 1939), each.
    """

    def __init__(self, design: Design, alpha_above: float, alpha_below: float) -> None:
        for alpha in (alpha_above, alpha_below):
            if not 0 < alpha < 1:
                raise BadInput(f"An error rate lies between 0 and 1, not at {alpha!r}")
        self.design = design
        self.cells = grid(design.grid)
        self.above = EProcess(design, Side.ABOVE, alpha_above)
        self.below = EProcess(design, Side.BELOW, alpha_below)
        self.count = 0
        self.missing = 0
        self.total = 0
        self.best_low, self.best_high = 0.0, 1.0

    # Folding

    def add(self, values: NDArray[np.bool_] | Floats, upper: Floats | None = None) -> None:
        """Fold observations in order. `upper`: where given, the most that each could have been, with what is missing.

        BadInput for a value outside [0, 1], or no number; then nothing is folded."""
        low = self.cells.cells_of(values)
        high = None if upper is None else self.cells.cells_of(upper)
        total = exact_sum(values)
        start = 0
        while start < len(low):
            stop = min(len(low), start + BULK, start + next_look(self.count) - self.count)
            self._add_part(low[start:stop], None if high is None else high[start:stop])
            start = stop
        self.total += total

    def _add_part(self, low: Cells, high: Cells | None) -> None:
        """Up to the next look: at once where neither side can cross on the way, else in small parts."""
        looks_at = next_look(self.count)
        added = self._counted(low)
        other = added if high is None else self._counted(high)
        if len(low) > STRIDE and (self.above.may_cross(added) or self.below.may_cross(other)):
            for start in range(0, len(low), STRIDE):
                part = slice(start, start + STRIDE)
                self._advance(low[part], None if high is None else high[part])
        elif len(low) > STRIDE:
            self.above.count(added)
            self.below.count(other)
            self.count += len(low)
        else:
            self._advance(low, high, added)
        if self.count == looks_at:
            self._look()

    def _advance(self, low: Cells, high: Cells | None, added: Floats | None = None) -> None:
        added = self._counted(low) if added is None else added
        self.above.advance(low, added, self.count)
        if high is None:
            self.below.advance(low, added, self.count)
        else:
            self.below.advance(high, self._counted(high), self.count)
        self.count += len(low)

    def _counted(self, cells: Cells) -> Floats:
        return np.bincount(cells, minlength=len(self.cells)).astype(np.float64)

    def _look(self) -> None:
        self.above.look()
        self.below.look()
        if self.count >= STRIDE and self.count & (self.count - 1) == 0:
            low, high = self.interval_now()
            self.best_low, self.best_high = max(self.best_low, low), min(self.best_high, high)

    def miss(self, count: int) -> None:
        """Observations that never came: 0 for the test above and 1 for the one below, the worst for each."""
        if count < 0:
            raise BadInput(f"{count} observations cannot be missing")
        self.missing += count
        self.above.miss(count)
        self.below.miss(count)

    # What it says

    @property
    def estimate(self) -> float | None:
        """The plain mean of what came, None before anything did. Biased away from the tolerance when it decides."""
        return self.total / ONE / self.count if self.count else None

    def interval_now(self) -> tuple[float, float]:
        """The means not ruled out by what was counted, each end at its side's error; milliseconds of work."""
        return lower_end(self.above), upper_end(self.below)

    def interval(self) -> tuple[float, float]:
        """The best interval so far, still valid at all times. Low above high says that the stream has changed."""
        low, high = self.interval_now()
        return max(self.best_low, low), min(self.best_high, high)

    def fewest(self, side: Side) -> int:
        """The number of observations before which this side cannot decide, whatever comes."""
        process = self.above if side is Side.ABOVE else self.below
        return fewest(side, self.design.bets(side), self.design.mean, process.alpha)

    def dead_zone(self) -> tuple[float, float]:
        """Means that may stay undecided for ever, for 0/1 observations."""
        return dead_zone(self.design.above, self.design.below, self.design.mean)

    # Shards and storage

    def merged(self, other: HistogramStream) -> HistogramStream:
        """Both streams as one, looked at once: crossings, peaks and best intervals of the parts are not taken over.

        A shard's own crossing is none of the whole: two shards would have two chances. BadInput for unlike streams.
        """
        alike = (self.above.alpha, self.below.alpha) == (other.above.alpha, other.below.alpha)
        if self.design != other.design or not alike:
            raise BadInput("Streams with unlike tests cannot be merged", next="fold them under one rule")
        whole = HistogramStream(self.design, self.above.alpha, self.below.alpha)
        for mine, one, two in ((whole.above, self.above, other.above), (whole.below, self.below, other.below)):
            mine.recount(one.counts + two.counts)
        whole.count, whole.missing = self.count + other.count, self.missing + other.missing
        whole.total = self.total + other.total
        for process in (whole.above, whole.below):
            process.look()
            if process.log_e() >= process.log_bound:
                process.crossed = whole.count
        return whole

    def state(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        return {
            "design": asdict(self.design),
            "alpha": [self.above.alpha, self.below.alpha],
            "counts": [packing.sparse(self.above.counts), packing.sparse(self.below.counts)],
            "crossed": [self.above.crossed, self.below.crossed],
            "peak": [self.above.peak, self.below.peak],
            "n": [self.count, self.missing, self.total],
            "best": [self.best_low, self.best_high],
        }

    @classmethod
    def of_state(cls, state: dict[str, Any]) -> HistogramStream:
        """What `state` gave. BadInput where it makes no sense."""
        try:
            given = state["design"]
            above, below = (Bets(tuple(given[one]["sizes"]), tuple(given[one]["weights"])) for one in Side)
            stream = cls(Design(given["grid"], given["mean"], above, below), *state["alpha"])
            for index, process in enumerate((stream.above, stream.below)):
                process.recount(packing.dense(state["counts"][index], len(stream.cells)))
                process.crossed, process.peak = state["crossed"][index], state["peak"][index]
            stream.count, stream.missing, stream.total = state["n"]
            stream.best_low, stream.best_high = state["best"]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise BadInput("The stored state of a stream makes no sense", why=repr(error)) from error
        return stream

    def to_bytes(self) -> bytes:
        """Compact and versioned: a few hundred bytes for 0/1 values, some kilobytes for scores."""
        return packing.pack("stream", VERSION, self.state())

    @classmethod
    def from_bytes(cls, data: bytes) -> HistogramStream:
        """What `to_bytes` gave. BadInput for anything else."""
        return cls.of_state(packing.unpack("stream", VERSION, data))


def next_look(count: int) -> int:
    """The next number of observations at which a stream looks at itself."""
    if count < STRIDE:
        return max(FIRST_LOOK, 1 << count.bit_length())
    step = max(STRIDE, 1 << count.bit_length() - 4)
    return (count // step + 1) * step
