"""Streams of divergences: the same in every batch and order, exact in their counts, honest in their intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.errors import BadInput
from bot.statistics import packing
from bot.statistics.bets import Side, factors
from bot.statistics.cells import ONE, exact_sum, grid
from bot.statistics.histogram import HistogramStream, difference_design, divergence_design, next_look
from bot.statistics.interval import lower_end, upper_end

TAU = 0.02
SEED = 7


def a_stream(alpha: float = 0.05, tolerance: float = TAU) -> HistogramStream:
    return HistogramStream(divergence_design(tolerance), alpha, alpha)


def folded(values: np.ndarray, *cuts: int, alpha: float = 0.05) -> HistogramStream:
    stream = a_stream(alpha)
    for part in np.split(values, cuts):
        stream.add(part)
    return stream


def values_of(kind: str, count: int, mean: float, seed: int) -> np.ndarray:
    chance = np.random.default_rng(seed)
    if kind == "classes":
        return chance.random(count) < mean
    size = 10 if kind == "scores" else 100
    return chance.beta(size * mean, size * (1 - mean), count)


KINDS = st.sampled_from(["classes", "scores", "narrow"])
MEANS = st.sampled_from([0.004, 0.01, 0.02, 0.03, 0.06, 0.3])


@settings(max_examples=40, deadline=None)
@given(KINDS, MEANS, st.integers(0, 10**6), st.lists(st.integers(0, 3000), max_size=8))
def test_a_stream_is_the_same_however_it_is_batched(kind: str, mean: float, seed: int, cuts: list[int]) -> None:
    values = values_of(kind, 3_000, mean, seed)
    assert folded(values, *sorted(cuts)).state() == folded(values).state()


@settings(max_examples=12, deadline=None)
@given(KINDS, MEANS, st.integers(0, 10**6))
def test_a_batch_is_the_same_as_one_pair_after_the_other(kind: str, mean: float, seed: int) -> None:
    values = values_of(kind, 400, mean, seed)
    assert folded(values, *range(1, 400)).state() == folded(values).state()


@settings(max_examples=25, deadline=None)
@given(KINDS, MEANS, st.integers(0, 10**6))
def test_a_crossing_is_the_very_first_pair_at_which_the_counts_are_past_the_bound(
    kind: str, mean: float, seed: int
) -> None:
    values = values_of(kind, 1_500, mean, seed)
    stream = folded(values)
    cells = stream.cells.cells_of(values)
    counts = np.zeros((1_500, len(stream.cells)))
    counts[np.arange(1_500), cells] = 1
    counts = np.cumsum(counts, axis=0)
    for process in (stream.above, stream.below):
        terms = counts @ process.tables.logs + process.tables.log_weights
        reached = np.flatnonzero(np.logaddexp.reduce(terms, axis=1) >= process.log_bound)
        assert process.crossed == (int(reached[0]) + 1 if len(reached) else None)


@given(KINDS, MEANS, st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_the_evidence_does_not_hang_on_the_order(kind: str, mean: float, seed: int) -> None:
    values = values_of(kind, 500, mean, seed)
    mixed = np.random.default_rng(seed + 1).permutation(values)
    one, two = folded(values), folded(mixed)
    assert (one.above.log_e(), one.below.log_e(), one.total) == (two.above.log_e(), two.below.log_e(), two.total)
    for process in (one.above, one.below, two.above, two.below):
        process.crossed = None  # which hangs on the order, and holds the interval's end at the tolerance
    assert one.interval_now() == two.interval_now()


def test_for_zeros_and_ones_the_evidence_is_that_of_the_formula() -> None:
    values = values_of("classes", 5_000, 0.03, SEED)
    stream = folded(values)
    for side, process in ((Side.ABOVE, stream.above), (Side.BELOW, stream.below)):
        bets = stream.design.bets(side)
        with np.errstate(divide="ignore"):
            wealth = np.log(factors(side, bets, values.astype(float), TAU)).sum(axis=0)
        assert process.log_e() == pytest.approx(np.logaddexp.reduce(wealth + bets.log_weights), abs=1e-9)


def test_for_scores_the_evidence_is_never_more_than_that_of_the_formula() -> None:
    for mean in (0.005, 0.02, 0.06):
        values = values_of("scores", 2_000, mean, SEED)
        stream = folded(values)
        for side, process in ((Side.ABOVE, stream.above), (Side.BELOW, stream.below)):
            bets = stream.design.bets(side)
            wealth = np.log(factors(side, bets, values, TAU)).sum(axis=0)
            assert process.log_e() <= np.logaddexp.reduce(wealth + bets.log_weights) + 1e-9


def test_a_hundred_million_pairs_cost_no_accuracy() -> None:
    """Against exact integers: 98,000,000 zeros and 2,000,000 ones, in a hundred batches of counts."""
    stream = a_stream()
    for process in (stream.above, stream.below):
        for _ in range(100):
            added = np.zeros(len(stream.cells), dtype=np.int64)
            added[0], added[-1] = 980_000, 20_000
            process.counts += added
        bets = stream.design.bets(process.side)
        wealth = []
        for size, weight in zip(bets.sizes, bets.weights, strict=True):
            zero = 1 - size if process.side is Side.ABOVE else 1 - size + size / (1 - TAU)
            one = 1 - size + size / TAU if process.side is Side.ABOVE else 1 - size
            if one == 0:
                continue
            terms = [98_000_000 * math.log(zero), 2_000_000 * math.log(one), math.log(weight)]
            wealth.append(math.fsum(terms))
        truth = max(wealth) + math.log(math.fsum(math.exp(one - max(wealth)) for one in wealth))
        assert process.log_e() == pytest.approx(truth, rel=1e-9)


def test_the_sum_is_exact_whatever_the_number_of_pairs() -> None:
    values = np.array([0.1, 1.0, 0.0, 0.5] * 500_000)
    assert exact_sum(values) == 500_000 * (round(0.1 * ONE) + ONE + ONE // 2)
    assert exact_sum(values > 0.2) == 1_000_000 * ONE


def test_cells_hold_what_lies_between_their_edges() -> None:
    cells = grid("divergence")
    values = np.concatenate([np.random.default_rng(SEED).random(5_000) ** 4, [0.0, 1.0, 5e-324, 1 - 1e-16, 0.25]])
    found = cells.cells_of(values)
    assert (cells.lower[found] <= values).all()
    assert (values <= cells.upper[found]).all()
    assert len(cells) == 1_026
    assert cells.cells_of(np.array([True, False])).tolist() == [1_025, 0]


@settings(max_examples=15, deadline=None)
@given(KINDS, MEANS, st.integers(0, 10**6), st.integers(1, 2_000))
def test_the_interval_and_the_verdict_are_of_one_mind(kind: str, mean: float, seed: int, count: int) -> None:
    stream = folded(values_of(kind, count, mean, seed))
    low, high = stream.interval()
    assert (low >= TAU) == (stream.above.crossed is not None)
    assert (high <= TAU) == (stream.below.crossed is not None)
    if stream.above.crossed is None and stream.below.crossed is None:
        assert low <= stream.estimate <= high


def test_each_end_of_the_interval_is_where_the_evidence_reaches_the_bound() -> None:
    values = values_of("classes", 3_000, 0.1, SEED)
    stream = folded(values)
    for process, end, nudge in (
        (stream.above, lower_end(stream.above), 1e-6),
        (stream.below, upper_end(stream.below), -1e-6),
    ):
        bets = stream.design.bets(process.side)
        for mean, is_out in ((end, True), (end + nudge, False)):
            with np.errstate(divide="ignore"):
                wealth = np.log(factors(process.side, bets, values.astype(float), mean)).sum(axis=0)
            assert (np.logaddexp.reduce(wealth + bets.log_weights) >= process.log_bound - 1e-6) is np.bool_(is_out)


def test_the_running_interval_never_grows() -> None:
    stream, before = a_stream(), (0.0, 1.0)
    for part in np.split(values_of("scores", 8_192, 0.03, SEED), 32):
        stream.add(part)
        assert stream.best_low >= before[0]
        assert stream.best_high <= before[1]
        before = (stream.best_low, stream.best_high)
    assert before[0] > TAU
    assert before[1] < 0.05


def test_an_interval_whose_ends_have_crossed_tells_of_a_change() -> None:
    stream = a_stream()
    stream.add(np.zeros(4_096))
    stream.add(np.ones(4_096))
    low, high = stream.interval()
    assert low > high


def test_a_crossing_stays_when_the_evidence_goes_back() -> None:
    stream = a_stream()
    stream.add(np.ones(64))
    crossed, peak = stream.above.crossed, stream.above.peak
    stream.add(np.zeros(100_000))
    assert stream.above.log_e() < 0
    assert (stream.above.crossed, stream.above.peak) == (crossed, peak)
    assert stream.above.p_value() <= 0.05
    assert stream.interval()[0] >= TAU


def test_the_p_value_is_at_most_alpha_exactly_once_the_bound_was_reached() -> None:
    for seed in range(20):
        stream = folded(values_of("classes", 150, 0.06, seed))
        assert (stream.above.p_value() <= stream.above.alpha) == (stream.above.crossed is not None)


def test_missing_pairs_speak_against_both_verdicts() -> None:
    values = values_of("classes", 400, 0.001, SEED)
    plain, missed = folded(values), a_stream()
    missed.miss(20)
    missed.add(values)
    assert plain.below.crossed is not None
    assert missed.below.crossed is None
    assert missed.above.log_e() < plain.above.log_e()
    assert (missed.count, missed.missing, missed.estimate) == (400, 20, plain.estimate)


def test_a_pair_that_may_be_anything_counts_as_its_worst_for_each_side() -> None:
    known, vague = a_stream(), a_stream()
    known.add(np.zeros(300))
    low = np.zeros(300)
    high = low.copy()
    high[10:20] = 1.0
    vague.add(low, high)
    assert vague.above.log_e() == known.above.log_e()
    other = a_stream()
    other.add(high)
    assert vague.below.log_e() == other.below.log_e()


def test_shards_merge_to_the_stream_of_all_pairs() -> None:
    values = values_of("scores", 6_000, 0.03, SEED)
    parts = [folded(one) for one in np.split(values, [1_000, 2_500])]
    parts[0].miss(5)
    whole = parts[0].merged(parts[1]).merged(parts[2])
    alone = folded(values)
    alone.miss(5)
    assert (whole.count, whole.total, whole.missing) == (alone.count, alone.total, alone.missing)
    assert whole.above.log_e() == alone.above.log_e()
    assert whole.below.log_e() == alone.below.log_e()
    assert whole.above.crossed == 6_000


def test_a_crossing_of_a_shard_is_none_of_the_whole() -> None:
    bad, good = a_stream(), a_stream()
    bad.add(np.ones(5))
    good.add(np.zeros(3_000))
    assert bad.above.crossed is not None
    assert bad.merged(good).above.crossed is None


def test_streams_with_unlike_tests_do_not_merge() -> None:
    with pytest.raises(BadInput, match="unlike"):
        a_stream().merged(a_stream(alpha=0.01))
    with pytest.raises(BadInput, match="unlike"):
        a_stream().merged(a_stream(tolerance=0.03))


def test_a_stream_goes_on_from_its_bytes_as_if_nothing_had_happened() -> None:
    values = values_of("scores", 5_000, 0.021, SEED)
    stream = folded(values[:2_345])
    again = HistogramStream.from_bytes(stream.to_bytes())
    again.add(values[2_345:])
    assert again.state() == folded(values).state()
    assert len(stream.to_bytes()) < 8_000


@pytest.mark.parametrize(
    "data",
    [
        b"", b"ANDS", b"no such state at all", packing.MAGIC + b"garbage", packing.pack("comparison", 1, {}),
        packing.pack("stream", 99, {}), packing.pack("stream", 1, {}), packing.pack("stream", 1, {"design": 3}),
        packing.pack("stream", 1, a_stream().state())[:-9],
        packing.pack("stream", 1, a_stream().state() | {"counts": [[[5_000, 1]], []]}),
        packing.pack("stream", 1, a_stream().state() | {"counts": [[[1, -1]], []]}),
        packing.pack("stream", 1, a_stream().state() | {"alpha": [2, 2]}),
    ],
)  # fmt: skip
def test_bytes_that_are_no_stream_are_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        HistogramStream.from_bytes(data)


@pytest.mark.parametrize("value", [-1e-9, 1 + 1e-9, math.nan, math.inf, -math.inf])
def test_an_observation_that_is_no_divergence_is_refused_and_nothing_folded(value: float) -> None:
    stream = a_stream()
    before = stream.state()
    with pytest.raises(BadInput, match="outside 0 to 1"):
        stream.add(np.array([0.0, value, 0.5]))
    assert stream.state() == before


@pytest.mark.parametrize("alpha", [0.0, 1.0, -1.0, math.nan])
def test_an_error_rate_that_cannot_be_is_refused(alpha: float) -> None:
    with pytest.raises(BadInput, match="error rate"):
        a_stream(alpha)


def test_tiny_and_large_tolerances_work() -> None:
    for tolerance in (1e-6, 1e-4, 0.5, 0.95):
        stream = a_stream(tolerance=tolerance)
        stream.add(np.ones(100))
        assert stream.above.crossed is not None
        stream = a_stream(tolerance=tolerance)
        stream.add(np.zeros(2_000))
        assert (stream.below.crossed is not None) == (tolerance > 1e-3)


def test_differences_are_counted_without_rounding() -> None:
    stream = HistogramStream(difference_design(0.505), 0.05, 0.05)
    stream.add(np.array([0.0, 0.5, 1.0, 0.5]))
    assert stream.above.counts.tolist() == [1.0, 2.0, 1.0]
    assert stream.estimate == 0.5


def test_looks_hang_on_the_number_of_the_pair_alone() -> None:
    assert [next_look(one) for one in (0, 63, 64, 127, 512, 1_023, 1_024, 1_025, 5_000)] == [
        64, 64, 128, 128, 1_024, 1_024, 2_048, 2_048, 5_120,
    ]  # fmt: skip
    assert [next_look(one) for one in (65_535, 65_536, 10**8)] == [65_536, 73_728, 100_663_296]
    count, powers = 0, []
    while count < 2**30:
        count = next_look(count)
        powers += [count] if count & (count - 1) == 0 else []
    assert powers == [2**one for one in range(6, 31)]
