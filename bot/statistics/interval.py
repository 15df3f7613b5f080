"""The interval of a stream's mean: every mean that its two tests have not ruled out, by bisection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bot.statistics.bets import Side, log_factors, log_mean
from bot.statistics.eprocess import EProcess

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STEPS = 60
NARROW = 1e-9


def lower_end(process: EProcess) -> float:
    """The largest mean that is ruled out from below at the bound of `process` (side above), 0 where none is."""
    counts, values = _used(process)
    most = _mean(counts, values)
    end = _bisect(process, counts, values, least=0.0, most=most, rising=False)
    return max(end, process.design.mean) if process.crossed is not None else end


def upper_end(process: EProcess) -> float:
    """The smallest mean that is ruled out from above at the bound of `process` (side below), 1 where none is."""
    counts, values = _used(process)
    if not len(counts):
        return 1.0
    end = _bisect(process, counts, values, least=_mean(counts, values), most=1.0, rising=True)
    return min(end, process.design.mean) if process.crossed is not None else end


def _used(process: EProcess) -> tuple[Floats, Floats]:
    used = process.counts > 0
    return process.counts[used], process.design.edges(process.side)[used]


def _mean(counts: Floats, values: Floats) -> float:
    return float(counts @ values / counts.sum()) if len(counts) else 0.0


def _bisect(process: EProcess, counts: Floats, values: Floats, *, least: float, most: float, rising: bool) -> float:
    """The logarithm of the e-value is monotone in the tested mean because the bets are fixed; the cautious end.

    Secants within a bracket that is halved whenever it did not shrink by half, until it is narrower than a 1e-9th."""
    bets, weights = process.design.bets(process.side), process.tables.log_weights

    def excess(mean: float) -> float:
        return log_mean(counts @ log_factors(process.side, bets, values, mean), weights) - process.log_bound

    known: dict[float, float] = {}
    is_halving = True
    for _ in range(STEPS):
        width = most - least
        middle = least + width / 2
        if not is_halving and least in known and most in known:
            middle = least + width * known[least] / (known[least] - known[most])
            middle = min(max(middle, least + width / 64), most - width / 64)
        if width < NARROW or not 0 < middle < 1:
            break
        known[middle] = excess(middle)
        if (known[middle] >= 0) is rising:
            most = middle
        else:
            least = middle
        is_halving = most - least > width / 2
    return most if process.side is Side.BELOW else least
