"""Percentiles of small lists, by nearest rank: the one place where the method stands."""

from __future__ import annotations

import math
from collections.abc import Collection

METHOD = "nearest rank"


def nearest_rank(values: Collection[float], percent: float) -> float | None:
    """The smallest of the values that at least `percent` of them (0 < percent <= 100) do not exceed; None of none.

    The value at rank ceil(percent / 100 * n) of the sorted list, so always one that was measured, never one between
    two. Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American Statistician 50 (1996), type 1.
    """
    if not 0 < percent <= 100:
        raise ValueError(f"a percentile is above 0 and at most 100, not {percent}")
    ordered = sorted(values)
    if not ordered:
        return None
    # Multiplied before it is divided: 0.95 is no exact number, 95 is.
    return ordered[math.ceil(percent * len(ordered) / 100) - 1]
