"""A measured figure with its interval, and the arithmetic of shares, differences and ratios of such figures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """`value` with the two-sided interval `low` … `high`, from `n` rows, by `method`.

    An end that nothing bounds is infinite. A figure that came without an interval has both ends infinite.
    """

    value: float
    low: float
    high: float
    n: int
    method: str

    @property
    def has_interval(self) -> bool:
        """Whether at least one end is bounded."""
        return math.isfinite(self.low) or math.isfinite(self.high)


@dataclass(frozen=True)
class Unknown:
    """What could not be measured, and why; it never counts as good."""

    why: str
    n: int = 0


Measured = Estimate | Unknown


def z_of(confidence: float) -> float:
    """The two-sided quantile of the normal distribution: 1.96 for 0.95. ValueError outside (0, 1)."""
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not {confidence}")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def proportion(hits: float, n: int, *, confidence: float = CONFIDENCE) -> Measured:
    """The share hits/n with the score interval of Wilson (1927, JASA 22, 209-212), without correction."""
    if n <= 0:
        return Unknown("there are no rows to take a share of")
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} hits of {n} rows")
    z = z_of(confidence)
    share, spread = hits / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / n + spread / n / 4)
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == n else min(1.0, middle + half)
    return Estimate(share, low, high, n, "Wilson")


def difference(left: Estimate, right: Estimate) -> Estimate:
    """left - right of two independent figures, interval from theirs (square-and-add, MOVER).

    For two shares with Wilson's intervals this is method 10 of Newcombe (1998, Statistics in Medicine 17, 873-890);
    in general Zou and Donner (2008, Statistics in Medicine 27, 1693-1702). An unbounded end stays unbounded.
    """
    value = left.value - right.value
    down = math.hypot(left.value - left.low, right.high - right.value)
    up = math.hypot(left.high - left.value, right.value - right.low)
    return Estimate(value, value - down, value + up, min(left.n, right.n), "square-and-add of two intervals")


def ratio(left: Estimate, right: Estimate) -> Measured:
    """left / right of two independent figures that are not negative: square-and-add on the scale of logarithms.

    Close to the log interval of Katz et al. (1978, Biometrics 34, 469-474) for large shares. Where `left` or a lower
    end is 0, the corners of both intervals bound the ratio (wider than needed, never narrower). A lower end that
    nothing bounds is taken as 0.
    """
    n = min(left.n, right.n)
    lows = [0.0 if one.low == -math.inf else one.low for one in (left, right)]
    if left.value < 0 or right.value < 0 or min(lows) < 0:
        return Unknown("a ratio needs figures and intervals that are not negative", n)
    if right.value == 0:
        return Unknown("the ratio to 0 does not exist", n)
    value = left.value / right.value
    if min(lows) > 0 and math.isfinite(left.high) and math.isfinite(right.high):
        down = math.hypot(math.log(left.value / left.low), math.log(right.high / right.value))
        up = math.hypot(math.log(left.high / left.value), math.log(right.value / right.low))
        return Estimate(value, value * math.exp(-down), value * math.exp(up), n, "square-and-add of logarithms")
    low = lows[0] / right.high if math.isfinite(right.high) else 0.0
    high = left.high / lows[1] if lows[1] > 0 else math.inf
    return Estimate(value, low, high, n, "corners of two intervals")


def paired_shares(gained: int, lost: int, n: int, *, confidence: float = CONFIDENCE) -> Measured:
    """(gained - lost)/n for one yes/no question asked twice of the same n rows: candidate minus incumbent.

    `gained`: rows right only now; `lost`: rows right only before. Adjusted Wald interval of Bonett and Price (2012,
    J. Educational and Behavioral Statistics 37, 479-488), which keeps its width where no row differs.
    """
    if n <= 0:
        return Unknown("there are no rows to compare")
    if gained < 0 or lost < 0 or gained + lost > n:
        raise ValueError(f"{gained} gained and {lost} lost of {n} rows")
    up, down = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    half = z_of(confidence) * math.sqrt((up + down - (up - down) ** 2) / (n + 2))
    low, high = max(-1.0, up - down - half), min(1.0, up - down + half)
    return Estimate((gained - lost) / n, low, high, n, "paired shares, Bonett-Price")
