"""The early stream of the guard, and what bounds names, slices and units: a total break is seen after thirty pairs."""

from __future__ import annotations

import base64
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.test_statistics_comparison import classes, disagreeing, folded, part
from unit.test_statistics_units import bursts

from bot.domain.errors import BadInput
from bot.statistics import packing
from bot.statistics.comparison import Comparison
from bot.statistics.flags import Flag
from bot.statistics.guard import EARLY_PAIRS
from bot.statistics.names import LONGEST_NAME, short_names
from bot.statistics.rule import MOST_SLICES, ComparisonRule, Output
from bot.statistics.slices import OTHERS
from bot.statistics.standing import Verdict
from bot.statistics.units import OPEN_UNITS

SHIPPED = ComparisonRule(Output.CLASSES, 0.02)
BLOCKS_OF_10 = "blocks of 10 pairs"
OLD = base64.b85decode(
    b"K~6+dc%1E3+iu%14E+~B8wGWj@+*N6D7Kmyb!|_w+jT|$eWdJMyJ6e=+{P9uiaert#LwcT?VDm#)WhrOW1EJ)D2ulcQ;VYwD~mMw"
    b"DHNN}BF<g@4)Zk56D{d{N+F^BG;|^QzQ%cY0$vur8;?E<sw`gHemD9yreebZZsc9lVx&XB_yYBF-;!IJLZ64(N1T}A9B@hSX^!Z="
    b"z?m32KjF&kA7ky)(9P3XoQ4r`<AD6^ZjkkJ*Wq@$wnogGXWu1s9KMgCo<g%b>$g=|)JNYR!tNb2GrXf)G>dT{{EH6^ANu;^LEL?t"
    b"eLuBb2I5><G?AbzHsg@m1vAMfR2+TE>0AffqV~OyA4LfzAO=kSmP5$|bCL<Cgb<A594)Vw%_UlXpEQy#Fw+!+e<h<Pr1sF$=nz{v"
    b"?KSa~mz>=Ga&Y_MEyGIfkDLzNN(oO=;fr&6GnPM~^z!9)RWJ#w3Ji!<2|}^6B`~85StI`U&>oJ{5&)Q1Qdt9BNL-*DCu<?VF(W~0"
    b"iw=dAq|};OAuTweF`hAmM{uFF!wJKIJ4JR}OCyBi!bl0qF;XeYA_J=sC#Y<OP_#2R=E?x@><;%}r8UMdZWS<LGZrSf6xJ$@rl4Kk"
    b"u0j($9Bw)K5mHxps{7DU#oVTE363xN8G5;rJ;7rRthj&5U+b8Dcu*()&g_e>I-M>|B?y?8+lS>-COQmrpJ8sdP}-{8GQbTnUg7Xj"
    b"L*{Y7YoVd~y;N)PFDQ#A&a5@ca%r{2yMSQb6#HYjSCr5+E$DL62=H|Ed^&TLqUEAr1Ma(_e!1a?f(tjc50rWkIpO)wod3-E7v`{g"
    b"<^can9VE#;Id02!<p)*yl@PFYg5OZ!y8d+SYRko64{_;{!?}xa<ed9j?2Lnxnj445DsZRdYV<kW1q5}Sikj~8oPmF$&CoR1&GIoV"
    b"?#YDi0#+hv@gIi^{`<cw&t%(7_uPb0A|I<jN%}*##Zu|+Q%J~9KLI$`QSJ"
)
"""Twenty pairs, the first twelve of them different, as version 1 kept them."""


# The early stream


def test_a_total_break_is_seen_after_thirty_pairs_under_the_rule_that_ships() -> None:
    comparison = folded(SHIPPED, disagreeing(29, 1.0))
    assert comparison.standing().verdict is Verdict.UNKNOWN
    assert comparison.standing().fewest_for_diverged == 30
    comparison.fold(disagreeing(1, 1.0))
    standing = comparison.standing()
    assert (standing.diverged_at, standing.diverged_by) == (30, BLOCKS_OF_10)
    assert standing.phases[0].diverged_by == BLOCKS_OF_10
    assert "at pair 30 by blocks of 10 pairs" in standing.why
    assert standing.p_diverged <= 0.05


def test_a_crossing_of_early_blocks_counts_from_the_fewest_pairs_on() -> None:
    rule = replace(SHIPPED, min_pairs_diverged=60)
    comparison = folded(rule, disagreeing(30, 1.0), disagreeing(29, 0.0))
    assert comparison.standing().verdict is Verdict.UNKNOWN
    comparison.fold(disagreeing(1, 0.0))
    assert (comparison.standing().diverged_at, comparison.standing().diverged_by) == (60, BLOCKS_OF_10)


def test_early_blocks_say_nothing_of_what_comes_from_pair_191_on() -> None:
    comparison = folded(SHIPPED, disagreeing(EARLY_PAIRS, 0.0), disagreeing(40, 1.0))
    early = comparison.phase.early
    assert early is not None
    assert (early.stream.count, early.above_at, comparison.phase.early_room) == (19, None, 0)
    assert comparison.standing().verdict is not Verdict.DIVERGED
    comparison.fold(disagreeing(200, 1.0))
    assert comparison.standing().diverged_by == "blocks of 50 pairs"


