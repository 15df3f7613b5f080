"""How far two samples are apart: PSI, chi-square, Jensen-Shannon over cells, Kolmogorov-Smirnov over values.

For small shifts PSI, the squared chi-square distance and 8 times the Jensen-Shannon divergence (in nats) are the same
quadratic form, and each over (1/n + 1/n_ref) follows a chi-square distribution with cells - 1 degrees of freedom, not
central where there is drift (Yurdakul and Naranjo 2020, Journal of Risk Model Validation 14(4), for PSI). From that
come the p-value, the value to expect without drift, and the interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.domain.errors import BadInput
from bot.statistics.estimates import CONFIDENCE

Floats = NDArray[np.float64]
LEAST_FOR_P = 10


@dataclass(frozen=True)
class Effect:
    """One measure: its size, the interval of the true size, and what it would show without any drift."""

    measure: str
    value: float
    low: float
    high: float
    p_value: float | None
    """How often a value so large comes without drift; it says nothing of whether the drift matters."""
    without_drift: float
    """The value to expect when nothing drifted, out of chance alone."""


def psi(reference: Sequence[float], counts: Sequence[float], *, confidence: float = CONFIDENCE) -> Effect:
    """Population stability index: sum of (p - q) ln(p/q) over cells, q the shares of the reference.

    Where a cell is empty on one side, half a count is added to every cell of both sides.
    """
    was, now = _cells(reference, counts)
    if (was == 0).any() or (now == 0).any():
        q, p = _shares(was + 0.5), _shares(now + 0.5)
    else:
        q, p = _shares(was), _shares(now)
    value = float(((p - q) * np.log(p / q)).sum())
    unit = _unit(was, now)
    return _quadratic("psi", value, 1.0, value / unit, len(was) - 1, unit, confidence)


def chi_square(reference: Sequence[float], counts: Sequence[float], *, confidence: float = CONFIDENCE) -> Effect:
    """Pearson's test of homogeneity; the value is Cohen's w = sqrt(sum of (p - q)²/pooled share), free of n.

    w² = X²(1/n + 1/n_ref). Cohen (1988) calls 0.1 small, 0.3 medium.
    """
    was, now = _cells(reference, counts)
    q, p = _shares(was), _shares(now)
    pooled = (was + now) / (was.sum() + now.sum())
    squared = float(((p - q) ** 2 / pooled).sum()) if len(was) else 0.0
    unit = _unit(was, now)
    return _quadratic("chi_square", math.sqrt(squared), 2.0, squared / unit, len(was) - 1, unit, confidence)


def jensen_shannon(reference: Sequence[float], counts: Sequence[float], *, confidence: float = CONFIDENCE) -> Effect:
    """Jensen-Shannon distance, the root of the divergence to base 2: 0 for equal shares, 1 for no cell in common."""
    was, now = _cells(reference, counts)
    q, p = _shares(was), _shares(now)
    middle = (p + q) / 2
    bits = (_divergence(p, middle) + _divergence(q, middle)) / 2 / math.log(2)
    value = math.sqrt(min(1.0, max(0.0, bits)))
    unit = _unit(was, now)
    scale = unit / (8 * math.log(2))
    found = _quadratic("jensen_shannon", value, 2.0, value * value / scale, len(was) - 1, scale, confidence)
    return Effect(found.measure, value, found.low, min(1.0, found.high), found.p_value, found.without_drift)


def kolmogorov_smirnov(reference: Floats, values: Floats, *, confidence: float = CONFIDENCE) -> Effect:
    """The largest distance of the two distribution functions. Both arrays sorted, finite, not empty.

    Interval by Dvoretzky-Kiefer-Wolfowitz with Massart's constant (1990, Annals of Probability 18, 1269-1283) on each
    side: it holds for every distribution and is wide. The p-value is asymptotic, that of one sample of nm/(n + m); it
    is None below 10 of those. Without drift the mean is sqrt(pi/2) ln 2 sqrt(1/n + 1/n_ref).
    """
    from scipy.stats import kstwo

    n, m = len(reference), len(values)
    right = np.searchsorted(reference, values, "right") / n - np.searchsorted(values, values, "right") / m
    left = np.searchsorted(reference, values, "left") / n - np.searchsorted(values, values, "left") / m
    value = float(max(np.abs(right).max(), np.abs(left).max()))
    together = round(n * m / (n + m))
    p_value = float(np.clip(kstwo.sf(value, together), 0.0, 1.0)) if together >= LEAST_FOR_P else None
    return _bounded_ks(value, n, m, p_value, confidence)


def binned_kolmogorov_smirnov(
    reference: Sequence[float], counts: Sequence[float], *, confidence: float = CONFIDENCE
) -> Effect:
    """The largest distance of the cumulated shares of ordered cells: never more than that of the values themselves."""
    was, now = _checked(reference, counts)
    value = float(np.abs(np.cumsum(_shares(now)) - np.cumsum(_shares(was))).max())
    return _bounded_ks(value, int(was.sum()), int(now.sum()), None, confidence)


def _bounded_ks(value: float, n: int, m: int, p_value: float | None, confidence: float) -> Effect:
    wide = math.sqrt(math.log(4 / (1 - confidence)) / 2) * (1 / math.sqrt(n) + 1 / math.sqrt(m))
    expected = math.sqrt(math.pi / 2) * math.log(2) * math.sqrt(1 / n + 1 / m)
    return Effect("ks", value, max(0.0, value - wide), min(1.0, value + wide), p_value, expected)


def _quadratic(
    measure: str, value: float, root: float, statistic: float, degrees: int, unit: float, confidence: float
) -> Effect:
    """The effect whose value to the power `root`, over `unit`, is a chi-square statistic with so many degrees."""
    from scipy.stats import chi2

    if degrees < 1:  # a single cell on both sides: no two samples of it can differ
        return Effect(measure, value, 0.0, 0.0, None, 0.0)
    low, high = _noncentral(statistic, degrees, confidence)
    ends = [(end * unit) ** (1 / root) for end in (low, max(high, statistic))]
    return Effect(measure, value, ends[0], ends[1], float(chi2.sf(statistic, degrees)), (degrees * unit) ** (1 / root))


def _noncentral(statistic: float, degrees: int, confidence: float) -> tuple[float, float]:
    """The noncentralities that make so large, and so small, a statistic just unlikely (0 where none does)."""
    from scipy.optimize import brentq
    from scipy.special import chndtr

    half = (1 - confidence) / 2
    most = statistic + 20 * math.sqrt(statistic + degrees) + 50

    def end(share: float) -> float:
        def off(noncentrality: float) -> float:
            return float(chndtr(statistic, degrees, noncentrality)) - share

        return float(brentq(off, 0.0, most)) if off(0.0) > 0 > off(most) else 0.0

    if statistic > 1e4:  # where the distribution function of this library grows slow, the normal one is exact enough
        from bot.statistics.estimates import z_of

        spread = z_of(confidence) * math.sqrt(2 * (degrees + 2 * statistic))
        return max(0.0, statistic - degrees - spread), statistic - degrees + spread
    return end(1 - half), end(half)


def _cells(reference: Sequence[float], counts: Sequence[float]) -> tuple[Floats, Floats]:
    """Both counts without the cells that are empty on both sides."""
    was, now = _checked(reference, counts)
    seen = (was > 0) | (now > 0)
    return was[seen], now[seen]


def _checked(reference: Sequence[float], counts: Sequence[float]) -> tuple[Floats, Floats]:
    was, now = (np.asarray(column, np.float64) for column in (reference, counts))
    if was.shape != now.shape or was.ndim != 1:
        raise BadInput("The cells of a feature differ", why=f"{was.size} in the reference, {now.size} now")
    for column in (was, now):
        if not np.isfinite(column).all() or (column < 0).any():
            raise BadInput("A count of a feature is not a number of rows", why="it is negative, NaN or infinite")
        if column.sum() <= 0:
            raise BadInput("A feature has no rows on one side", next="send at least one row on each side")
    return was, now


def _shares(counts: Floats) -> Floats:
    shares: Floats = counts / counts.sum()
    return shares


def _unit(was: Any, now: Any) -> float:
    return float(1 / now.sum() + 1 / was.sum())


def _divergence(left: Floats, right: Floats) -> float:
    some = left > 0
    return float((left[some] * np.log(left[some] / right[some])).sum())
