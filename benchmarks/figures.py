"""Arithmetic of measurements: how times are spread, and how two of them compare."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all values do not exceed (nearest rank, no interpolation).

    ValueError for no values, or a share outside 0 to 1."""
    if not values:
        raise ValueError("there are no values")
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies between 0 and 1, not at {share}")
    ordered = sorted(values)
    return ordered[max(1, math.ceil(share * len(ordered))) - 1]


@dataclass(frozen=True)
class Spread:
    """How measured times are spread. All in milliseconds."""

    count: int
    p50: float
    p90: float
    p99: float
    least: float
    most: float

    @classmethod
    def of_seconds(cls, seconds: Iterable[float]) -> Spread:
        """The spread of times in seconds; ValueError where there are none."""
        values = [one * 1000 for one in seconds]
        return cls(
            len(values),
            percentile(values, 0.5),
            percentile(values, 0.9),
            percentile(values, 0.99),
            min(values),
            max(values),
        )


def in_blocks(total: int, block: int) -> list[int]:
    """Sizes of blocks of at most `block` that make up `total`; two sides take turns block by block."""
    whole, rest = divmod(total, block)
    return [block] * whole + ([rest] if rest else [])
