"""A metric over the slices of the data: how far the best and the worst slice are apart, with intervals that hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from bot.statistics.estimates import CONFIDENCE, Estimate, Measured, Unknown, difference, ratio

Measure = Callable[..., Measured]
"""A metric of `bot.statistics.metrics`: columns, then `confidence`."""


@dataclass(frozen=True)
class Fairness:
    """One metric over all slices."""

    by_slice: Mapping[str, Measured]
    difference: Measured
    """Largest minus smallest; at least 0."""
    ratio: Measured
    """Smallest over largest; at most 1."""
    smallest: int
    """Rows of the smallest slice; 0 where one is empty."""
    unmeasured: tuple[str, ...]
    """Slices without a figure (empty, or the metric does not exist there): then difference and ratio are unknown."""


def fairness(
    measure: Measure,
    columns: Sequence[Sequence[Any]],
    slices: Sequence[str],
    *,
    expected: Sequence[str] = (),
    confidence: float = CONFIDENCE,
) -> Fairness:
    """The metric per slice, and its difference and ratio across them.

    `columns` are what `measure` takes, one value per row, as `slices`. `expected`: names that must be there; one
    without rows is said, never skipped. Rows that name no slice ("") make a slice of that name.
    """
    plain = [column.tolist() if hasattr(column, "tolist") else column for column in columns]
    rows: dict[str, list[int]] = {name: [] for name in expected}
    for number, name in enumerate(slices):
        rows.setdefault(name, []).append(number)
    sizes = {name: len(those) for name, those in rows.items()}

    def measured(level: float) -> dict[str, Measured]:
        return {name: _of(measure, plain, those, level) for name, those in rows.items()}

    return between(measured(confidence), measured(each_level(len(rows), confidence)), sizes)


def each_level(slices: int, confidence: float) -> float:
    """The confidence of each pair's interval so that all k(k-1)/2 pairs hold together (Bonferroni)."""
    return 1 - (1 - confidence) / max(1, math.comb(slices, 2))


def between(by_slice: Mapping[str, Measured], corrected: Mapping[str, Measured], sizes: Mapping[str, int]) -> Fairness:
    """Fairness from figures: `by_slice` is shown; `corrected`, the same at `each_level`, gives the intervals.

    Each pair of slices gets the square-and-add interval (Newcombe's for shares); the largest difference lies between
    the largest of the pairs' lower and the largest of their upper ends, because all pairs hold together.
    """
    missing = tuple(sorted(name for name, found in by_slice.items() if isinstance(found, Unknown)))
    smallest = min(sizes.values(), default=0)
    known = [found for name, found in sorted(corrected.items()) if isinstance(found, Estimate)]
    if missing or len(known) < 2:
        why = f"no figure for {_listed(missing)}" if missing else "it takes two slices to compare"
        unknown = Unknown(why, smallest)
        return Fairness(dict(by_slice), unknown, unknown, smallest, missing)
    return Fairness(dict(by_slice), _difference(known, smallest), _ratio(known, smallest), smallest, missing)


def _difference(known: Sequence[Estimate], smallest: int) -> Estimate:
    ends = list(_pairs(known, difference))
    value = max(one.value for one in known) - min(one.value for one in known)
    low, high = max(0.0, *(one.low for one in ends)), max(one.high for one in ends)
    return Estimate(value, low, high, smallest, f"square-and-add over {len(ends) // 2} pairs")


def _ratio(known: Sequence[Estimate], smallest: int) -> Measured:
    most = max(one.value for one in known)
    if most <= 0 or any(one.value < 0 or -math.inf < one.low < 0 for one in known):
        return Unknown("a ratio needs figures and intervals that are not negative, and one above 0", smallest)
    ends = [one for one in _pairs(known, ratio) if isinstance(one, Estimate)]
    value = min(one.value for one in known) / most
    low, high = min(one.low for one in ends), min(1.0, *(one.high for one in ends))
    return Estimate(value, low, high, smallest, f"square-and-add of logarithms over {len(known)} slices")


def _pairs(known: Sequence[Estimate], compare: Callable[[Estimate, Estimate], Any]) -> Iterator[Any]:
    for left, right in combinations(known, 2):
        yield compare(left, right)
        yield compare(right, left)


def _of(measure: Measure, columns: Sequence[Sequence[Any]], rows: Sequence[int], level: float) -> Measured:
    if not rows:
        return Unknown("the slice is empty")
    return measure(*([column[row] for row in rows] for column in columns), confidence=level)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
