"""The detector of a change at an unknown time: a Shiryaev-Roberts sum over the same bets as the divergence test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bot.domain.errors import BadInput
from bot.statistics import packing
from bot.statistics.bets import Side
from bot.statistics.cells import grid
from bot.statistics.eprocess import Design, tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Cells = NDArray[np.int64]


def restart_alpha(alpha: float, restarts: int) -> float:
    """What the j-th recorded restart of the same artifact may spend: alpha / 2**j, so that all together spend 2 alpha.

    The first run (j = 0) has alpha; a new artifact is a new stream with an alpha of its own.
    """
    if not 0 <= restarts <= 60:
        raise BadInput(f"A stream is restarted 0 to 60 times, not {restarts}")
    return alpha / 2.0**restarts


class ChangeDetector:
    """`R_k <- (R_k + 1) a_k(x)`; an alarm when the weighted sum of R reaches window/alpha.

    The sum minus n is a supermartingale while the mean is at most the tolerated one, so an alarm within `window`
    observations has chance at most alpha, and the mean run to a false alarm is at least window/alpha (Shin, Ramdas &
    Rinaldo 2024, doi 10.51387/23-NEJSDS51). It depends on order, so it stands beside the histogram. Chunks are aligned
    to the number of the observation: batches do not matter, bit for bit.
    """

    def __init__(self, design: Design, alpha: float, window: int) -> None:
        if window < 1:
            raise BadInput(f"A window has at least one observation, not {window}")
        self.design, self.alpha, self.window = design, alpha, window
        self.cells = grid(design.grid)
        self.tables = tables(design, Side.ABOVE)
        self.weights = np.exp(self.tables.log_weights)
        self.bound = window / alpha
        self.count = 0
        self.alarmed: int | None = None
        self.sums: Floats = np.zeros(len(self.weights))
        self.waiting: Cells = np.zeros(0, dtype=np.int64)

    def add(self, values: NDArray[np.bool_] | Floats) -> int | None:
        """Fold observations in order, and the number of the alarm; after it, nothing more is done."""
        if self.alarmed is not None:
            return self.alarmed
        before, self.count = self.count, self.count + len(values)
        cells = np.concatenate([self.waiting, self.cells.cells_of(values)])
        start, chunk = before - len(self.waiting), self.tables.chunk
        for at in range(0, len(cells), chunk):
            part = cells[at : at + chunk]
            path = self._path(part)
            reached = np.flatnonzero(path @ self.weights >= self.bound)
            if len(reached):
                self.alarmed = self.count = start + at + int(reached[0]) + 1
                self.waiting = part[:0]
                return self.alarmed
            if len(part) == chunk:
                self.sums = path[-1]
        self.waiting = cells[len(cells) - len(cells) % chunk :]
        return None

    def _path(self, cells: Cells) -> Floats:
        """R after each of `cells`: P_n (R_0 + sum of 1/P_j over j < n), P the running product."""
        products = self.tables.factors[cells].cumprod(axis=0)
        inverse = np.vstack([self.sums + 1, 1 / products[:-1]]).cumsum(axis=0)
        path: Floats = products * inverse
        return path

    def state(self) -> dict[str, Any]:
        """Everything but the design, as JSON values."""
        return {
            "n": self.count,
            "alarmed": self.alarmed,
            "sums": packing.floats_out(self.sums),
            "waiting": [int(one) for one in self.waiting],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave."""
        self.count, self.alarmed = state["n"], state["alarmed"]
        self.sums = packing.floats_in(state["sums"])
        self.waiting = np.array(state["waiting"], dtype=np.int64)