def test_each_phase_has_early_blocks_of_its_own() -> None:
    comparison = folded(SHIPPED, disagreeing(500, 0.0))
    comparison.begin_phase("watch")
    comparison.fold(disagreeing(30, 1.0))
    assert (comparison.standing().diverged_at, comparison.standing().diverged_by) == (530, BLOCKS_OF_10)


def test_pairs_that_never_came_take_places_in_early_blocks_and_are_no_divergence() -> None:
    comparison = Comparison(SHIPPED)
    comparison.miss(EARLY_PAIRS - 5)
    comparison.fold(disagreeing(100, 1.0))
    assert comparison.phase.early is not None
    stream = comparison.phase.early.stream
    assert (stream.missing, stream.count, stream.estimate) == (17, 2, pytest.approx((0 + 5 / 10) / 2))
    assert comparison.standing().verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("more", "shares"),
    [
        ({}, {"pairs": 0.7, "blocks": 0.2, "early": 0.1}),
        ({"min_pairs_diverged": 199}, {"pairs": 0.7, "blocks": 0.2, "early": 0.1}),
        ({"min_pairs_diverged": 200}, {"pairs": 0.8, "blocks": 0.2}),
        ({"guard": False}, {"pairs": 1.0}),
        ({"unit": 20}, {"pairs": 1.0}),
        ({"slices": True}, {"slices": 0.5, "pairs": 0.35, "blocks": 0.1, "early": 0.05}),
        ({"change_window": 9}, {"change": 0.5, "pairs": 0.35, "blocks": 0.1, "early": 0.05}),
    ],
)
def test_the_shares_of_the_error_sum_to_it(more: dict[str, Any], shares: dict[str, float]) -> None:
    alphas = replace(SHIPPED, **more).alphas(0.05)
    assert alphas == pytest.approx({name: 0.05 * share for name, share in shares.items()})
    assert sum(alphas.values()) == pytest.approx(0.05)


def test_few_streams_at_the_tolerance_diverge_early_even_in_bursts() -> None:
    for run, most in ((0.0, 4), (5.0, 10)):
        wrong = 0
        for seed in range(200):
            draw = np.random.default_rng(seed).random(EARLY_PAIRS) < 0.02
            values = bursts(EARLY_PAIRS, 0.02, run, seed) if run else draw
            wrong += folded(SHIPPED, classes(values)).standing().verdict is Verdict.DIVERGED
        assert wrong <= most, run


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000), cuts=st.lists(st.integers(0, 400), max_size=8), gone=st.integers(0, 40),
    rate=st.sampled_from([0.05, 0.2, 0.5]),
)  # fmt: skip
def test_early_blocks_are_the_same_however_pairs_are_batched(
    seed: int, cuts: list[int], gone: int, rate: float
) -> None:
    chance = np.random.default_rng(seed)
    pairs = classes(chance.random(400) < rate, incumbent_failed=chance.random(400) < 0.1)

    def all_of(*cuts: int) -> Comparison:
        comparison = Comparison(SHIPPED)
        for one, two in pairwise(sorted({0, *cuts, 400})):
            comparison.fold(part(pairs, one, two))
            if two == 100:
                comparison.miss(gone)
                comparison = Comparison.from_bytes(comparison.to_bytes())
        return comparison

    batched, whole, single = all_of(*cuts, 100), all_of(100), all_of(*range(1, 400))
    assert batched.to_bytes() == whole.to_bytes() == single.to_bytes()
    assert batched.standing() == whole.standing() == single.standing()


# What was kept before


def test_a_state_from_before_early_blocks_goes_on_with_the_shares_it_began_with() -> None:
    comparison = Comparison.from_bytes(OLD)
    assert comparison.phase.early is None
    assert comparison.phase.pairs.stream.above.alpha == pytest.approx(0.04)
    comparison.fold(disagreeing(100, 1.0))
    assert comparison.standing().verdict is Verdict.UNKNOWN
    assert comparison.standing().p_diverged <= 0.05
    again = Comparison.from_bytes(comparison.to_bytes())
    again.fold(disagreeing(60, 1.0))
    assert again.standing().diverged_by == "blocks of 50 pairs"
    again.begin_phase("watch")
    assert again.phase.early is not None


def test_a_state_of_a_later_version_is_refused_with_what_to_do() -> None:
    with pytest.raises(BadInput, match="version 3") as refused:
        Comparison.from_bytes(packing.pack("comparison", 3, {}))
    assert "fold the kept batches again" in str(refused.value.next)


# Which test decided


def test_the_standing_says_which_test_decided() -> None:
    plain = replace(SHIPPED, guard=False, min_pairs_diverged=0)
    half = np.arange(2_000) % 2 == 0
    sliced = classes(half, slices=["bad" if one else "good" for one in half])
    found = {
        "single pairs": folded(plain, disagreeing(300, 0.5)),
        "blocks of 20 pairs": folded(replace(plain, unit=20), disagreeing(300, 0.5)),
        "slice bad": folded(replace(plain, tolerance=0.6, slices=True), sliced),
        "detector of changes": folded(
            replace(plain, change_window=5_000), disagreeing(9_000, 0.001), disagreeing(60, 1.0)
        ),
    }
    assert {name: one.standing().diverged_by for name, one in found.items()} == {name: name for name in found}
    assert Comparison(plain).standing().diverged_by is None


