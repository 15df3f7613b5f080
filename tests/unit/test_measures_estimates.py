"""Metrics and their intervals against published values, against scipy, and by how often they hold the truth."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from bot.domain.errors import BadInput
from bot.statistics import changes, metrics
from bot.statistics.estimates import Estimate, Measured, Unknown, difference, paired_shares, proportion, ratio

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A machine that does other work is slow, which is no fault of what is tested."""

DIFFERENT = [
    # Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10.
    ((56, 70), (48, 80), 0.0524, 0.3339),
    ((9, 10), (3, 10), 0.1705, 0.8090),
    ((6, 7), (2, 7), 0.0582, 0.8062),
    ((5, 56), (0, 29), -0.0381, 0.1926),
    ((0, 10), (0, 20), -0.1611, 0.2775),
    ((0, 10), (0, 10), -0.2775, 0.2775),
    ((10, 10), (0, 20), 0.6791, 1.0),
    ((10, 10), (0, 10), 0.6075, 1.0),
]


def known(found: Measured) -> Estimate:
    assert isinstance(found, Estimate), found
    return found


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_a_share_has_the_published_interval_of_wilson(hits: int, n: int, low: float, high: float) -> None:
    found = known(proportion(hits, n))
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert found.value == hits / n


@UNHURRIED
@given(st.integers(1, 10**6), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.999]))
def test_a_share_agrees_with_scipy(n: int, share: float, confidence: float) -> None:
    hits = int(share * n)
    theirs = stats.binomtest(hits, n).proportion_ci(confidence, method="wilson")
    ours = known(proportion(hits, n, confidence=confidence))
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@pytest.mark.parametrize(("left", "right", "low", "high"), DIFFERENT)
def test_a_difference_of_shares_has_the_published_interval_of_newcombe(
    left: tuple[int, int], right: tuple[int, int], low: float, high: float
) -> None:
    found = difference(known(proportion(*left)), known(proportion(*right)))
    assert (found.low, found.high) == pytest.approx((low, high), abs=5.1e-5)


def test_a_ratio_of_shares_is_close_to_the_interval_of_katz() -> None:
    theirs = stats.contingency.relative_risk(560, 700, 480, 800)
    found = known(ratio(known(proportion(560, 700)), known(proportion(480, 800))))
    ends = theirs.confidence_interval(0.95)
    assert found.value == pytest.approx(theirs.relative_risk, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high), rel=3e-3)


def test_a_ratio_to_what_may_be_zero_has_no_upper_end() -> None:
    assert known(ratio(known(proportion(5, 10)), Estimate(0.1, 0.0, 0.2, 10, "x"))).high == math.inf
    assert isinstance(ratio(known(proportion(5, 10)), known(proportion(0, 10))), Unknown)
    zero = known(ratio(known(proportion(0, 10)), known(proportion(5, 10))))
    assert zero.low == 0.0
    assert zero.high > 0.9


def test_metrics_are_those_of_the_examples_in_the_documentation_of_scikit_learn() -> None:
    """f1_score, mean_squared_error, mean_absolute_error, r2_score, roc_auc_score, brier_score_loss, log_loss."""
    truth, said = [0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1]
    assert known(metrics.f1_macro(truth, said)).value == pytest.approx(0.26666666666666666, abs=1e-12)
    assert known(metrics.accuracy(truth, said)).value == pytest.approx(2 / 6, abs=1e-12)
    numbers, guesses = [3, -0.5, 2, 7], [2.5, 0.0, 2, 8]
    assert known(metrics.rmse(numbers, guesses)).value == pytest.approx(math.sqrt(0.375), abs=1e-12)
    assert known(metrics.mae(numbers, guesses)).value == pytest.approx(0.5, abs=1e-12)
    assert known(metrics.r2(numbers, guesses)).value == pytest.approx(0.9486081370449679, abs=1e-12)
    assert known(metrics.auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])).value == pytest.approx(0.75, abs=1e-12)
    assert known(metrics.brier([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3])).value == pytest.approx(0.0375, abs=1e-12)
    loss = metrics.log_loss(["spam", "ham", "ham", "spam"], [0.9, 0.1, 0.2, 0.65], positive="spam")
    assert known(loss).value == pytest.approx(0.21616187468057912, abs=1e-12)


def test_precision_recall_and_f1_count_only_the_positive_class() -> None:
    truth, said = [1] * 8 + [0] * 12, [1] * 6 + [0] * 2 + [1] * 3 + [0] * 9
    assert known(metrics.precision(truth, said)).value == 6 / 9
    assert known(metrics.recall(truth, said)).value == 6 / 8
    assert known(metrics.f1(truth, said)).value == pytest.approx(12 / 17)
    assert known(metrics.precision(truth, said)).n == 9


