"""The simulations behind the report on canary errors: means and runs as claimed, peers that alarm when they should."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks import canary_peers as peers
from benchmarks.canary_cells import false_cell, quantile, when_cell
from benchmarks.canary_errors import DEPENDENT, KINDS, run
from benchmarks.canary_streams import TAU, as_pairs, blocks, bursts, classes, rule, spread_for
from benchmarks.recursion import crossings, when
from bot.statistics.bets import Side
from bot.statistics.comparison import Comparison
from bot.statistics.rule import Output

SEED = 3


@pytest.mark.parametrize("name", [*KINDS, *DEPENDENT])
@pytest.mark.parametrize("mean", [TAU, 3 * TAU])
def test_streams_have_the_mean_that_they_claim(name: str, mean: float) -> None:
    _, draw = (KINDS | DEPENDENT)[name]
    values = draw(np.random.default_rng(SEED), 400, 400, mean)
    assert values.shape == (400, 400)
    assert ((values >= 0) & (values <= 1)).all()
    error = float(values.mean(axis=1).std()) / math.sqrt(400)
    assert abs(float(values.mean()) - mean) < 4.5 * error + 1e-4


def test_runs_of_bursts_are_as_long_as_they_claim() -> None:
    values = bursts(5)(np.random.default_rng(SEED), 200, 2_000, 0.1)
    starts = (values[:, 1:] == 1) & (values[:, :-1] == 0)
    assert float(values[:, 1:].sum() / starts.sum()) == pytest.approx(5, rel=0.05)


def test_the_spread_of_heavy_tails_is_found_by_quadrature() -> None:
    chance = np.random.default_rng(SEED).standard_t(2, 2_000_000)
    assert float(np.abs(np.tanh(spread_for(TAU) / 2 * chance)).mean()) == pytest.approx(TAU, rel=0.01)


@pytest.mark.parametrize(("name", "output"), [(name, setting[0]) for name, setting in KINDS.items()])
def test_answers_diverge_as_they_were_told(name: str, output: Output) -> None:
    values = KINDS[name][1](np.random.default_rng(SEED), 1, 500, TAU)[0]
    comparison = Comparison(rule(output))
    comparison.fold(as_pairs(values, output, np.random.default_rng(SEED)))
    assert comparison.standing().estimate == pytest.approx(float(values.mean()), abs=1e-6)
    assert comparison.standing().refused == {}


def test_blocks_of_streams_come_again_from_their_seed() -> None:
    one, two = (np.concatenate(list(blocks(classes, 700, 20, 0.5, (SEED, 1)))) for _ in range(2))
    assert one.shape == (700, 20)
    assert (one == two).all()
    assert (one[:200] != one[500:]).any()


def test_simulated_verdicts_come_when_the_recursion_says() -> None:
    found = run(KINDS["classes 0/1"], 5 * TAU, 300, 400, rule(Output.CLASSES), (SEED,))
    chances = crossings(Side.ABOVE, TAU, 5 * TAU, 400)
    for share in (0.25, 0.5, 0.75):
        ever = float((found.diverged <= when(chances, share)).mean())
        assert ever == pytest.approx(float(chances[when(chances, share) - 1]), abs=0.1)


def test_a_repeated_z_test_alarms_where_a_single_one_would() -> None:
    values = np.tile([[0.0] * 9 + [1.0]], 40)
    above, below = peers.z_test(values, 0.02)
    assert (above.tolist(), below.tolist()) == ([200], [math.inf])
    above, below = peers.binomial(np.zeros((1, 400)), 0.02)
    assert (above.tolist(), below.tolist()) == ([math.inf], [200])
    above, _ = peers.binomial(values, 0.02)
    assert above.tolist() == [200]


def test_windows_alarm_at_their_end() -> None:
    chance = np.random.default_rng(SEED)
    one, two = chance.random((3, 200)) + np.repeat([0.0, 5.0], 100), chance.random((3, 200))
    p, effect = peers.windows(one, two, per_point=1)
    assert set(effect.tolist()) == {150}
    assert (p <= 150).all()


@pytest.mark.parametrize("test", list(peers.TESTS))
def test_tests_of_two_samples_alarm_at_the_look(test: str) -> None:
    chance = np.random.default_rng(SEED)
    found = peers.two_samples(chance.random((2, 300)) + 1, chance.random((2, 300)), test, every=100)
    assert found.tolist() == [100, 100]


def test_cells_say_never_where_nothing_came() -> None:
    at = np.array([5.0, math.inf, math.inf, 7.0])
    assert when_cell(at) == "7 / never"
    assert quantile(at, 0.5) == 7.0
    assert false_cell(at) == "50.0 % [6.8, 93.2]"
    assert false_cell(np.full(10, math.inf)).startswith("0.0 % [0.0, ")
