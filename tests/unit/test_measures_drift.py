"""Drift measures against scipy and published examples, and what odd samples get."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from bot.domain.errors import BadInput
from bot.statistics.drift import Drift, NumericReference, categorical, histogram, numeric
from bot.statistics.drift_measures import chi_square, jensen_shannon, kolmogorov_smirnov, psi

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A machine that does other work is slow, which is no fault of what is tested."""

COUNTS = st.lists(st.tuples(st.integers(1, 10_000), st.integers(1, 10_000)), min_size=2, max_size=30)


@pytest.fixture
def draws(rng: random.Random) -> np.random.Generator:
    return np.random.default_rng(rng.getrandbits(32))


@UNHURRIED
@given(COUNTS)
def test_measures_over_cells_agree_with_scipy(cells: list[tuple[int, int]]) -> None:
    was, now = (np.array(side, float) for side in zip(*cells, strict=True))
    q, p = was / was.sum(), now / now.sum()
    both_ways = stats.entropy(p, q) + stats.entropy(q, p)  # Jeffreys' divergence, of which PSI is another name
    assert psi(was, now).value == pytest.approx(both_ways, abs=1e-9)
    assert jensen_shannon(was, now).value == pytest.approx(distance.jensenshannon(p, q, base=2), abs=1e-7)
    assert jensen_shannon(was, now).value ** 2 == pytest.approx(distance.jensenshannon(p, q, base=2) ** 2, abs=1e-9)
    theirs = stats.chi2_contingency(np.array([was, now]), correction=False)
    ours = chi_square(was, now)
    assert ours.value**2 / (1 / was.sum() + 1 / now.sum()) == pytest.approx(theirs.statistic, rel=1e-9, abs=1e-9)
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-9)


def test_measures_over_cells_are_those_of_published_examples() -> None:
    # The documentation of scipy: chi2_contingency, jensenshannon.
    found = chi_square([10, 10, 20], [20, 20, 20])
    assert found.value**2 / (1 / 40 + 1 / 60) == pytest.approx(2.7777777777777777, abs=1e-9)
    assert found.p_value == pytest.approx(0.24935220877729619, abs=1e-9)
    assert jensen_shannon([1, 0, 0], [0, 1, 0]).value == pytest.approx(1.0, abs=1e-9)
    assert jensen_shannon([1, 0], [1, 1]).value * math.sqrt(math.log(2)) == pytest.approx(0.46450140402245893, abs=1e-9)
    # Worked by hand: (0.2 - 0.3) ln(2/3) + (0.3 - 0.3) ln 1 + (0.5 - 0.4) ln(5/4).
    assert psi([30, 30, 40], [20, 30, 50]).value == pytest.approx(0.1 * math.log(1.5) + 0.1 * math.log(1.25), abs=1e-12)


@pytest.mark.parametrize(("n", "m"), [(20, 20), (40, 70), (700, 900), (3000, 5000)])
def test_kolmogorov_smirnov_agrees_with_scipy(n: int, m: int, draws: np.random.Generator) -> None:
    for digits in (1, 12):  # with and without ties
        was, now = np.sort(draws.normal(size=n).round(digits)), np.sort(draws.normal(0.1, 1, size=m).round(digits))
        theirs = stats.ks_2samp(was, now, method="asymp")
        ours = kolmogorov_smirnov(was, now)
        assert ours.value == pytest.approx(theirs.statistic, abs=1e-12)
        assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-9)


@UNHURRIED
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40), st.lists(st.floats(-5, 5), min_size=1, max_size=40))
def test_kolmogorov_smirnov_is_the_largest_distance_at_any_value(was: list[float], now: list[float]) -> None:
    ours = kolmogorov_smirnov(np.sort(was), np.sort(now))
    gaps = [abs(np.mean(np.array(was) <= one) - np.mean(np.array(now) <= one)) for one in was + now]
    assert ours.value == pytest.approx(max(gaps), abs=1e-9)
    assert ours.low <= ours.value <= ours.high