def test_f1_carries_over_the_interval_of_the_share_it_is_made_of() -> None:
    truth, said = [1] * 8 + [0] * 12, [1] * 6 + [0] * 2 + [1] * 3 + [0] * 9
    inner = stats.binomtest(6, 11).proportion_ci(method="wilson")
    found = known(metrics.f1(truth, said))
    assert found.low == pytest.approx(2 * inner.low / (1 + inner.low), abs=1e-9)
    assert found.high == pytest.approx(2 * inner.high / (1 + inner.high), abs=1e-9)


def test_the_auc_and_its_variance_are_what_the_definition_gives(rng: random.Random) -> None:
    """DeLong by all pairs, and Mann-Whitney's U of scipy."""
    ups, downs = ([round(rng.gauss(shift, 1), 1) for _ in range(n)] for shift, n in ((0.8, 37), (0, 53)))
    wins = np.array([[(u > d) + (u == d) / 2 for d in downs] for u in ups])
    spread = wins.mean(1).var(ddof=1) / len(ups) + wins.mean(0).var(ddof=1) / len(downs)
    found = known(metrics.auc([1] * len(ups) + [0] * len(downs), ups + downs))
    assert found.value == pytest.approx(stats.mannwhitneyu(ups, downs).statistic / wins.size, abs=1e-9)
    assert found.value - found.low == pytest.approx(stats.norm.ppf(0.975) * math.sqrt(spread), abs=1e-9)


def test_a_perfect_order_of_few_rows_is_not_certain() -> None:
    found = known(metrics.auc([0, 0, 0, 1, 1, 1], [1, 2, 3, 4, 5, 6]))
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(stats.binomtest(3, 3).proportion_ci(method="exact").low, abs=1e-9)
    assert known(metrics.f1_macro(["a", "b"], ["a", "b"])).low < 0.5


def test_means_have_the_interval_of_student() -> None:
    values = [2.0, 4.0, 4.5, 7.0, 1.0]
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    found = known(metrics.mean(values, confidence=0.9))
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@pytest.mark.parametrize(
    "found",
    [
        metrics.accuracy([], []),
        metrics.precision([1, 0], [0, 0]),
        metrics.recall([0, 0], [1, 0]),
        metrics.f1([0, 0], [0, 0]),
        metrics.f1_macro([], []),
        metrics.auc([1, 1], [0.1, 0.2]),
        metrics.auc([1, 0, 0], [0.5, 0.4, 0.6]),
        metrics.rmse([1], [1]),
        metrics.r2([2, 2, 2], [1, 2, 3]),
        metrics.mean([]),
        changes.f1_macro([], [], []),
        changes.mae([1], [1], [2]),
    ],
)
def test_what_cannot_be_measured_is_unknown_and_says_why(found: Measured) -> None:
    assert isinstance(found, Unknown)
    assert found.why


@pytest.mark.parametrize("bad", [math.nan, math.inf, None, "high", [1]])
def test_what_is_no_finite_number_is_bad_input(bad: object) -> None:
    for call in (metrics.auc, metrics.brier, metrics.log_loss, metrics.rmse, metrics.r2):
        with pytest.raises(BadInput):
            call([1, 0, 1], [0.5, 0.2, bad])


def test_columns_that_cannot_be_held_against_each_other_are_bad_input() -> None:
    with pytest.raises(BadInput, match="kinds"):
        metrics.accuracy([1, 0], ["1", "0"])
    with pytest.raises(BadInput, match="length"):
        metrics.f1([1, 0], [1])
    with pytest.raises(BadInput, match="probability"):
        metrics.brier([1, 0], [0.5, 1.5])


def test_a_change_is_the_difference_of_both_figures(rng: random.Random) -> None:
    truth = [rng.random() < 0.4 for _ in range(300)]
    before, now = ([one if rng.random() < right else not one for one in truth] for right in (0.8, 0.85))
    old, new = ([min(1.0, max(0.0, one * 0.4 + rng.random() * 0.6)) for one in truth] for _ in range(2))
    for name, was, is_now in [
        *((name, before, now) for name in ("accuracy", "precision", "recall", "f1", "f1_macro")),
        *((name, old, new) for name in ("auc", "brier", "log_loss", "rmse", "mae", "r2")),
    ]:
        moved = known(getattr(changes, name)(truth, was, is_now))
        singles = [known(getattr(metrics, name)(truth, side)).value for side in (was, is_now)]
        assert moved.value == pytest.approx(singles[1] - singles[0], abs=1e-9), name
        assert moved.low <= moved.value <= moved.high, name


def test_the_same_predictions_twice_leave_room_for_what_was_not_seen() -> None:
    truth, said = [1, 0] * 20, [1, 0, 1, 1] * 10
    for name in ("accuracy", "precision", "recall", "f1", "f1_macro"):
        found = known(getattr(changes, name)(truth, said, said))
        assert found.value == 0
        assert found.low < 0 < found.high, name
    scores = [0.9, 0.1, 0.4, 0.6] * 10
    auc = known(changes.auc(truth, scores, scores))
    assert auc.low < 0 < auc.high


def test_two_perfect_sides_may_still_differ_on_what_was_not_seen() -> None:
    truth = [1, 0] * 20
    for name in ("accuracy", "precision", "recall", "f1", "f1_macro"):
        found = known(getattr(changes, name)(truth, truth, truth))
        assert found.low < 0 < found.high, name


