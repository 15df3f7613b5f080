"""The bets of the canary tests: their formulas, and their errors and speed by exact recursion, without chance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.recursion import crossings, when
from bot.domain.errors import BadInput
from bot.statistics.bets import Bets, Side, above_bets, below_bets, dead_zone, factors, fewest, flat_bets, log_mean

TAU = 0.02
PAIRS = 20_000


def test_the_number_of_bets_follows_the_tolerance() -> None:
    assert [len(above_bets(one).sizes) for one in (0.005, 0.02, 0.1)] == [12, 10, 8]
    for bets in (above_bets(0.02), below_bets(), flat_bets()):
        assert sum(bets.weights) == pytest.approx(1.0, abs=1e-12)
        assert all(0 < one <= 1 for one in bets.sizes)


@given(st.floats(1e-5, 0.999), st.sampled_from(list(Side)))
def test_a_bet_on_the_tested_mean_neither_wins_nor_loses(mean: float, side: Side) -> None:
    bets = above_bets(mean) if side is Side.ABOVE else below_bets()
    zero, one = factors(side, bets, np.array([0.0, 1.0]), mean)
    assert (zero >= 0).all()
    assert (one >= 0).all()
    np.testing.assert_allclose((1 - mean) * zero + mean * one, 1.0, rtol=1e-9)


def test_false_verdicts_at_the_tolerance_are_as_rare_as_the_exact_recursion_of_the_study_says() -> None:
    assert crossings(Side.ABOVE, TAU, TAU, PAIRS)[-1] == pytest.approx(0.0331, abs=0.00006)
    assert crossings(Side.BELOW, TAU, TAU, PAIRS)[-1] == pytest.approx(0.0464, abs=0.00006)


@pytest.mark.parametrize(
    ("side", "mean", "median", "p90"),
    [(Side.ABOVE, 3 * TAU, 112, 303), (Side.ABOVE, 5 * TAU, 40, 99), (Side.BELOW, TAU / 4, 325, 787)],
)
def test_verdicts_come_as_soon_as_the_exact_recursion_of_the_study_says(
    side: Side, mean: float, median: int, p90: int
) -> None:
    chances = crossings(side, TAU, mean, 1_000)
    assert (when(chances, 0.5), when(chances, 0.9)) == (median, p90)


@pytest.mark.parametrize(("tolerance", "pairs"), [(0.005, 761), (0.02, 189), (0.1, 36)])
def test_no_pair_may_diverge_and_still_equivalent_takes_this_many(tolerance: float, pairs: int) -> None:
    found = fewest(Side.BELOW, below_bets(), tolerance, 0.05)
    assert found == pairs
    gain = np.log(factors(Side.BELOW, below_bets(), np.array([0.0]), tolerance))[0]
    assert log_mean(gain * found, below_bets().log_weights) >= math.log(20)
    assert log_mean(gain * (found - 1), below_bets().log_weights) < math.log(20)


def test_the_dead_zone_is_about_five_per_cent_to_each_side() -> None:
    low, high = dead_zone(above_bets(TAU), below_bets(), TAU)
    assert low == pytest.approx(0.01898, abs=1e-5)
    assert high == pytest.approx(0.02085, abs=1e-5)


def test_the_average_of_wealth_survives_sizes_that_no_float_holds() -> None:
    two = Bets((0.1, 0.2), (0.5, 0.5))
    assert log_mean(np.array([5000.0, 4000.0]), two.log_weights) == pytest.approx(5000 + math.log(0.5))
    assert log_mean(np.array([-5000.0, -1e290]), two.log_weights) == pytest.approx(-5000 + math.log(0.5))


@pytest.mark.parametrize("tolerance", [0.0, 1.0, -0.1, math.nan, math.inf])
def test_a_tolerance_that_cannot_be_is_refused(tolerance: float) -> None:
    with pytest.raises(BadInput, match="between 0 and 1"):
        above_bets(tolerance)