def test_without_drift_each_measure_shows_what_it_says_it_will(draws: np.random.Generator) -> None:
    """The mean of 400 samples against the expectation that stands beside the value."""
    reference = NumericReference.of(draws.normal(size=4000))
    found = [numeric("x", reference, draws.normal(size=1000)) for _ in range(400)]
    for measure in ("psi", "ks", "chi_square", "jensen_shannon"):
        middle = np.mean([one.effects[measure].value for one in found])
        assert middle == pytest.approx(found[0].effects[measure].without_drift, rel=0.35), measure
    # A reference of its own each time, as the formula assumes.
    pairs = [draws.multinomial(n, [0.1] * 10, size=400) for n in (4000, 1000)]
    values = [psi(was, now).value for was, now in zip(*pairs, strict=True)]
    assert np.mean(values) == pytest.approx(9 * (1 / 4000 + 1 / 1000), rel=0.12)


def test_p_values_without_drift_are_below_five_percent_about_as_often(draws: np.random.Generator) -> None:
    pairs = [draws.multinomial(n, [0.1] * 10, size=600) for n in (4000, 1500)]
    for measure in (psi, chi_square, jensen_shannon):
        small = [(measure(was, now).p_value or 0) < 0.05 for was, now in zip(*pairs, strict=True)]
        assert 0.01 <= np.mean(small) <= 0.1, measure


@pytest.mark.parametrize("shift", [0.0, 0.2, 0.5])
def test_the_intervals_hold_the_true_size_as_often_as_they_say(shift: float, draws: np.random.Generator) -> None:
    """Cells of which the true shares are known; 300 pairs of samples, at 95 %."""
    edges = stats.norm.ppf(np.arange(1, 10) / 10)
    q = np.full(10, 0.1)
    p = np.diff(np.concatenate([[0], stats.norm.cdf(edges - shift), [1]]))
    true = {
        psi: float(((p - q) * np.log(p / q)).sum()),
        jensen_shannon: float(distance.jensenshannon(p, q, base=2)),
        chi_square: math.sqrt(float(((p - q) ** 2 / ((p * 1000 + q * 2000) / 3000)).sum())),
    }
    pairs = list(zip(draws.multinomial(2000, q, size=300), draws.multinomial(1000, p, size=300), strict=True))
    for measure, value in true.items():
        found = [measure(was, now) for was, now in pairs]
        assert np.mean([one.low <= value + 1e-12 and value <= one.high for one in found]) >= 0.9, measure


def test_every_measure_sees_a_shift(draws: np.random.Generator) -> None:
    found = numeric("x", draws.normal(size=5000), draws.normal(1.0, 1.0, size=5000))
    tolerances = {"psi": 0.2, "ks": 0.2, "chi_square": 0.3, "jensen_shannon": 0.2}
    for measure, tolerance in tolerances.items():
        effect = found.effects[measure]
        assert found.exceeds(measure, tolerance) is True
        assert effect.low > 0
        assert effect.p_value is not None
        assert effect.p_value < 1e-9


def test_with_very_many_rows_a_shift_is_certain_and_yet_within_tolerance(draws: np.random.Generator) -> None:
    found = numeric("x", draws.normal(size=200_000), draws.normal(0.04, 1.0, size=200_000))
    assert (found.effects["ks"].p_value or 0) < 0.001
    assert found.exceeds("ks", 0.05) is False
    assert found.exceeds("psi", 0.1) is False


def test_few_rows_leave_the_answer_unknown_however_far_apart_they_are() -> None:
    found = numeric("x", [float(n) for n in range(499)], [float(n + 9000) for n in range(5000)])
    assert found.exceeds("psi", 0.2) is None
    assert "499 in the reference; 500 are needed" in found.unknown
    assert found.effects["psi"].value > 1
    assert numeric("x", range(499), range(499), least=400).exceeds("psi", 0.2) is False


@pytest.mark.parametrize(("was", "now"), [([], [1.0]), ([1.0], []), ([], []), ([math.nan], [1.0]), ([1.0], [None])])
def test_a_side_without_values_is_unknown(was: list[float], now: list[float]) -> None:
    found = numeric("x", was, now)
    assert found.effects == {}
    assert found.exceeds("psi", 0.2) is None
    assert "no values" in found.unknown
    assert categorical("x", [None], ["a"]).exceeds("psi", 0.2) is None


def test_missing_values_are_told_as_shares_and_not_counted() -> None:
    found = numeric("x", [1.0, 2.0, None, math.nan], [1.0, None, None, None], least=1)
    assert (found.n, found.n_reference) == (1, 2)
    assert (found.missing, found.missing_reference) == (0.75, 0.5)


def test_a_column_that_stays_constant_has_not_drifted() -> None:
    found = numeric("x", [7.0] * 600, [7.0] * 600)
    assert {effect.value for effect in found.effects.values()} == {0.0}
    assert found.unseen == 0
    assert found.notes == ("constant in the reference", "constant now")


