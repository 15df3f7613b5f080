"""Quantiles with order-statistic intervals, and fairness over slices."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from bot.domain.errors import BadInput
from bot.statistics import metrics
from bot.statistics.estimates import Estimate, Unknown, difference, proportion
from bot.statistics.fairness import Fairness, fairness
from bot.statistics.quantiles import latencies, peak, quantile

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A machine that does other work is slow, which is no fault of what is tested."""


def test_the_median_of_ten_lies_between_the_second_and_the_ninth() -> None:
    """The table of the sign test: 97.9 % for n = 10 (Conover, table A3)."""
    found = quantile([float(n) for n in range(1, 11)], 0.5)
    assert found == Estimate(5.0, 2.0, 9.0, 10, "order statistics")


@UNHURRIED
@given(st.integers(1, 3000), st.sampled_from([0.5, 0.9, 0.95, 0.99]), st.sampled_from([0.9, 0.95, 0.99]))
def test_order_statistics_are_those_of_scipy(n: int, share: float, confidence: float) -> None:
    values = np.arange(float(n))
    theirs = stats.quantile_test(values, p=share).confidence_interval(confidence)
    ours = quantile(values, share, confidence=confidence)
    assert isinstance(ours, Estimate)
    assert (ours.low, ours.high) == (
        -math.inf if math.isnan(theirs.low) else theirs.low,
        math.inf if math.isnan(theirs.high) else theirs.high,
    )


def test_too_few_values_do_not_bound_a_high_quantile() -> None:
    values = list(range(400))
    assert quantile(values[:367], 0.99).high == math.inf
    assert quantile(values[:368], 0.99).high == 367


def test_the_interval_of_a_quantile_holds_it_as_often_as_it_says(rng: random.Random) -> None:
    draws = np.random.default_rng(rng.getrandbits(32))
    for share in (0.5, 0.99):
        true = float(stats.lognorm.ppf(share, 1.0))
        found = [quantile(draws.lognormal(size=500), share) for _ in range(600)]
        assert sum(one.low <= true <= one.high for one in found) / 600 >= 0.91


def test_times_have_three_quantiles_and_sizes_a_peak() -> None:
    found = latencies(list(range(1, 1001)))
    assert [one.value for one in found.values()] == [500, 950, 990]
    assert peak([3, 9, 4]) == Estimate(9.0, 9.0, 9.0, 3, "largest seen")
    assert isinstance(peak([]), Unknown)
    assert isinstance(quantile([], 0.5), Unknown)


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf, "fast", None])
def test_times_that_cannot_be_are_bad_input(bad: object) -> None:
    for measure in (latencies, peak):
        with pytest.raises(BadInput):
            measure([1.0, bad])


def unfair() -> tuple[list[int], list[int], list[str]]:
    """Right in 56 of 70 rows of one slice, 48 of 80 of the other: the example of Newcombe (1998)."""
    labels = [1] * 150
    return labels, [1] * 56 + [0] * 14 + [1] * 48 + [0] * 32, ["eu"] * 70 + ["us"] * 80


def test_two_slices_differ_with_the_published_interval_of_newcombe() -> None:
    labels, said, slices = unfair()
    found = fairness(metrics.accuracy, (labels, said), slices)
    assert isinstance(found.difference, Estimate)
    assert isinstance(found.ratio, Estimate)
    assert found.difference.value == pytest.approx(0.2)
    assert found.difference.low == pytest.approx(0.0524, abs=5e-5)
    assert found.difference.high == pytest.approx(0.3339, abs=5e-5)
    assert found.ratio.value == pytest.approx(0.75)
    assert found.ratio.low < 0.75 < found.ratio.high < 1
    assert found.smallest == 70


def test_equal_slices_differ_by_zero_or_more_and_their_ratio_is_at_most_one() -> None:
    found = fairness(metrics.accuracy, ([1, 0] * 50, [1, 1] * 50), ["a"] * 50 + ["b"] * 50)
    assert isinstance(found.difference, Estimate)
    assert isinstance(found.ratio, Estimate)
    assert (found.difference.value, found.difference.low) == (0.0, 0.0)
    assert (found.ratio.value, found.ratio.high) == (1.0, 1.0)


def test_an_empty_slice_is_said_and_nothing_is_concluded() -> None:
    labels, said, slices = unfair()
    found = fairness(metrics.accuracy, (labels, said), slices, expected=("eu", "apac"))
    assert found.unmeasured == ("apac",)
    assert isinstance(found.difference, Unknown)
    assert "'apac'" in found.difference.why
    assert found.smallest == 0
    assert isinstance(found.by_slice["eu"], Estimate)


def test_a_slice_without_the_figure_leaves_the_comparison_unknown() -> None:
    found = fairness(metrics.recall, ([1, 0, 0], [1, 0, 1]), ["a", "b", "b"])
    assert found.unmeasured == ("b",)
    assert isinstance(found.ratio, Unknown)


def test_one_slice_is_nothing_to_compare() -> None:
    found = fairness(metrics.accuracy, ([1], [1]), ["a"])
    assert isinstance(found.difference, Unknown)
    assert isinstance(fairness(metrics.accuracy, ([], []), []).difference, Unknown)


def test_many_slices_widen_the_interval() -> None:
    labels, said, slices = unfair()
    two = fairness(metrics.accuracy, (labels, said), slices)
    more = fairness(metrics.accuracy, (labels * 2, [*said, *said]), [*slices, *(f"{one}2" for one in slices)])
    assert isinstance(two.difference, Estimate)
    assert isinstance(more.difference, Estimate)
    assert more.difference.low < two.difference.low
    assert more.difference.high > two.difference.high


def held(found: Fairness, largest: float, smallest: float) -> tuple[bool, bool]:
    assert isinstance(found.difference, Estimate)
    assert isinstance(found.ratio, Estimate)
    gap, share = largest - smallest, smallest / largest
    return (
        found.difference.low - 1e-12 <= gap <= found.difference.high,
        found.ratio.low <= share <= found.ratio.high + 1e-12,
    )


@pytest.mark.parametrize("shares", [(0.8, 0.8), (0.9, 0.7, 0.8), (0.5,) * 6, (0.95, 0.6, 0.9, 0.9)])
def test_the_true_difference_and_ratio_are_held_as_often_as_said(shares: tuple[float, ...], rng: random.Random) -> None:
    draws = np.random.default_rng(rng.getrandbits(32))
    names = [f"s{number}" for number in range(len(shares)) for _ in range(150)]
    wins = []
    for _ in range(250):
        said = (draws.random(len(names)) < np.repeat(shares, 150)).astype(int).tolist()
        found = fairness(
            lambda column, confidence: proportion(sum(column), len(column), confidence=confidence), (said,), names
        )
        wins.append(held(found, max(shares), min(shares)))
    assert np.mean([one[0] for one in wins]) >= 0.89
    assert np.mean([one[1] for one in wins]) >= 0.89


def test_a_difference_of_figures_without_intervals_has_none() -> None:
    bare = Estimate(0.9, -math.inf, math.inf, 0, "as sent")
    found = difference(bare, bare)
    assert not found.has_interval
