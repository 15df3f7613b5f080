"""One e-process as counts per cell: its wealth, and the very observation at which it crosses its bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from bot.statistics.bets import Bets, Side, factors, log_factors, log_mean
from bot.statistics.cells import Grid, grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Cells = NDArray[np.int64]

CHUNK = 64
SLACK = 1e-6
"""How much running products may be off before the exact count of a prefix is asked; the true error is below 1e-11."""


@dataclass(frozen=True)
class Design:
    """What a stream is tested against: the grid of its cells, the tested mean, and the bets of both sides."""

    grid: str
    mean: float
    above: Bets
    below: Bets

    def bets(self, side: Side) -> Bets:
        """The bets of one side."""
        return self.above if side is Side.ABOVE else self.below

    def edges(self, side: Side) -> Floats:
        """What each cell stands for: its lower edge above, its upper edge below, so that evidence is never more."""
        cells: Grid = grid(self.grid)
        return cells.lower if side is Side.ABOVE else cells.upper


@dataclass(frozen=True, eq=False)
class Tables:
    """What each cell does to each bet: shape (cells, bets); `factors` has one more row of ones, for padding."""

    logs: Floats
    gains: Floats
    factors: Floats
    log_weights: Floats
    chunk: int


@lru_cache(maxsize=64)
def tables(design: Design, side: Side) -> Tables:
    """The tables of one side, made once per design."""
    bets, edges = design.bets(side), design.edges(side)
    wealth = factors(side, bets, edges, design.mean)
    logs = log_factors(side, bets, edges, design.mean)
    most = float(np.abs(np.log(wealth[wealth > 0])).max())
    chunk = max(1, min(CHUNK, int(550 / most)))
    padded = np.vstack([wealth, np.ones((1, len(bets.sizes)))])
    return Tables(logs, np.maximum(logs, 0.0), padded, bets.log_weights, chunk)


class EProcess:
    """The evidence of one side. Its e-value is a function of the counts alone, whatever the order of observations.

    `counts` holds whole numbers as floats (exact up to 2**53). `crossed` is the number of observations after which
    the bound was first reached, `peak` the most that the logarithm of the e-value was at any look.
    """

    def __init__(self, design: Design, side: Side, alpha: float) -> None:
        self.design, self.side, self.alpha = design, side, alpha
        self.tables = tables(design, side)
        self.log_bound = math.log(1 / alpha)
        self.counts: Floats = np.zeros(len(self.tables.logs))
        self.crossed: int | None = None
        self.peak = 0.0
        self._reach = self._gains = self._wealth()
        """No bet's wealth is more than `_reach` since it was last taken from the counts; `_gains`: what may come on."""

    def _wealth(self) -> Floats:
        """The logarithm of each bet's wealth: the one way in which it is computed."""
        found: Floats = self.counts @ self.tables.logs
        return found

    def log_e(self) -> float:
        """The logarithm of the e-value now."""
        return log_mean(self._wealth(), self.tables.log_weights)

    def p_value(self) -> float:
        """The any-time p-value: at most alpha ever, with chance at most alpha."""
        found = min(1.0, math.exp(-max(self.peak, self.log_e())))
        return min(found, self.alpha) if self.crossed is not None else found

    def look(self) -> None:
        """Remember the most evidence there was."""
        self._reach = self._wealth()
        self.peak = max(self.peak, log_mean(self._reach, self.tables.log_weights))

    def recount(self, counts: Floats) -> None:
        """Take over counts from elsewhere."""
        self.counts = counts
        self._reach = self._wealth()

    def miss(self, count: int) -> None:
        """Observations that never came, each taken as the one that speaks most against this side."""
        self.counts[0 if self.side is Side.ABOVE else -1] += count

    def may_cross(self, added: Floats) -> bool:
        """Whether the bound could be reached while observations with this histogram come, in whatever order."""
        if self.crossed is not None:
            return False
        self._gains = added @ self.tables.gains
        if self._is_near():
            self._reach = self._wealth()
            return self._is_near()
        return False

    def _is_near(self) -> bool:
        terms = (self._reach + self._gains + self.tables.log_weights).tolist()
        most: float = max(terms)
        if most + math.log(len(terms)) < self.log_bound - SLACK:
            return False
        return most + math.log(sum(math.exp(one - most) for one in terms)) >= self.log_bound - SLACK

    def count(self, added: Floats) -> None:
        """Count observations of which `may_cross` was just asked, and that do not cross."""
        self.counts += added
        if self.crossed is None:
            self._reach = self._reach + self._gains

    def advance(self, cells: Cells, added: Floats, before: int) -> None:
        """Count `cells` (`added` is their histogram), and find the first crossing; `before` were counted already."""
        if self.may_cross(added):
            self._scan(cells, self._reach, before)
        self.count(added)

    def _scan(self, cells: Cells, log_wealth: Floats, before: int) -> None:
        """Running products find the candidates, the count of a prefix confirms: so batches cannot matter."""
        for at in np.flatnonzero(self._nearly(cells, log_wealth)):
            counts = self.counts + np.bincount(cells[: at + 1], minlength=len(self.counts))
            if log_mean(counts @ self.tables.logs, self.tables.log_weights) >= self.log_bound:
                self.crossed = before + int(at) + 1
                self.peak = max(self.peak, self.log_bound)
                return

    def _nearly(self, cells: Cells, log_wealth: Floats) -> NDArray[np.bool_]:
        """Whether wealth reaches the bound, up to rounding, after each of `cells`."""
        table, chunk = self.tables, self.tables.chunk
        rows = -(-len(cells) // chunk)
        padded = np.full(rows * chunk, len(self.counts))
        padded[: len(cells)] = cells
        products = table.factors[padded].reshape(rows, chunk, -1).cumprod(axis=1)
        with np.errstate(divide="ignore"):
            ends = np.log(products[:, -1, :])
        starts = log_wealth + np.vstack([np.zeros(ends.shape[1]), np.cumsum(ends, axis=0)[:-1]])
        scale = np.exp(np.minimum(starts + table.log_weights - self.log_bound, 100.0))
        reached = np.einsum("ijk,ik->ij", products, scale).ravel()[: len(cells)]
        return np.asarray(reached >= 1 - SLACK, dtype=np.bool_)