@pytest.mark.parametrize("now", [6.0, 8.0])
def test_a_constant_column_that_takes_another_value_has_drifted_either_way(now: float) -> None:
    found = numeric("x", [7.0] * 600, [now] * 600)
    assert found.effects["ks"].value == 1.0
    assert found.effects["jensen_shannon"].value == pytest.approx(1.0)
    assert found.exceeds("psi", 0.2) is True
    assert found.unseen == 1.0


def test_values_below_the_range_of_the_reference_are_counted_as_unseen() -> None:
    found = numeric("x", np.arange(1000.0), np.arange(1000.0) - 100)
    assert found.unseen == pytest.approx(0.1)


def test_cells_are_the_deciles_of_the_reference() -> None:
    reference = NumericReference.of(np.arange(1, 1001))
    assert reference.counts.tolist() == [100] * 10
    assert reference.edges.tolist() == [100.0 * number for number in range(1, 10)]


def test_a_category_never_seen_is_counted_and_named() -> None:
    found = categorical("country", ["de", "fr"] * 400, ["de", "fr"] * 350 + ["xx"] * 100)
    assert found.unseen == 0.125
    assert "'xx'" in found.notes[0]
    assert found.exceeds("psi", 0.2) is True
    assert "ks" not in found.effects


def test_an_identifier_is_no_category() -> None:
    with pytest.raises(BadInput, match="1200 categories"):
        categorical("id", [str(n) for n in range(1200)], ["1"])


@pytest.mark.parametrize("factor", [1000, 0.001, 60, 1 / 60, 3600, 100])
def test_a_changed_unit_is_flagged(factor: float, draws: np.random.Generator) -> None:
    found = numeric("seconds", draws.lognormal(size=2000), draws.lognormal(size=2000) * factor)
    assert found.unit_factor == pytest.approx(factor, rel=0.15)
    assert "was a unit changed?" in found.notes[-1]


@pytest.mark.parametrize("change", [lambda x: x * 3, lambda x: x + 1000, lambda x: -x, lambda x: x * 0])
def test_another_change_is_not_taken_for_a_unit(change: object, draws: np.random.Generator) -> None:
    found = numeric("x", draws.lognormal(size=2000), change(draws.lognormal(size=2000)))
    assert found.unit_factor is None


def test_histograms_give_the_same_as_the_samples_they_count(draws: np.random.Generator) -> None:
    was, now = draws.normal(size=3000), draws.normal(0.3, 1, size=2000)
    reference = NumericReference.of(was)
    cells = [
        int(((now <= top) & (now > low)).sum())
        for low, top in zip([-9e9, *reference.edges], [*reference.edges, 9e9], strict=True)
    ]
    ours, theirs = histogram("x", reference.counts, cells), numeric("x", reference, now)
    assert ours.effects["psi"] == theirs.effects["psi"]
    assert 0 < ours.effects["ks"].value <= theirs.effects["ks"].value


@pytest.mark.parametrize(
    ("was", "now"),
    [([1, 2], [1]), ([1, -1], [1, 1]), ([0, 0], [1, 1]), ([1, math.nan], [1, 1]), ([1, math.inf], [1, 1]), ([], [])],
)
def test_counts_that_are_none_are_bad_input(was: list[float], now: list[float]) -> None:
    for measure in (psi, chi_square, jensen_shannon):
        with pytest.raises(BadInput):
            measure(was, now)


def test_infinite_values_and_text_are_bad_input() -> None:
    for bad in ([1.0, math.inf], ["a"], [[1.0], [2.0, 3.0]]):
        with pytest.raises(BadInput):
            numeric("x", [1.0, 2.0], bad)


@UNHURRIED
@given(
    st.lists(st.one_of(st.none(), st.floats(allow_infinity=False)), max_size=50),
    st.lists(st.one_of(st.none(), st.floats(allow_infinity=False)), max_size=50),
)
def test_any_two_samples_get_an_answer_with_its_interval(was: list[float | None], now: list[float | None]) -> None:
    found: Drift = numeric("x", was, now, least=1)
    for effect in found.effects.values():
        assert 0 <= effect.low <= effect.value * (1 + 1e-9) + 1e-12
        assert effect.value <= effect.high * (1 + 1e-9) + 1e-12
        assert math.isfinite(effect.value)
