"""The guard against bursts: pairs count only while they do not hang together, blocks of them by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Cells = NDArray[np.int64]

BLOCK = 50
EARLY_BLOCK = 10
LARGEST_CORRELATION = 0.1
GUARDED_PAIRS = 200
EARLY_PAIRS = GUARDED_PAIRS - EARLY_BLOCK
"""Means of blocks of 10 are tested while fewer than 200 pairs of a phase came: 19 of them, the last ends at 190."""
SHARES = {"pairs": 0.7, "blocks": 0.2, "early": 0.1}
"""How the error of `diverged` is split, by the union bound, between single pairs and means of 50 and of 10 pairs."""
SHARES_WITHOUT_EARLY = {"pairs": 0.8, "blocks": 0.2}
CHANGE_SHARES = (0.8, 0.2)
"""Likewise for the detectors of changes: of single pairs, and of means of 50."""
STRIDE = 16
SCALE = 1 << 20
PIECE = 1 << 20


class Correlation:
    """The lag-1 autocorrelation of divergences so far, in exact integers (2**20ths), at each 16th pair from 200 on.

    A measured rule for bursts of ones (see the page on canary statistics), not a theorem for every dependence. For
    `equivalent` no rule made from the data can work: the few clean pairs that suffice hold no burst to measure.
    """

    def __init__(self) -> None:
        self.count = 0
        self.total = self.squares = self.products = 0
        self.last = 0

    @property
    def value(self) -> float | None:
        """The autocorrelation now, None before two pairs or while all are the same."""
        if self.count < 2:
            return None
        found = _correlation(np.array([self.count]), [self.total], [self.squares], [self.products])[0]
        return None if np.isnan(found) else float(found)

    @property
    def is_high(self) -> bool:
        """Whether pairs hang together more than single pairs may."""
        value = self.value
        return self.count >= GUARDED_PAIRS and value is not None and value > LARGEST_CORRELATION

    def add(self, values: NDArray[np.bool_] | Floats, first_needed: int | None = None) -> Cells:
        """Fold divergences; the numbers of pairs, from `first_needed` on, at which single pairs may be trusted.

        Without `first_needed` none are looked for, which is quicker."""
        calm = [self._add_piece(values[start : start + PIECE], first_needed) for start in range(0, len(values), PIECE)]
        return np.concatenate(calm) if calm else np.zeros(0, dtype=np.int64)

    def _add_piece(self, values: NDArray[np.bool_] | Floats, first_needed: int | None) -> Cells:
        whole = np.rint(values.astype(np.float64) * SCALE).astype(np.int64)
        products = whole.copy()
        products[0] *= self.last
        products[1:] *= whole[:-1]
        calm = np.zeros(0, dtype=np.int64)
        if first_needed is not None:
            calm = self._calm(whole, products, max(first_needed, GUARDED_PAIRS))
        self.total += int(whole.sum())
        self.squares += int((whole * whole).sum())
        self.products += int(products.sum())
        self.count, self.last = self.count + len(whole), int(whole[-1])
        return calm

    def _calm(self, whole: Cells, products: Cells, least: int) -> Cells:
        ends = np.arange(self.count + 1, self.count + len(whole) + 1)
        at = np.flatnonzero((ends >= least) & ((ends % STRIDE == 0) | (ends == GUARDED_PAIRS)))
        if not len(at):
            return at
        found = _correlation(
            ends[at],
            [self.total + int(one) for one in np.cumsum(whole)[at]],
            [self.squares + int(one) for one in np.cumsum(whole * whole)[at]],
            [self.products + int(one) for one in np.cumsum(products)[at]],
        )
        return ends[at][~(found > LARGEST_CORRELATION)]

    def state(self) -> Any:
        """Everything, as JSON values."""
        return [self.count, self.total, self.squares, self.products, self.last]

    def restore(self, state: Any) -> None:
        """Take over what `state` gave."""
        self.count, self.total, self.squares, self.products, self.last = state


def _correlation(count: Cells, total: list[int], squares: list[int], products: list[int]) -> Floats:
    """Of whole numbers in 2**20ths; NaN where all values are the same, which is no burst."""
    n = count.astype(np.float64)
    mean = np.array(total, dtype=np.float64) / SCALE / n
    variance = np.array(squares, dtype=np.float64) / SCALE**2 / n - mean**2
    together = np.array(products, dtype=np.float64) / SCALE**2 / (n - 1) - mean**2
    return np.where(variance > 1e-12, together / np.where(variance > 1e-12, variance, 1.0), np.nan)