@pytest.mark.parametrize("name", ["accuracy", "precision", "f1", "f1_macro"])
def test_a_change_that_shows_in_few_rows_is_held_as_often_as_said(name: str, rng: random.Random) -> None:
    """1 % of 300 rows turns from right to wrong: three rows, often one or none."""
    draws = np.random.default_rng(rng.getrandbits(32))
    large = np.arange(300) % 2 == 0
    kept = 0.99
    true = {
        "accuracy": kept - 1,
        "precision": 0.5 * kept / (0.5 * kept + 0.5 * (1 - kept)) - 1,
        "f1": kept - 1,
        "f1_macro": kept - 1,
    }[name]
    held = 0
    for _ in range(600):
        now = np.where(draws.random(300) < kept, large, ~large)
        found = known(getattr(changes, name)(large, large, now))
        held += found.low <= true <= found.high
    assert held / 600 >= 0.91


def test_a_paired_change_is_narrower_than_one_of_strangers(rng: random.Random) -> None:
    truth = [rng.random() < 0.5 for _ in range(2000)]
    before = [one if rng.random() < 0.9 else not one for one in truth]
    now = [one if rng.random() < 0.99 else not one for one in before]
    paired = known(changes.f1(truth, before, now))
    strangers = difference(known(metrics.f1(truth, now)), known(metrics.f1(truth, before)))
    assert paired.high - paired.low < 0.5 * (strangers.high - strangers.low)


@pytest.mark.parametrize("name", ["accuracy", "precision", "recall", "f1", "f1_macro"])
def test_intervals_of_classes_hold_the_truth_as_often_as_they_say(name: str, rng: random.Random) -> None:
    """600 samples of 400 rows at 95 %: below 91 % in less than one run of 10,000 (the binomial's own spread)."""
    draws = np.random.default_rng(rng.getrandbits(32))
    held, moved, samples = 0, 0, 600
    share, hit, false = 0.3, 0.8, 0.1
    tp, fp, fn, tn = share * hit, (1 - share) * false, share * (1 - hit), (1 - share) * (1 - false)
    true = {
        "accuracy": tp + tn,
        "precision": tp / (tp + fp),
        "recall": hit,
        "f1": 2 * tp / (2 * tp + fp + fn),
        "f1_macro": tp / (2 * tp + fp + fn) + tn / (2 * tn + fp + fn),
    }[name]
    for _ in range(samples):
        truth = (draws.random(400) < share).astype(int)
        before, now = ((draws.random(400) < np.where(truth, hit, false)).astype(int) for _ in range(2))
        found = known(getattr(metrics, name)(truth, before))
        held += found.low <= true <= found.high
        change = known(getattr(changes, name)(truth, before, now))
        moved += change.low <= 0 <= change.high
    assert held / samples >= 0.91
    assert moved / samples >= 0.91


@pytest.mark.parametrize("name", ["rmse", "mae", "r2"])
def test_intervals_of_errors_hold_the_truth_as_often_as_they_say(name: str, rng: random.Random) -> None:
    draws = np.random.default_rng(rng.getrandbits(32))
    true = {"rmse": 0.5, "mae": 0.5 * math.sqrt(2 / math.pi), "r2": 0.75}[name]
    held, moved, samples = 0, 0, 600
    for _ in range(samples):
        truth = draws.normal(size=400)
        before, now = truth + draws.normal(scale=0.5, size=(2, 400))
        found, change = (
            known(getattr(metrics, name)(truth, before)),
            known(getattr(changes, name)(truth, before, now)),
        )
        held += found.low <= true <= found.high
        moved += change.low <= 0 <= change.high
    assert held / samples >= 0.91
    assert moved / samples >= 0.91


def test_the_interval_of_the_auc_and_of_its_change_holds_the_truth_as_often_as_it_says(rng: random.Random) -> None:
    draws = np.random.default_rng(rng.getrandbits(32))
    true, held, moved, samples = float(stats.norm.cdf(1 / math.sqrt(2))), 0, 0, 600
    truth = np.arange(300) % 3 == 0
    for _ in range(samples):
        before, now = truth + draws.normal(size=(2, 300))
        found, change = known(metrics.auc(truth, before)), known(changes.auc(truth, before, now))
        held += found.low <= true <= found.high
        moved += change.low <= 0 <= change.high
    assert held / samples >= 0.91
    assert moved / samples >= 0.91


def test_paired_shares_hold_the_truth_even_where_few_rows_differ(rng: random.Random) -> None:
    draws = np.random.default_rng(rng.getrandbits(32))
    for gain, loss in ((0.02, 0.01), (0.2, 0.05)):
        cells = draws.multinomial(200, [gain, loss, 1 - gain - loss], size=1000)
        found = [known(paired_shares(int(up), int(down), 200)) for up, down, _ in cells]
        assert sum(one.low <= gain - loss <= one.high for one in found) / 1000 >= 0.92
