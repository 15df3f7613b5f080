"""The fixed bets of the two e-processes: how much each stakes on a mean above, or below, the tested one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from bot.domain.errors import BadInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NO_WEALTH = -1e290
"""Stands for the logarithm of 0: times a count of nothing it is 0, where minus infinity would be no number."""


class Side(StrEnum):
    """What an e-process gathers evidence for."""

    ABOVE = "above"
    """Against "the mean is at most m" (the D of the formulas): it ends in `diverged`."""
    BELOW = "below"
    """Against "the mean is at least m" (the E of the formulas): it ends in `equivalent`."""


@dataclass(frozen=True)
class Bets:
    """A weighted average of constant bets: each a share (0, 1] of the wealth, weights that sum to 1.

    A discretised universal portfolio after Cover, as in Ryu & Bhatt 2022 (arXiv 2207.12382); betting on bounded means
    is Waudby-Smith & Ramdas 2024 (JRSS-B, arXiv 2010.09686). Chosen by the policy's tolerance once, never by data.
    """

    sizes: tuple[float, ...]
    weights: tuple[float, ...]

    @property
    def log_weights(self) -> Floats:
        """Natural logarithms of the weights, one per bet."""
        return np.asarray(np.log(np.array(self.weights)))


def above_bets(tolerance: float) -> Bets:
    """Bets against "mean <= tolerance": a geometric grid around the best one if the mean is three times as much."""
    if not 0 < tolerance < 1:
        raise BadInput(f"A tolerance lies between 0 and 1, not at {tolerance!r}")
    centre = min(0.5, 2 * tolerance / (1 - tolerance))
    count = max(1, math.ceil(math.log2(0.9 / (centre / 16))) + 1)
    sizes = [0.9 * 2.0**-power for power in range(count)]
    weights = [min(size / centre, centre / size) for size in sizes]
    return Bets(tuple(sizes), tuple(one / sum(weights) for one in weights))


def below_bets() -> Bets:
    """Bets against "mean >= tolerance": 1 - q/tolerance is best where the mean is q."""
    return Bets((0.1, 0.25, 0.5, 0.75, 0.9, 1.0), tuple(one / 12 for one in (1, 1, 2, 4, 2, 2)))


def flat_bets() -> Bets:
    """Ten halving bets of equal weight, for differences that may be as small as a thousandth."""
    return Bets(tuple(0.9 * 2.0**-power for power in range(10)), (0.1,) * 10)


def factors(side: Side, bets: Bets, values: Floats, mean: float) -> Floats:
    """What each bet's wealth is multiplied by for each value: shape (values, bets), all >= 0.

    Above: (1 - theta) + theta x/m. Below is its mirror image: (1 - phi) + phi (1 - x)/(1 - m). Both are linear in x
    with mean at most 1 whenever the tested claim holds, so wealth is a nonnegative supermartingale and reaches 1/alpha
    ever with chance at most alpha (Ville 1939).
    """
    sizes = np.array(bets.sizes)
    ratio = values / mean if side is Side.ABOVE else (1 - values) / (1 - mean)
    wealth: Floats = (1 - sizes) + sizes * ratio[:, None]
    return wealth


def log_factors(side: Side, bets: Bets, values: Floats, mean: float) -> Floats:
    """Natural logarithms of `factors`, with `NO_WEALTH` in place of minus infinity."""
    wealth = factors(side, bets, values, mean)
    with np.errstate(divide="ignore"):
        return np.where(wealth > 0, np.log(wealth), NO_WEALTH)


def log_mean(log_wealth: Floats, log_weights: Floats) -> float:
    """The logarithm of the weighted average of wealth: the e-value's logarithm."""
    terms = (log_wealth + log_weights).tolist()
    most: float = max(terms)
    return most + math.log(sum(math.exp(one - most) for one in terms))


def fewest(side: Side, bets: Bets, mean: float, alpha: float) -> int:
    """The number of observations before which this side cannot decide at all, each the best it could hope for.

    Any valid method needs ln(1/alpha) / -ln(1 - tolerance) observations without a divergence for `equivalent`.
    """
    best = np.array([1.0 if side is Side.ABOVE else 0.0])
    gain = log_factors(side, bets, best, mean)[0]
    bound, weights = math.log(1 / alpha), bets.log_weights
    few, enough = 0, 1
    while log_mean(gain * enough, weights) < bound:
        few, enough = enough, enough * 2
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if log_mean(gain * middle, weights) >= bound else (middle, enough)
    return enough


def dead_zone(above: Bets, below: Bets, mean: float) -> tuple[float, float]:
    """The means (of 0/1 values) between which neither side may ever decide: the smallest bet loses on both ends."""
    ends = []
    for side, bets in ((Side.BELOW, below), (Side.ABOVE, above)):
        smallest = Bets((min(bets.sizes),), (1.0,))
        zero, one = log_factors(side, smallest, np.array([0.0, 1.0]), mean)[:, 0]
        ends.append(float(zero / (zero - one)))
    return ends[0], ends[1]
