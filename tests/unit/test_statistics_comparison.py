"""The comparison as a whole: verdicts, phases, slices, bad input, shards and what is kept."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.test_statistics_outputs import HOSTILE
from unit.test_statistics_units import bursts

from bot.domain.errors import BadInput
from bot.statistics.comparison import Comparison
from bot.statistics.flags import Flag
from bot.statistics.pairs import Pairs
from bot.statistics.rule import MEASURES, ComparisonRule, Output
from bot.statistics.standing import Verdict

SEED = 5
PLAIN = ComparisonRule(Output.CLASSES, 0.02, guard=False, min_pairs_diverged=0)


def pairs_of(incumbent: Any, candidate: Any, **more: Any) -> Pairs:
    count = len(incumbent)
    none = np.zeros(count, dtype=np.bool_)
    empty = np.zeros(0)
    given = {
        "keys": [f"key-{one}" for one in range(count)], "incumbent_ms": empty, "candidate_ms": empty,
        "incumbent_failed": none, "candidate_failed": none,
    }  # fmt: skip
    return Pairs(incumbent=incumbent, candidate=candidate, **(given | more))


def classes(differs: Any, **more: Any) -> Pairs:
    differs = np.asarray(differs, dtype=np.int64)
    one = np.arange(len(differs)) % 3
    return pairs_of(one, np.where(differs, (one + 1) % 3, one), **more)


def disagreeing(count: int, rate: float, seed: int = SEED, **more: Any) -> Pairs:
    return classes(np.random.default_rng(seed).random(count) < rate, **more)


def part(pairs: Pairs, start: int, stop: int) -> Pairs:
    names = ("keys", "incumbent", "candidate", "incumbent_ms", "candidate_ms", "incumbent_failed", "candidate_failed",
             "labels", "slices", "units")  # fmt: skip
    return replace(pairs, **{name: getattr(pairs, name)[start:stop] for name in names})


def folded(rule: ComparisonRule, *batches: Pairs) -> Comparison:
    comparison = Comparison(rule)
    for one in batches:
        comparison.fold(one)
    return comparison


# Verdicts


def test_nothing_is_known_before_the_first_pair() -> None:
    standing = Comparison(PLAIN).standing()
    assert standing.verdict is Verdict.UNKNOWN
    assert (standing.estimate, standing.low, standing.high) == (None, 0.0, 1.0)
    assert (standing.p_diverged, standing.p_equivalent) == (1.0, 1.0)
    assert "too few pairs" in standing.why


def test_a_candidate_far_above_the_tolerance_diverges() -> None:
    standing = folded(PLAIN, disagreeing(2_000, 0.1)).standing()
    assert standing.verdict is Verdict.DIVERGED
    assert standing.diverged_at is not None
    assert standing.diverged_at < 200
    assert standing.low > 0.02
    assert standing.p_diverged <= 0.05


def test_a_candidate_far_below_the_tolerance_is_equivalent() -> None:
    standing = folded(PLAIN, disagreeing(4_000, 0.004)).standing()
    assert standing.verdict is Verdict.EQUIVALENT
    assert standing.high < 0.02
    assert standing.p_equivalent <= 0.05


def test_a_candidate_at_the_tolerance_stays_unknown_and_says_why() -> None:
    differs = np.arange(20_000) % 50 == 0
    standing = folded(PLAIN, classes(differs)).standing()
    assert standing.verdict is Verdict.UNKNOWN
    assert "undecided for ever" in standing.why
    assert standing.low < 0.02 < standing.high


def test_diverged_overrides_an_earlier_equivalent_and_both_are_kept() -> None:
    standing = folded(PLAIN, disagreeing(1_000, 0.0), disagreeing(3_000, 0.5)).standing()
    assert standing.verdict is Verdict.DIVERGED
    assert standing.equivalent_at == 200
    assert standing.diverged_at is not None
    assert standing.diverged_at > 1_000


def test_too_few_pairs_are_never_equivalent_and_a_crossing_before_counts() -> None:
    rule = replace(PLAIN, min_pairs=500)
    comparison = folded(rule, disagreeing(499, 0.0))
    assert comparison.phase.pairs.below_at == 189
    assert comparison.standing().verdict is Verdict.UNKNOWN
    assert comparison.standing().fewest_for_equivalent == 500
    comparison.fold(disagreeing(1, 0.0))
    assert comparison.standing().equivalent_at == 500


def test_too_few_pairs_are_never_diverged_and_a_crossing_before_counts() -> None:
    rule = replace(PLAIN, min_pairs_diverged=30)
    comparison = folded(rule, disagreeing(29, 1.0))
    assert comparison.phase.pairs.above_at is not None
    assert comparison.phase.pairs.above_at < 10
    assert comparison.standing().verdict is Verdict.UNKNOWN
    comparison.fold(disagreeing(1, 0.0))
    assert comparison.standing().diverged_at == 30


def test_a_verdict_stays() -> None:
    comparison = folded(PLAIN, disagreeing(100, 1.0))
    at = comparison.standing().diverged_at
    comparison.fold(disagreeing(50_000, 0.0))
    assert comparison.standing().verdict is Verdict.DIVERGED
    assert comparison.standing().diverged_at == at


# Batches


RULES = [
    PLAIN, ComparisonRule(Output.CLASSES, 0.02, slices=True, change_window=20_000, errors=0.01, latency=1.3, drop=0.01),
    ComparisonRule(Output.CLASSES, 0.02, unit=20), ComparisonRule(Output.CLASSES, 0.02, unit="field", slices=True),
]  # fmt: skip


def a_mixture(seed: int, count: int = 2_500) -> Pairs:
    chance = np.random.default_rng(seed)
    differs = chance.random(count) < np.repeat([0.005, 0.06], [count // 2, count - count // 2])
    one = chance.integers(0, 3, count)
    return pairs_of(
        one.tolist(), [None if draw < 0.01 else int(it) for it, draw in
                       zip(np.where(differs, (one + 1) % 4, one), chance.random(count), strict=True)],
        incumbent_failed=chance.random(count) < 0.02, incumbent_ms=chance.lognormal(3, 1, count),
        candidate_ms=chance.lognormal(3, 1, count), labels=[None if one % 3 else int(one % 4) for one in range(count)],
        slices=[("", "a", "b")[one % 3] for one in range(count)], units=[f"u{one % 1_200}" for one in range(count)],
    )  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(0, 2_500), max_size=6))
def test_a_comparison_is_the_same_however_pairs_are_batched(rule: ComparisonRule, seed: int, cuts: list[int]) -> None:
    pairs = a_mixture(seed)
    ends = [0, *sorted(cuts), len(pairs)]
    batched = folded(rule, *[part(pairs, one, two) for one, two in pairwise(ends)])
    whole = folded(rule, pairs)
    assert batched.to_bytes() == whole.to_bytes()
    assert batched.standing() == whole.standing()


@pytest.mark.parametrize("rule", RULES)
def test_a_comparison_goes_on_from_its_bytes(rule: ComparisonRule) -> None:
    pairs = a_mixture(SEED)
    first = folded(rule, part(pairs, 0, 1_111))
    again = Comparison.from_bytes(first.to_bytes())
    again.fold(part(pairs, 1_111, 2_500))
    whole = folded(rule, part(pairs, 0, 1_111), part(pairs, 1_111, 2_500))
    assert again.standing() == whole.standing()
    again.begin_phase("watch")
    assert Comparison.from_bytes(again.to_bytes()).standing() == again.standing()


def test_bytes_that_are_no_comparison_are_refused() -> None:
    good = Comparison(PLAIN).to_bytes()
    for data in (b"", good[:-5], good[:30], b"x" + good, Comparison(PLAIN).phase.pairs.stream.to_bytes()):
        with pytest.raises(BadInput):
            Comparison.from_bytes(data)


def test_memory_does_not_grow_with_the_pairs() -> None:
    comparison = folded(RULES[1], a_mixture(SEED, 20_000))
    size = len(comparison.to_bytes())
    for seed in range(5):
        comparison.fold(a_mixture(seed, 20_000))
    assert len(comparison.to_bytes()) < 1.3 * size


# Affected, missing, refused


def test_affected_pairs_are_named_by_key() -> None:
    comparison = Comparison(PLAIN)
    found = comparison.fold(classes([0, 1, 0, 1], candidate_failed=np.array([True, False, False, False])))
    assert found.affected == ("key-0", "key-1", "key-3")
    assert (found.compared, comparison.standing().affected, comparison.standing().candidate_failures) == (4, 3, 1)


def test_a_graded_pair_is_affected_above_its_own_tolerance() -> None:
    pairs = pairs_of([0.5, 0.5, 0.5], [0.51, 0.53, 0.9])
    rule = ComparisonRule(Output.SCORES, 0.02)
    assert Comparison(rule).fold(pairs).affected == ("key-1", "key-2")
    assert Comparison(replace(rule, pair_tolerance=0.1)).fold(pairs).affected == ("key-2",)


def test_missing_pairs_stand_in_the_way_of_equivalent() -> None:
    fails = np.arange(2_000) % 40 == 0
    standing = folded(PLAIN, classes(np.zeros(2_000), incumbent_failed=fails)).standing()
    assert standing.verdict is Verdict.UNKNOWN
    assert (standing.missing, standing.pairs, standing.estimate) == (50, 1_950, 0.0)
    assert "50 pairs are missing or refused" in standing.why
    comparison = Comparison(PLAIN)
    comparison.miss(100)
    comparison.fold(disagreeing(1_000, 0.0))
    assert comparison.standing().verdict is Verdict.UNKNOWN
    assert comparison.standing().missing == 100


def test_refused_pairs_stand_in_the_way_of_equivalent_and_never_diverge() -> None:
    rule = ComparisonRule(Output.SCORES, 0.02, guard=False)
    one = np.full(2_000, 0.5)
    two = np.where(np.arange(2_000) % 10 == 0, np.nan, 0.5)
    standing = folded(rule, pairs_of(one, two)).standing()
    assert standing.verdict is Verdict.UNKNOWN
    assert standing.refused == {"not a number (NaN)": 200}
    assert Flag.REFUSED in standing.flags
    assert folded(rule, pairs_of(one, np.full(2_000, np.nan))).standing().verdict is Verdict.UNKNOWN


def test_a_batch_with_columns_of_different_lengths_changes_nothing() -> None:
    comparison = folded(PLAIN, disagreeing(100, 0.1))
    before = comparison.to_bytes()
    with pytest.raises(BadInput):
        comparison.fold(replace(disagreeing(100, 0.1), incumbent=[1, 2]))
    with pytest.raises(BadInput):
        comparison.miss(-1)
    assert comparison.to_bytes() == before


# Oddities


def test_thousands_of_pairs_without_a_difference_are_suspicious() -> None:
    assert Flag.ITSELF in folded(PLAIN, disagreeing(1_000, 0.0)).standing().flags
    assert Flag.ITSELF not in folded(PLAIN, disagreeing(999, 0.0)).standing().flags
    assert Flag.ITSELF not in folded(PLAIN, classes([1] + [0] * 2_000)).standing().flags


@pytest.mark.parametrize(("factor", "noise"), [(1000.0, 1.0), (0.001, 1.02), (60.0, 1.0), (1 / 3600, 1.05)])
def test_changed_units_are_flagged(factor: float, noise: float) -> None:
    chance = np.random.default_rng(SEED)
    one = chance.lognormal(0, 2, 500)
    two = one * factor * noise ** chance.uniform(-1, 1, 500)
    standing = folded(ComparisonRule(Output.NUMBERS, 0.02, relative=0.1), pairs_of(one, two)).standing()
    assert standing.changed_units == pytest.approx(factor)
    assert Flag.UNITS in standing.flags


def test_numbers_that_are_merely_far_off_are_no_change_of_units() -> None:
    chance = np.random.default_rng(SEED)
    one, two = chance.lognormal(0, 2, 500), chance.lognormal(0, 2, 500)
    rule = ComparisonRule(Output.NUMBERS, 0.02, relative=0.1)
    assert folded(rule, pairs_of(one, two)).standing().changed_units is None
    assert folded(rule, pairs_of(one[:20], one[:20] * 1000)).standing().changed_units is None


def test_classes_that_the_incumbent_never_named_are_counted() -> None:
    standing = folded(PLAIN, pairs_of(["a", "b", "a"], ["a", "x", "b"]), pairs_of(["x", "b"], ["y", "x"])).standing()
    assert standing.unseen_classes == 2
    assert Flag.UNSEEN in standing.flags


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(HOSTILE, HOSTILE, HOSTILE), max_size=5),
    st.sampled_from([(output, way) for output, ways in MEASURES.items() for way in ways]),
)
def test_whatever_comes_leaves_a_state_that_can_be_kept(listed: list[Any], kind: tuple[Output, str]) -> None:
    rule = ComparisonRule(kind[0], 0.02, measure=kind[1], drop=0.01, positive="a")
    columns = [list(one) for one in zip(*listed, strict=True)] or [[], [], []]
    comparison = folded(rule, pairs_of(columns[0], columns[1], labels=columns[2]))
    assert Comparison.from_bytes(comparison.to_bytes()).standing() == comparison.standing()
    assert comparison.standing().verdict is Verdict.UNKNOWN


def test_constant_answers_are_flagged() -> None:
    rule = ComparisonRule(Output.SCORES, 0.02)
    standing = folded(rule, pairs_of(np.linspace(0, 1, 300), np.full(300, 0.5))).standing()
    assert Flag.SAME_CANDIDATE in standing.flags
    assert Flag.SAME_INCUMBENT not in standing.flags


def test_the_shift_of_scores_has_its_sign() -> None:
    rule = ComparisonRule(Output.SCORES, 0.02)
    standing = folded(rule, pairs_of(np.full(10, 0.5), np.full(10, 0.4))).standing()
    assert standing.calibration_shift == pytest.approx(-0.1)
    assert standing.estimate == pytest.approx(0.1)


# Bursts


def test_bursts_do_not_diverge_by_single_pairs_and_are_said() -> None:
    wrong = {True: 0, False: 0}
    for seed in range(30):
        pairs = classes(bursts(4_000, 0.02, 5, seed))
        for guard in wrong:
            rule = replace(PLAIN, guard=guard)
            wrong[guard] += folded(rule, pairs).standing().verdict is Verdict.DIVERGED
    assert wrong[False] >= 8
    assert wrong[True] <= 3
    standing = folded(replace(PLAIN, guard=True), classes(bursts(4_000, 0.02, 5, 0))).standing()
    assert Flag.AUTOCORRELATED in standing.flags
    assert standing.autocorrelation == pytest.approx(0.8, abs=0.1)


def test_a_bad_candidate_in_bursts_is_found_by_blocks() -> None:
    rule = replace(PLAIN, guard=True)
    found = [folded(rule, classes(bursts(8_000, 0.08, 5, seed))).standing().diverged_at for seed in range(8)]
    assert all(found)


# Phases


def test_each_phase_tests_afresh_and_a_break_after_a_good_start_is_seen_soon() -> None:
    comparison = folded(PLAIN, disagreeing(5_000, 0.005))
    comparison.begin_phase("watch")
    assert comparison.standing().verdict is Verdict.UNKNOWN
    comparison.fold(disagreeing(2_000, 0.06, seed=1))
    standing = comparison.standing()
    assert standing.verdict is Verdict.DIVERGED
    assert standing.diverged_at is not None
    assert 5_000 < standing.diverged_at < 5_600
    assert [one.name for one in standing.phases] == ["canary", "watch"]
    assert standing.phases[0].equivalent_at is not None
    late = folded(PLAIN, disagreeing(5_000, 0.005), disagreeing(2_000, 0.06, seed=1)).standing()
    assert late.verdict is not Verdict.DIVERGED


def test_what_diverged_in_an_earlier_phase_stays_diverged() -> None:
    comparison = folded(PLAIN, disagreeing(300, 0.5))
    at = comparison.standing().diverged_at
    comparison.begin_phase("again")
    comparison.fold(disagreeing(3_000, 0.0))
    assert comparison.standing().verdict is Verdict.DIVERGED
    assert comparison.standing().diverged_at == at


def test_the_detector_sees_a_break_without_a_new_phase() -> None:
    rule = replace(PLAIN, change_window=20_000)
    standing = folded(rule, disagreeing(5_000, 0.005), disagreeing(2_000, 0.06, seed=1)).standing()
    assert standing.verdict is Verdict.DIVERGED
    assert standing.diverged_at is not None
    assert 5_000 < standing.diverged_at < 6_000


def test_the_detector_goes_on_through_phases() -> None:
    comparison = folded(replace(PLAIN, change_window=20_000), disagreeing(5_000, 0.005))
    before = comparison.phase.pairs.detector
    comparison.begin_phase("watch")
    assert before is not None
    assert comparison.phase.pairs.detector is before


def test_a_recorded_restart_has_a_smaller_error() -> None:
    comparison = Comparison(PLAIN)
    comparison.begin_phase("canary", restarts=1)
    assert comparison.standing().alpha == 0.025


# Slices


def in_slices(rates: dict[str, float], count: int, seed: int = SEED) -> Pairs:
    chance = np.random.default_rng(seed)
    names = list(rates)
    which = chance.integers(0, len(names), count)
    differs = chance.random(count) < np.array(list(rates.values()))[which]
    return classes(differs, slices=[names[one] for one in which])


def test_one_bad_slice_diverges_though_the_whole_looks_good() -> None:
    pairs = in_slices({f"s{one}": 0.3 if one == 7 else 0.002 for one in range(20)}, 20_000)
    assert folded(PLAIN, pairs).standing().verdict is not Verdict.DIVERGED
    for names in ((), tuple(f"s{one}" for one in range(20))):
        standing = folded(replace(PLAIN, slices=True, expected_slices=names), pairs).standing()
        assert standing.verdict is Verdict.DIVERGED
        assert standing.slices_named == ("s7",)
        assert [one.name for one in standing.slices if one.diverged_at] == ["s7"]


def test_equivalent_needs_every_slice() -> None:
    rule = replace(PLAIN, slices=True)
    comparison = folded(rule, in_slices({"a": 0.0, "b": 0.0}, 600))
    assert comparison.standing().verdict is Verdict.EQUIVALENT
    rare = classes(np.zeros(600), slices=["rare" if one % 100 == 0 else "a" for one in range(600)])
    standing = folded(rule, rare).standing()
    assert standing.verdict is Verdict.UNKNOWN
    assert "not every slice" in standing.why


def test_an_expected_slice_without_pairs_is_unknown_and_others_are_said() -> None:
    rule = replace(PLAIN, slices=True, expected_slices=("a", "empty"))
    standing = folded(rule, in_slices({"a": 0.0, "new": 0.0}, 2_000)).standing()
    assert standing.verdict is Verdict.UNKNOWN
    assert Flag.BEYOND in standing.flags
    assert [one.name for one in standing.slices] == ["a", "empty"]


def test_shares_of_slices_that_appear_sum_to_the_whole() -> None:
    rule = replace(PLAIN, slices=True)
    names = [f"s{one}" for one in range(400)]
    standing = folded(rule, classes(np.zeros(400), slices=names)).standing()
    alphas = [one.alpha for one in standing.slices]
    assert alphas[:3] == pytest.approx([0.025 / 2, 0.025 / 6, 0.025 / 12])
    assert sum(alphas) < 0.025


# Shards


def test_shards_merge_to_the_comparison_of_all_pairs() -> None:
    rule = replace(PLAIN, slices=True, expected_slices=("a", "b"), errors=0.05, drop=0.01, positive=1)
    pairs = a_mixture(SEED)
    pairs = replace(pairs, slices=["ab"[one % 2] for one in range(len(pairs))])
    one, two = folded(rule, part(pairs, 0, 1_000)), folded(rule, part(pairs, 1_000, 2_500))
    one.merge(two)
    merged, whole = one.standing(), folded(rule, pairs).standing()
    for name in ("pairs", "estimate", "log_e_diverged", "log_e_equivalent", "missing", "affected", "refused"):
        assert getattr(merged, name) == getattr(whole, name), name
    assert [one.figure.estimate for one in merged.slices] == [one.figure.estimate for one in whole.slices]
    assert merged.errors is not None
    assert whole.errors is not None
    assert merged.errors.estimate == whole.errors.estimate
    assert merged.labels is not None
    assert whole.labels is not None
    assert merged.labels.f1_difference == whole.labels.f1_difference


@pytest.mark.parametrize(
    "more", [{"guard": True}, {"unit": 20}, {"change_window": 9}, {"latency": 1.2}, {"slices": True}]
)
def test_what_hangs_on_the_order_does_not_merge(more: dict[str, Any]) -> None:
    rule = replace(PLAIN, **more)
    with pytest.raises(BadInput, match="order"):
        Comparison(rule).merge(Comparison(rule))


def test_shards_of_unlike_rules_do_not_merge() -> None:
    with pytest.raises(BadInput, match="unlike"):
        Comparison(PLAIN).merge(Comparison(replace(PLAIN, tolerance=0.03)))


# Units


def test_the_mean_of_a_unit_is_one_observation() -> None:
    rule = replace(PLAIN, unit="field", min_pairs=0)
    names = [f"user-{one // 10}" for one in range(3_000)]
    comparison = folded(rule, classes(np.arange(3_000) % 1_000 < 10, units=names))
    assert comparison.standing().observations == 0
    comparison.close_units()
    standing = comparison.standing()
    assert standing.observations == 300
    assert standing.estimate == pytest.approx(3 / 300)


def test_equivalent_in_blocks_takes_as_many_pairs_as_a_block_has() -> None:
    standing = folded(replace(PLAIN, unit=20), classes(np.zeros(4_000))).standing()
    assert standing.fewest_for_equivalent == 189 * 20
    assert standing.equivalent_at == 189 * 20
