"""Labels, latency and errors: the same engine on differences, and plain figures beside it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.test_statistics_comparison import pairs_of

from bot.statistics.comparison import Comparison
from bot.statistics.flags import Flag
from bot.statistics.labelled import Labelled, PairedAccuracy, PairedF1
from bot.statistics.latency import BLOCK, LatencyRatio
from bot.statistics.rule import ComparisonRule, Output
from bot.statistics.standing import Verdict

SEED = 13


def rights(count: int, drop: float, discordant: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether each side is right: a share of pairs is discordant, with the incumbent right more often by `drop`."""
    draw = np.random.default_rng(seed).random(count)
    incumbent_only, candidate_only = (discordant + drop) / 2, (discordant - drop) / 2
    incumbent = draw < 0.8 + incumbent_only
    candidate = (draw < 0.8) | ((draw >= 0.9) & (draw < 0.9 + candidate_only))
    return incumbent, candidate


def accuracy_after(count: int, drop: float, seed: int) -> PairedAccuracy:
    found = PairedAccuracy(0.01, 0.05)
    found.add(*rights(count, drop, 0.06, seed))
    return found


def test_a_worse_candidate_is_found_and_an_equal_one_is_not() -> None:
    worse = [accuracy_after(3_000, 0.05, seed).stream.above.crossed for seed in range(10)]
    assert all(worse)
    assert float(np.median(worse)) < 600
    assert not any(accuracy_after(3_000, 0.0, seed).stream.above.crossed for seed in range(10))


def test_an_equal_candidate_is_in_time_not_worse() -> None:
    assert accuracy_after(20_000, 0.0, SEED).stream.below.crossed is not None


def test_a_drop_as_large_as_tolerated_is_seldom_called_worse() -> None:
    assert sum(accuracy_after(5_000, 0.01, seed).stream.above.crossed is not None for seed in range(100)) <= 12


def test_the_drop_has_an_interval() -> None:
    found = accuracy_after(8_000, 0.03, SEED).confidence()
    assert found is not None
    assert not found.is_asymptotic
    assert found.low < 0.03 < found.high
    assert found.estimate == pytest.approx(0.03, abs=0.01)
    assert PairedAccuracy(0.01, 0.05).confidence() is None


def f1(truth: np.ndarray, called: np.ndarray) -> float:
    return 2 * float((truth & called).sum()) / float(truth.sum() + called.sum())


def test_the_difference_of_f1_is_that_of_the_formula_and_says_that_it_is_approximate() -> None:
    chance = np.random.default_rng(SEED)
    truth = chance.random(4_000) < 0.3
    one, two = truth ^ (chance.random(4_000) < 0.05), truth ^ (chance.random(4_000) < 0.15)
    found = PairedF1(0.05)
    for piece in range(4):
        cut = slice(piece * 1_000, piece * 1_000 + 1_000)
        found.add(truth[cut], one[cut], two[cut])
    interval = found.confidence()
    assert interval is not None
    assert interval.is_asymptotic
    assert interval.estimate == pytest.approx(f1(truth, two) - f1(truth, one), abs=1e-12)
    assert interval.low < interval.estimate < interval.high < 0


def test_the_interval_of_f1_covers_the_truth_at_all_times_in_nearly_all_runs() -> None:
    """Both err alike, so the true difference is 0; looked at each 250 pairs up to 5,000."""
    misses = 0
    for seed in range(60):
        chance, found = np.random.default_rng(seed), PairedF1(0.05)
        for _ in range(20):
            truth = chance.random(250) < 0.4
            found.add(truth, truth ^ (chance.random(250) < 0.1), truth ^ (chance.random(250) < 0.1))
            interval = found.confidence()
            if interval is not None and not interval.low <= 0 <= interval.high:
                misses += 1
                break
    assert misses <= 7


def test_few_of_a_class_give_no_figure_of_f1() -> None:
    found = PairedF1(0.05)
    found.add(np.ones(199, dtype=bool), np.ones(199, dtype=bool), np.ones(199, dtype=bool))
    assert found.confidence() is None


@pytest.mark.parametrize(
    ("output", "answer", "label", "expected"),
    [
        (Output.CLASSES, "a", "a", True), (Output.CLASSES, "a", "b", False), (Output.CLASSES, 1, "1", None),
        (Output.SCORES, 0.7, 1, True), (Output.SCORES, 0.7, 0, False), (Output.SCORES, 0.2, False, True),
        (Output.SCORES, 0.2, 0.5, None), (Output.SCORES, 0.2, "no", None), (Output.NUMBERS, 1.05, 1.0, True),
        (Output.NUMBERS, 1.2, 1.0, False), (Output.NUMBERS, 1.0, math.nan, None), (Output.NUMBERS, 1.0, [1], None),
        (Output.TEXT, "a", "a", None),
    ],
)  # fmt: skip
def test_right_is_what_the_kind_of_answer_means_by_it(output: Output, answer: Any, label: Any, expected: Any) -> None:
    labelled = Labelled(ComparisonRule(output, 0.02, drop=0.01, relative=0.1))
    labelled.add([answer], [answer], [label])
    assert labelled.refused == (expected is None)
    assert labelled.accuracy is not None
    assert labelled.accuracy.stream.count == (expected is not None)
    assert labelled._is_right(answer, label) is expected


