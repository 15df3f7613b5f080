"""Exact errors and waiting times of the canary tests on 0/1 pairs: by recursion over the number of ones, no chance."""

from __future__ import annotations

import math

import numpy as np

from bot.statistics.bets import Side, factors
from bot.statistics.histogram import divergence_design


def log_e(side: Side, tolerance: float, pairs: int, ones: int) -> float:
    """The logarithm of the e-value by its formula."""
    bets = divergence_design(tolerance).bets(side)
    zero, one = factors(side, bets, np.array([0.0, 1.0]), tolerance)
    with np.errstate(divide="ignore"):
        wealth = (pairs - ones) * np.log(zero) + (ones * np.log(one) if ones else 0.0)
    return float(np.logaddexp.reduce(wealth + bets.log_weights))


def crossings(side: Side, tolerance: float, mean: float, pairs: int, alpha: float = 0.05) -> np.ndarray:
    """The chance to have crossed by each number of pairs, 1 to `pairs`, where ones come with chance `mean`."""
    bound = math.log(1 / alpha)
    alive = np.zeros(max(64, int(3 * mean * pairs) + 400))
    alive[0] = 1.0
    left, edge = np.empty(pairs), 0
    for number in range(1, pairs + 1):
        moved = alive * (1 - mean)
        moved[1:] += alive[:-1] * mean
        while (log_e(side, tolerance, number, edge) >= bound) is (side is Side.BELOW):
            edge += 1
        alive = moved
        alive[slice(edge, None) if side is Side.ABOVE else slice(edge)] = 0.0
        left[number - 1] = alive.sum()
    return 1 - left


def when(chances: np.ndarray, share: float) -> int:
    """The first number of pairs by which this share has crossed; ValueError where it never has."""
    if chances[-1] < share:
        raise ValueError(f"only {chances[-1]:.3f} have crossed")
    return int(np.argmax(chances >= share)) + 1
