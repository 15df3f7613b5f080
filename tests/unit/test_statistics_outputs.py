"""Divergence of each kind of answer, and what becomes of answers that cannot be compared."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import BadInput
from bot.statistics import columns
from bot.statistics.outputs import Compared, compare
from bot.statistics.pairs import Pairs
from bot.statistics.rule import ComparisonRule, Output


def a_rule(output: Output, **more: Any) -> ComparisonRule:
    return ComparisonRule(output, 0.02, **more)


def pairs_of(incumbent: Any, candidate: Any, **more: Any) -> Pairs:
    count = len(incumbent)
    nan, none = np.full(count, np.nan), np.zeros(count, dtype=np.bool_)
    given = {
        "keys": [str(one) for one in range(count)], "incumbent_ms": nan, "candidate_ms": nan,
        "incumbent_failed": none, "candidate_failed": none,
    }  # fmt: skip
    return Pairs(incumbent=incumbent, candidate=candidate, **(given | more))


def found(output: Output, incumbent: Any, candidate: Any, **more: Any) -> Compared:
    return compare(pairs_of(incumbent, candidate), a_rule(output, **more))


def divergences(output: Output, incumbent: Any, candidate: Any, **more: Any) -> list[float]:
    one = found(output, incumbent, candidate, **more)
    assert one.refused == {}
    return [round(float(value), 9) for value in one.values]


def refused(output: Output, incumbent: Any, candidate: Any, **more: Any) -> dict[str, int]:
    one = found(output, [incumbent, *GOOD[output][:1]], [candidate, *GOOD[output][1:]], **more)
    assert one.at.tolist() == [1]
    return one.refused


GOOD: dict[Output, list[Any]] = {
    Output.CLASSES: ["a", "a"], Output.SCORES: [0.5, 0.5], Output.NUMBERS: [1.0, 1.0], Output.TEXT: ["x", "x"],
    Output.RANKING: [["a", "b"], ["a", "b"]], Output.VECTORS: [[1.0, 0.0], [1.0, 0.0]],
}  # fmt: skip


def test_classes_disagree_or_not() -> None:
    assert divergences(Output.CLASSES, ["a", "b", "a"], ["a", "a", "a"]) == [0, 1, 0]
    assert divergences(Output.CLASSES, [1, 2], [1, 3]) == [0, 1]
    assert divergences(Output.CLASSES, np.array([1, 2]), np.array([1, 3])) == [0, 1]
    assert divergences(Output.CLASSES, np.array(["a", "b"]), ["a", "c"]) == [0, 1]
    assert divergences(Output.CLASSES, [True, False], [True, True]) == [0, 1]


def test_scores_differ_by_their_distance() -> None:
    assert divergences(Output.SCORES, [0.2, 1.0, 0], [0.5, 0.0, 0]) == [0.3, 1.0, 0.0]
    assert divergences(Output.SCORES, np.array([0.2]), np.array([0.5], dtype=np.float64)) == [0.3]


def test_numbers_may_be_off_by_the_larger_of_both_tolerances() -> None:
    one, two = [100.0, 100.0, 1.0, 0.0, -5.0], [104.0, 106.0, 1.4, 0.5, 5.0]
    assert divergences(Output.NUMBERS, one, two, relative=0.05, absolute=0.5) == [0, 1, 0, 0, 1]
    graded = divergences(Output.NUMBERS, one, two, relative=0.05, absolute=0.4, measure="graded")
    assert graded == [0, round(6 / 206, 9), 0, 1, 1]
    assert divergences(Output.NUMBERS, [1e308, 0], [-1e308, 0], measure="graded") == [1.0, 0.0]
    assert divergences(Output.NUMBERS, [1e308], [-1e308], relative=1e9) == [0]


def test_rankings_share_their_first_places() -> None:
    one, two = [["a", "b", "c", "d"]] * 3, [["a", "b", "c", "d"], ["d", "c", "b", "a"], ["a", "b", "x", "y"]]
    assert divergences(Output.RANKING, one, two, top=4) == [0, 0, 0.5]
    assert divergences(Output.RANKING, one, two, top=2) == [0, 1, 0]


def test_rankings_in_another_order_differ_by_the_footrule() -> None:
    """Disjoint lists have the most, k (k + 1); a reversed pair has 2 of 6."""
    one, two = [["a", "b"]] * 3, [["a", "b"], ["b", "a"], ["x", "y"]]
    assert divergences(Output.RANKING, one, two, measure="order") == [0, round(2 / 6, 9), 1]


def test_vectors_differ_by_their_angle() -> None:
    one, two = [[1, 0], [1, 0], [1, 0], [3, 4]], [[5, 0], [0, 2], [-1, 0], [3, 4]]
    assert divergences(Output.VECTORS, one, two) == [0, 0.5, 1, 0]
    assert divergences(Output.VECTORS, np.array(one), np.array(two)) == [0, 0.5, 1, 0]
    assert divergences(Output.VECTORS, one, two, measure="exact") == [1, 1, 1, 0]
    assert divergences(Output.VECTORS, one, two, measure="length") == [0.8, 0.5, 0, 0]
    assert divergences(Output.VECTORS, [[1e300, 1e300]], [[1e-300, 1e-300]]) == [0]
    assert divergences(Output.VECTORS, [[1, 0], [1, 0, 0]], [[0, 1], [0, 0, 1]]) == [0.5, 0.5]


def test_texts_are_the_same_or_of_some_length() -> None:
    assert divergences(Output.TEXT, ["ab", "ab"], ["ab", "ac"]) == [0, 1]
    assert divergences(Output.TEXT, ["abcd", "", ""], ["a", "", "x"], measure="length") == [0.75, 0, 1]


@pytest.mark.parametrize("output", [Output.SCORES, Output.NUMBERS])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, columns.NOT_A_NUMBER), (math.inf, columns.INFINITE), (-math.inf, columns.INFINITE),
        ("0.5", columns.WRONG_TYPE), (True, columns.WRONG_TYPE), ([0.5], columns.WRONG_TYPE), ({}, columns.WRONG_TYPE),
        (10**400, columns.INFINITE),
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused_with_its_reason(output: Output, value: Any, reason: str) -> None:
    assert refused(output, value, 0.5) == {reason: 1}
    assert refused(output, 0.5, value) == {reason: 1}


@pytest.mark.parametrize("value", [-0.01, 1.01, 50.0])
def test_a_score_outside_its_bounds_is_refused_and_never_clipped(value: float) -> None:
    assert refused(Output.SCORES, 0.5, value) == {columns.OUTSIDE: 1}
    assert found(Output.SCORES, np.array([0.5, 0.5]), np.array([value, 0.5])).values.tolist() == [0.0]


@pytest.mark.parametrize(
    ("output", "one", "two", "reason"),
    [
        (Output.CLASSES, "a", 1, columns.UNLIKE_TYPES),
        (Output.CLASSES, 1, True, columns.UNLIKE_TYPES),
        (Output.CLASSES, "a", math.nan, columns.NOT_A_NUMBER),
        (Output.CLASSES, "a", ["a"], columns.WRONG_TYPE),
        (Output.CLASSES, "a", "x" * 257, columns.TOO_LONG),
        (Output.CLASSES, 1, 10**400, columns.TOO_LONG),
        (Output.CLASSES, -(2**63) - 1, 1, columns.TOO_LONG),
        (Output.TEXT, "a", 1, columns.WRONG_TYPE),
        (Output.RANKING, ["a", "b"], ["a"], columns.UNLIKE_LENGTHS),
        (Output.RANKING, [], [], columns.EMPTY),
        (Output.RANKING, ["a", "a"], ["a", "b"], columns.REPEATED),
        (Output.RANKING, "ab", ["a", "b"], columns.WRONG_TYPE),
        (Output.RANKING, [["a"], "b"], ["a", "b"], columns.WRONG_TYPE),
        (Output.VECTORS, [1.0, 2.0], [1.0], columns.UNLIKE_LENGTHS),
        (Output.VECTORS, [0.0, 0.0], [1.0, 0.0], columns.ZERO_VECTOR),
        (Output.VECTORS, [], [], columns.EMPTY),
        (Output.VECTORS, [1.0, math.nan], [1.0, 0.0], columns.NOT_A_NUMBER),
        (Output.VECTORS, [1.0, math.inf], [1.0, 0.0], columns.INFINITE),
        (Output.VECTORS, ["a", "b"], [1.0, 0.0], columns.WRONG_TYPE),
        (Output.VECTORS, 3, [1.0, 0.0], columns.WRONG_TYPE),
    ],
)
def test_answers_that_cannot_be_compared_are_refused_with_their_reason(
    output: Output, one: Any, two: Any, reason: str
) -> None:
    assert refused(output, one, two) == {reason: 1}


def test_long_classes_of_arrays_and_mixed_columns_are_refused_too() -> None:
    assert found(Output.CLASSES, np.array(["a", "b"]), np.array(["a", "x" * 300])).refused == {columns.TOO_LONG: 1}
    assert found(Output.CLASSES, [1, "b", True], [2**70, "x" * 300, True]).refused == {columns.TOO_LONG: 2}
    assert found(Output.TEXT, ["x" * 300], ["x" * 300]).values.tolist() == [False]


def test_arrays_of_vectors_are_refused_row_by_row() -> None:
    one = np.array([[1.0, 0.0], [np.nan, 0.0], [0.0, 0.0], [np.inf, 1.0]])
    assert found(Output.VECTORS, one, np.ones((4, 2))).refused == {
        columns.NOT_A_NUMBER: 1, columns.INFINITE: 1, columns.ZERO_VECTOR: 1,
    }  # fmt: skip


def test_a_failed_candidate_diverges_and_a_failed_incumbent_is_missing() -> None:
    fails = np.array([True, False, False, False, False])
    one = compare(
        pairs_of(
            ["a", None, "b", "b", "c"], ["a", "a", None, "b", "c"],
            incumbent_failed=fails, candidate_failed=np.array([False, False, False, True, False]),
        ),
        a_rule(Output.CLASSES),
    )  # fmt: skip
    assert (one.missing, one.failures) == (2, 2)
    assert one.at.tolist() == [2, 3, 4]
    assert one.values.tolist() == [1, 1, 0]
    assert one.answered.tolist() == [False, False, True]
    assert one.alone.tolist() == [True, True, False]
    assert list(one.incumbent) == ["c"]


def test_both_failed_is_missing_and_no_fault_of_the_candidate() -> None:
    both = np.array([True, False])
    one = compare(
        pairs_of(["a", "a"], ["a", "a"], incumbent_failed=both, candidate_failed=both), a_rule(Output.CLASSES)
    )
    assert (one.missing, one.failures, one.at.tolist()) == (1, 0, [1])


def test_columns_of_different_lengths_are_refused_whole() -> None:
    with pytest.raises(BadInput, match="different lengths"):
        compare(pairs_of(["a", "b"], ["a"]), a_rule(Output.CLASSES))
    with pytest.raises(BadInput, match="different lengths"):
        compare(pairs_of(["a"], ["a"], slices=["x", "y"]), a_rule(Output.CLASSES))


def test_no_pairs_at_all_are_no_trouble() -> None:
    for output in Output:
        assert len(found(output, [], []).values) == 0


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=5,
)


@given(st.lists(st.tuples(HOSTILE, HOSTILE), max_size=6), st.sampled_from(list(Output)))
def test_whatever_comes_is_compared_missing_or_refused(listed: list[tuple[Any, Any]], output: Output) -> None:
    one = found(output, [pair[0] for pair in listed], [pair[1] for pair in listed])
    assert len(one.at) + one.missing + sum(one.refused.values()) == len(listed)
    assert ((one.values >= 0) & (one.values <= 1)).all()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"tolerance": 0}, "tolerance"), ({"tolerance": math.nan}, "tolerance"), ({"alpha": 1.0}, "alpha"),
        ({"tolerance": True}, "tolerance"), ({"tolerance": "0.1"}, "tolerance"), ({"measure": "cosine"}, "measure"),
        ({"unit": 1}, "unit"), ({"unit": "session"}, "unit"), ({"top": 0}, "top"), ({"drop": -1}, "drop"),
        ({"latency": 0.0}, "latency"), ({"errors": 0.0}, "errors"), ({"relative": math.inf}, "relative"),
        ({"output": "pictures"}, "output"), ({"expected_slices": ("a", "a")}, "different names"),
        ({"min_pairs": -1}, "min_pairs"), ({"pair_tolerance": 2}, "pair_tolerance"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_meant_is_refused(more: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        ComparisonRule(**({"output": Output.CLASSES, "tolerance": 0.02} | more))


def test_the_parts_of_the_error_sum_to_the_whole() -> None:
    for more in ({}, {"slices": True}, {"slices": True, "change_window": 1000}, {"guard": False}, {"unit": 20}):
        assert sum(a_rule(Output.CLASSES, **more).alphas(0.05).values()) == pytest.approx(0.05)