@settings(max_examples=40, deadline=None)
@given(
    listed=st.one_of(
        st.lists(st.tuples(*[st.sampled_from(["a", "b", "1"])] * 3), min_size=1, max_size=9),
        st.lists(st.tuples(*[st.sampled_from([0, 1, True, 1.0, math.nan])] * 3), min_size=1, max_size=9),
    ),
    positive=st.sampled_from(["a", "1", 1, None]),
)
def test_classes_of_one_type_are_judged_at_once_as_they_are_one_by_one(listed: list[Any], positive: Any) -> None:
    columns = [list(column) for column in zip(*listed, strict=True)]
    whole, single, mixed = (
        Labelled(ComparisonRule(Output.CLASSES, 0.02, drop=0.01, positive=positive)) for _ in range(3)
    )
    whole.add(*columns)
    for row in listed:
        single.add(*[[one] for one in row])
    mixed.add(*[[*column, odd] for column, odd in zip(columns, ("a", "a", 7), strict=True)])
    assert whole.state() == single.state()
    assert mixed.state() == [*whole.state()[:2], 1]


def test_labels_may_come_late() -> None:
    rule = ComparisonRule(Output.CLASSES, 0.02, drop=0.01, positive="b")
    whole, late = Comparison(rule), Comparison(rule)
    pairs = pairs_of(["a", "b"] * 300, ["a", "a"] * 300)
    labelled = pairs_of(["a", "b"] * 300, ["a", "a"] * 300, labels=["a", "b"] * 300)
    whole.fold(labelled)
    late.fold(pairs)
    assert late.standing().labels is not None
    assert late.standing().labels.accuracy_drop is None
    late.label(labelled)
    assert late.to_bytes() == whole.to_bytes()
    found = whole.standing().labels
    assert found is not None
    assert found.accuracy is Verdict.DIVERGED
    assert found.accuracy_drop is not None
    assert found.accuracy_drop.estimate == 0.5


# Latency


def times(count: int, ratio: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    return chance.lognormal(3, 0.7, count), ratio * chance.lognormal(3, 0.7, count)


def ratio_after(count: int, ratio: float, seed: int = SEED, tolerated: float = 1.2) -> LatencyRatio:
    found = LatencyRatio(tolerated, 0.99, 0.05)
    found.add(*times(count, ratio, seed))
    return found


def test_a_slower_candidate_is_found_and_a_tolerated_one_is_not() -> None:
    found = [ratio_after(6_000, 2.0, seed).stream.above.crossed for seed in range(6)]
    assert all(found)
    assert float(np.median(found)) < 400
    assert sum(ratio_after(8_000, 1.2, seed).stream.above.crossed is not None for seed in range(40)) <= 6


def test_an_unchanged_candidate_is_in_time_not_slower() -> None:
    assert ratio_after(20_000, 1.0).stream.below.crossed is not None


def test_the_first_pairs_only_set_the_threshold() -> None:
    assert ratio_after(BLOCK, 5.0).stream.count == 0
    assert ratio_after(BLOCK + 1, 5.0).stream.count == 1
    one = times(BLOCK, 1.0, SEED)[0]
    assert ratio_after(BLOCK, 1.0).threshold == np.sort(one)[1_979]


def test_quantiles_are_right_to_a_hundredth() -> None:
    one, two = times(10_000, 1.5, SEED)
    found = ratio_after(10_000, 1.5).quantiles(0.99)
    assert found is not None
    assert found[0] == pytest.approx(np.sort(one)[9_899], rel=0.01)
    assert found[1] == pytest.approx(np.sort(two)[9_899], rel=0.01)


def test_times_that_are_none_are_refused_and_counted() -> None:
    found = LatencyRatio(1.2, 0.99, 0.05)
    found.add(np.array([1.0, np.nan, 0.0, -1.0, 2.0]), np.array([1.0, 1.0, 1.0, 1.0, np.inf]))
    assert found.refused == 4
    assert int(found.counts[0].sum()) == 1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=8))
def test_whatever_times_come_are_folded_or_refused(listed: list[tuple[float, float]]) -> None:
    found = LatencyRatio(1.2, 0.99, 0.05)
    table = np.array(listed, dtype=np.float64).reshape(-1, 2)
    found.add(table[:, 0], table[:, 1])
    assert int(found.counts[0].sum()) + found.refused == len(listed)


def test_seconds_for_milliseconds_are_flagged() -> None:
    one, two = times(3_000, 0.001, SEED)
    rule = ComparisonRule(Output.CLASSES, 0.02, latency=1.2)
    comparison = Comparison(rule)
    comparison.fold(
        pairs_of(np.zeros(3_000, dtype=int), np.zeros(3_000, dtype=int), incumbent_ms=one, candidate_ms=two)
    )
    standing = comparison.standing()
    assert Flag.LATENCY_UNITS in standing.flags
    assert standing.latency is not None
    assert standing.latency.ratio == pytest.approx(0.001, rel=0.2)
    assert standing.latency.figure.verdict is Verdict.UNKNOWN


def test_errors_of_the_candidate_alone_have_a_tolerance_of_their_own() -> None:
    comparison = Comparison(ComparisonRule(Output.CLASSES, 0.5, errors=0.02))
    same, fails = np.zeros(1_000, dtype=int), np.arange(1_000) % 10 == 0
    comparison.fold(pairs_of(same, same, candidate_failed=fails))
    standing = comparison.standing()
    assert standing.errors is not None
    assert standing.errors.verdict is Verdict.DIVERGED
    assert standing.errors.estimate == 0.1
    both = Comparison(ComparisonRule(Output.CLASSES, 0.5, errors=0.02))
    both.fold(pairs_of(same, same, candidate_failed=fails, incumbent_failed=fails))
    standing = both.standing()
    assert standing.errors is not None
    assert (standing.errors.estimate, standing.candidate_failures) == (0.0, 0)
