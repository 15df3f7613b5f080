"""Units, the burst guard and the change detector: what makes an observation, and what hangs on the order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.errors import BadInput
from bot.statistics.bets import Side, factors
from bot.statistics.detector import ChangeDetector, restart_alpha
from bot.statistics.guard import LARGEST_CORRELATION, Correlation
from bot.statistics.histogram import divergence_design
from bot.statistics.units import OPEN_UNITS, Blocks, Groups, Rows, Singles, units_of

TAU = 0.02
SEED = 11


def bursts(count: int, mean: float, run: float, seed: int) -> np.ndarray:
    """A two-state chain of 0 and 1 with this mean and mean length of runs of ones."""
    chance = np.random.default_rng(seed)
    leave, enter = 1 / run, mean / (1 - mean) / run
    values, state = np.zeros(count, dtype=np.bool_), chance.random() < mean
    for at, draw in enumerate(chance.random(count)):
        values[at] = state
        state = draw >= leave if state else draw < enter
    return values


def rows(values: Any, upper: Any = None, names: Any = ()) -> Rows:
    return Rows(np.asarray(values, dtype=float), None if upper is None else np.asarray(upper, dtype=float), names)


# Units


def test_a_block_is_the_mean_of_its_pairs_and_ends_with_its_last_one() -> None:
    seen = Blocks(4).take(rows([1, 0, 0, 0, 1, 1, 0, 0, 1]))
    assert seen.values.tolist() == [0.25, 0.5]
    assert seen.ends.tolist() == [3, 7]
    assert seen.upper is None


@given(st.lists(st.integers(0, 60), max_size=6), st.integers(2, 9), st.booleans())
def test_blocks_are_the_same_however_they_are_batched(cuts: list[int], size: int, is_missing: bool) -> None:
    chance = np.random.default_rng(SEED)
    values = chance.random(60)
    upper = np.where(chance.random(60) < 0.2, 1.0, values) if is_missing else values
    values = np.where(upper == 1.0, 0.0, values) if is_missing else values

    def all_of(*cuts: int) -> tuple[list[float], list[float]]:
        blocks, low, high = Blocks(size), [], []
        for one, two in zip(np.split(values, cuts), np.split(upper, cuts), strict=True):
            seen = blocks.take(Rows(one, two if is_missing else None))
            low += seen.values.tolist()
            high += (seen.values if seen.upper is None else seen.upper).tolist()
        return low, high

    assert all_of(*sorted(cuts)) == all_of()


def test_missing_pairs_take_places_in_blocks() -> None:
    blocks = Blocks(4)
    assert blocks.take(rows([1.0])).values.tolist() == []
    assert blocks.miss(2)[0] == 0
    seen = blocks.take(rows([0.0]))
    assert seen.values.tolist() == [0.25]
    assert seen.upper is not None
    assert seen.upper.tolist() == [0.75]
    blocks.take(rows([1.0]))
    whole, seen = blocks.miss(3 + 4 * 5 + 2)
    assert whole == 5
    assert (seen.values.tolist(), seen.upper.tolist()) == ([0.25], [1.0])
    assert blocks.seen == 2


def test_a_unit_is_the_mean_of_its_pairs_once_it_is_closed() -> None:
    groups = Groups()
    seen = groups.take(rows([1, 0, 0.5, 0], names=["a", "b", "a", ""]))
    assert seen.values.tolist() == [0.0]
    assert seen.ends.tolist() == [3]
    seen = groups.close()
    assert seen.values.tolist() == [0.75, 0.0]
    assert groups.close().values.tolist() == []


def test_the_unit_that_was_seen_first_closes_when_too_many_are_open() -> None:
    groups = Groups()
    names = [f"user-{number}" for number in range(OPEN_UNITS + 2)]
    seen = groups.take(rows([number % 2 for number in range(len(names))], names=names))
    assert seen.values.tolist() == [0.0, 1.0]
    assert seen.ends.tolist() == [OPEN_UNITS, OPEN_UNITS + 1]
    assert len(groups.open) == OPEN_UNITS


def test_units_go_on_from_their_state() -> None:
    for unit in ("pair", 7, "field"):
        units = units_of(unit)
        units.take(rows([0.25, 1, 0], names=["a", "b", "a"]))
        again = units_of(unit, units.state())
        more = rows([1, 0, 0.5, 0.5], names=["a", "c", "c", ""])
        assert again.take(more).values.tolist() == units.take(more).values.tolist()
        assert again.close().values.tolist() == units.close().values.tolist()
    assert isinstance(units_of("pair"), Singles)


@pytest.mark.parametrize("size", [0, 1, -3, 2**21])
def test_a_block_of_no_sensible_size_is_refused(size: int) -> None:
    with pytest.raises(BadInput, match="block"):
        Blocks(size)


# The guard


def by_numpy(values: np.ndarray) -> float:
    mean, n = values.mean(), len(values)
    return float(((values[1:] * values[:-1]).sum() / (n - 1) - mean**2) / ((values**2).mean() - mean**2))


def test_the_autocorrelation_is_that_of_the_formula() -> None:
    for values in (bursts(3_000, 0.1, 5, SEED), np.random.default_rng(SEED).random(3_000)):
        found = Correlation()
        found.add(values)
        assert found.value == pytest.approx(by_numpy(values.astype(float)), abs=1e-4)


def test_bursts_are_seen_and_single_pairs_are_not_taken_for_bursts() -> None:
    burst, single = Correlation(), Correlation()
    burst.add(bursts(2_000, 0.05, 5, SEED))
    single.add(np.random.default_rng(SEED).random(2_000) < 0.05)
    assert burst.is_high
    assert not single.is_high


@given(st.lists(st.integers(0, 600), max_size=6))
@settings(max_examples=25, deadline=None)
def test_the_guard_is_the_same_however_pairs_are_batched(cuts: list[int]) -> None:
    values = np.concatenate([bursts(400, 0.1, 4, SEED), np.random.default_rng(SEED).random(200) < 0.3])

    def calm(*cuts: int) -> tuple[list[int], Any]:
        found = Correlation()
        points = [int(one) for part in np.split(values, cuts) for one in found.add(part, 250)]
        return points, found.state()

    assert calm(*sorted(cuts)) == calm()
    assert all(one >= 250 and by_numpy(values[:one].astype(float)) <= LARGEST_CORRELATION for one in calm()[0])


def test_pairs_that_are_all_the_same_are_no_burst() -> None:
    for value in (0.0, 0.3, 1.0):
        found = Correlation()
        assert found.add(np.full(256, value), 1).tolist() == [200, 208, 224, 240, 256]
        assert found.value is None
        assert not found.is_high


# The detector


def test_the_detector_is_its_recursion() -> None:
    values = np.random.default_rng(SEED).random(1_500) < 0.05
    design = divergence_design(TAU)
    wealth = factors(Side.ABOVE, design.above, values.astype(float), TAU)
    sums, alarm = np.zeros(len(design.above.sizes)), None
    for number, factor in enumerate(wealth, start=1):
        sums = (sums + 1) * factor
        if alarm is None and sums @ np.array(design.above.weights) >= 20_000 / 0.05:
            alarm = number
    detector = ChangeDetector(design, 0.05, 20_000)
    assert detector.add(values) == alarm
    assert alarm is not None


@given(st.lists(st.integers(0, 900), max_size=7), st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_detector_is_the_same_however_pairs_are_batched(cuts: list[int], seed: int) -> None:
    values = np.random.default_rng(seed).random(900) < np.repeat([0.005, 0.1], 450)

    def folded(*cuts: int) -> dict[str, Any]:
        detector = ChangeDetector(divergence_design(TAU), 0.05, 20_000)
        for part in np.split(values, cuts):
            detector.add(part)
        again = ChangeDetector(divergence_design(TAU), 0.05, 20_000)
        again.restore(detector.state())
        return again.state()

    assert folded(*sorted(cuts)) == folded()


def test_a_break_after_a_good_start_is_seen_soon() -> None:
    delays = []
    for seed in range(12):
        chance = np.random.default_rng(seed)
        detector = ChangeDetector(divergence_design(TAU), 0.05, 20_000)
        detector.add(chance.random(5_000) < TAU / 4)
        detector.add(chance.random(3_000) < 3 * TAU)
        assert detector.alarmed is not None
        delays.append(detector.alarmed - 5_000)
    assert 150 < float(np.median(delays)) < 500


def test_each_recorded_restart_has_half_the_error_of_the_one_before() -> None:
    assert [restart_alpha(0.05, one) for one in (0, 1, 2)] == [0.05, 0.025, 0.0125]
    with pytest.raises(BadInput):
        restart_alpha(0.05, -1)
