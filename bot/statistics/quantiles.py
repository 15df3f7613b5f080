"""Quantiles of times and sizes with order-statistic intervals, which hold for every continuous distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bot.domain.errors import BadInput
from bot.statistics.answers import numbers
from bot.statistics.estimates import CONFIDENCE, Estimate, Measured, Unknown

SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}
"""The quantiles that have a name."""


def quantile(values: Sequence[Any], share: float, *, confidence: float = CONFIDENCE) -> Measured:
    """The smallest value that at least `share` of the values do not exceed, in the unit of the values.

    The ends are the order statistics that the binomial distribution gives (Conover, Practical Nonparametric
    Statistics, 3rd ed., 3.2; David and Nagaraja, Order Statistics, 7.1). With too few values an end does not
    exist and is infinite: the upper end of p99 at 0.95 needs 368 values.
    """
    import numpy as np
    from scipy.stats import binom

    if not 0 < share < 1:
        raise ValueError(f"a share lies between 0 and 1, not {share}")
    found = numbers(values, "a value")
    n = len(found)
    if n == 0:
        return Unknown("there are no values")
    half = (1 - confidence) / 2
    at = max(1, math.ceil(share * n - 1e-9))
    # P(X(r) <= q) >= 1 - half where binom.cdf(r - 1) <= half; P(X(s) >= q) >= 1 - half where cdf(s - 1) >= 1 - half.
    rank = int(binom.ppf(half, n, share))
    below = rank if binom.cdf(rank - 1, n, share) <= half else rank - 1
    above = int(binom.ppf(1 - half, n, share)) + 1
    wanted = sorted({one - 1 for one in (at, below, above) if 1 <= one <= n})
    ordered = np.partition(found, wanted)
    low = float(ordered[below - 1]) if below >= 1 else -math.inf
    high = float(ordered[above - 1]) if above <= n else math.inf
    return Estimate(float(ordered[at - 1]), low, high, n, "order statistics")


def latencies(milliseconds: Sequence[Any], *, confidence: float = CONFIDENCE) -> dict[str, Measured]:
    """p50, p95 and p99 of times in milliseconds. BadInput for a negative time."""
    _refuse_negative(milliseconds, "a time")
    return {name: quantile(milliseconds, SHARES[name], confidence=confidence) for name in ("p50", "p95", "p99")}


def peak(mebibytes: Sequence[Any]) -> Measured:
    """The largest value seen, from both ends: a fact of the run, not an estimate of what may come."""
    found = _refuse_negative(mebibytes, "a size")
    if not len(found):
        return Unknown("there are no values")
    most = float(found.max())
    return Estimate(most, most, most, len(found), "largest seen")


def _refuse_negative(values: Sequence[Any], what: str) -> Any:
    found = numbers(values, what)
    if len(found) and found.min() < 0:
        raise BadInput(f"{what.capitalize()} is negative", next="send times in milliseconds, sizes in MiB")
    return found
