"""The cells that observations are counted in: fixed edges, so that a stream is a handful of integers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from bot.domain.errors import BadInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Cells = NDArray[np.int64]

ROOTS = 1024
ONE = 1 << 40
"""Sums are kept in 2**40ths: exact integers, the same in every order and every batch."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Cells over [0, 1]; `lower` and `upper` edges of each. The tests take the edge that makes their evidence less."""

    name: str
    lower: Floats
    upper: Floats

    def __len__(self) -> int:
        return len(self.lower)

    def cells_of(self, values: NDArray[np.bool_] | Floats) -> Cells:
        """The cell of each value. BadInput for a value that lies outside [0, 1] or is no number."""
        if values.dtype == np.bool_:
            return np.asarray(values, dtype=np.int64) * (len(self) - 1)
        if len(values) and not (values.min() >= 0 and values.max() <= 1):
            raise BadInput(
                "An observation lies outside 0 to 1",
                next="refuse such pairs, and count them, before they are folded",
            )
        if len(self) == 3:
            return np.asarray(np.rint(values * 2), dtype=np.int64)
        cells: Cells = np.ceil(np.sqrt(values) * ROOTS).astype(np.int64)
        cells += values == 1
        return cells


@lru_cache(maxsize=8)
def grid(name: str) -> Grid:
    """`divergence`: {0}, 1,024 cells between squares of 1,024ths, {1}. `thirds`: exactly 0, one half and 1.

    A value within one rounding of an edge may be counted on the other side of it, an error of 1e-16.
    """
    if name == "thirds":
        edges = np.array([0.0, 0.5, 1.0])
        return Grid(name, edges, edges)
    if name != "divergence":
        raise BadInput(f"There is no grid named {name!r}", next="use divergence or thirds")
    squares = (np.arange(ROOTS + 1) / ROOTS) ** 2
    return Grid(name, np.concatenate([[0.0], squares[:-1], [1.0]]), np.concatenate([[0.0], squares[1:], [1.0]]))


def exact(values: NDArray[np.bool_] | Floats) -> Cells:
    """Values in [0, 1] as whole 2**40ths."""
    if values.dtype == np.bool_:
        return values.astype(np.int64) * ONE
    return np.rint(values * ONE).astype(np.int64)


def exact_sum(values: NDArray[np.bool_] | Floats) -> int:
    """The sum of values in [-1, 1] as a whole number of 2**40ths, without overflow."""
    if values.dtype == np.bool_:
        return int(np.count_nonzero(values)) * ONE
    step = 1 << 20
    return sum(int(exact(values[start : start + step]).sum()) for start in range(0, len(values), step))