# Names, slices and units are bounded


def test_a_long_name_is_cut_and_stays_different_from_one_that_begins_alike() -> None:
    one, two = "x" * 5_000 + "a", "x" * 5_000 + "\ud800"
    kept = short_names(["", "y" * LONGEST_NAME, one, two, one])
    assert [len(name) for name in kept] == [0, 200, 200, 200, 200]
    assert (kept[1], kept[2]) == ("y" * 200, kept[4])
    assert kept[2] != kept[3]


def test_long_names_of_slices_and_units_are_kept_short() -> None:
    names = [f"{'n' * 100_000}{one % 2}" for one in range(40)]
    sliced = folded(replace(SHIPPED, slices=True), classes(np.zeros(40), slices=names))
    assert [len(one.name) for one in sliced.standing().slices] == [200, 200]
    unit = folded(replace(SHIPPED, unit="field"), classes(np.zeros(40), units=names))
    assert len(unit.to_bytes()) < 5_000
    unit.close_units()
    assert unit.standing().observations == 2
    with pytest.raises(BadInput, match="200 characters"):
        replace(SHIPPED, slices=True, expected_slices=("n" * 201,))


def test_slices_past_the_two_hundredth_are_one_and_are_counted() -> None:
    names = [f"s{one % 260}" for one in range(5_200)]
    bad = np.array([int(name[1:]) >= MOST_SLICES for name in names])
    standing = folded(replace(SHIPPED, slices=True), classes(bad, slices=names)).standing()
    assert len(standing.slices) == MOST_SLICES + 1
    assert standing.slices[-1].name == OTHERS
    assert standing.slices[-1].figure.count == standing.slices_beyond == 60 * 20
    assert standing.slices_named == (OTHERS,)
    assert Flag.BEYOND in standing.flags


def test_the_slice_of_all_others_must_be_equivalent_too() -> None:
    rule = replace(SHIPPED, slices=True, tolerance=0.4)
    names = [f"s{one % 200}" for one in range(4_000)]
    comparison = folded(rule, classes(np.zeros(4_000), slices=names))
    assert comparison.standing().verdict is Verdict.EQUIVALENT
    late = folded(rule, classes(np.zeros(1), slices=["other"]))
    assert late.standing().slices_beyond == 0
    mixed = folded(rule, classes(np.zeros(201), slices=[*names[:200], "other"]))
    mixed.fold(classes(np.zeros(3_800), slices=names[200:]))
    assert mixed.standing().verdict is Verdict.UNKNOWN
    assert mixed.standing().slices_beyond == 1


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(0, 1_500), max_size=6))
def test_many_slices_are_the_same_however_pairs_are_batched(seed: int, cuts: list[int]) -> None:
    chance = np.random.default_rng(seed)
    names = [OTHERS if one == 7 else f"s{one}" for one in chance.integers(0, 300, 1_500)]
    pairs = classes(chance.random(1_500) < 0.1, slices=names)
    batched = folded(
        replace(SHIPPED, slices=True), *[part(pairs, *ends) for ends in pairwise([0, *sorted(cuts), 1_500])]
    )
    assert batched.to_bytes() == folded(replace(SHIPPED, slices=True), pairs).to_bytes()


def test_pairs_without_their_unit_are_units_by_themselves_and_are_said() -> None:
    rule = replace(SHIPPED, unit="field", min_pairs_diverged=0)
    some = folded(rule, classes(np.zeros(30), units=["", "a", "b"] * 10)).standing()
    assert (some.without_unit, some.observations) == (10, 10)
    assert Flag.UNIT_ABSENT in some.flags
    none = folded(rule, classes(np.zeros(30))).standing()
    assert (none.without_unit, none.observations) == (30, 30)
    whole = folded(rule, classes(np.zeros(30), units=["a"] * 30)).standing()
    assert whole.without_unit == 0
    assert Flag.UNIT_ABSENT not in whole.flags


def test_units_close_in_the_order_in_which_they_were_first_seen() -> None:
    chance = np.random.default_rng(3)
    names = [f"u{one}" for one in chance.integers(0, 3 * OPEN_UNITS, 6_000)]
    differs = chance.random(6_000) < 0.3
    waiting: dict[str, list[int]] = {}
    closed = []
    for name, value in zip(names, differs.tolist(), strict=True):
        waiting.setdefault(name, []).append(int(value))
        if len(waiting) > OPEN_UNITS:
            closed.append(waiting.pop(next(iter(waiting))))
    rule = replace(SHIPPED, unit="field", min_pairs_diverged=0)
    comparison = folded(rule, classes(differs, units=names))
    assert comparison.standing().observations == len(closed)
    assert comparison.standing().estimate == pytest.approx(float(np.mean([np.mean(one) for one in closed])))
