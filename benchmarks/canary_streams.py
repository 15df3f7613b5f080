"""Simulated pairs whose mean divergence is known: classes, scores, heavy tails, bursts and autocorrelated scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from scipy import integrate, optimize, special, stats

from bot.statistics.pairs import Pairs
from bot.statistics.rule import ComparisonRule, Output

TAU = 0.02
BLOCK = 500

Draw = Callable[[np.random.Generator, int, int, float], np.ndarray]
"""Divergences of shape (streams, pairs) with this mean."""


def classes(chance: np.random.Generator, streams: int, pairs: int, mean: float) -> np.ndarray:
    """Independent 0 and 1."""
    return (chance.random((streams, pairs)) < mean) * 1.0


def scores(size: float) -> Draw:
    """Independent Beta(size mean, size (1 - mean))."""

    def draw(chance: np.random.Generator, streams: int, pairs: int, mean: float) -> np.ndarray:
        return chance.beta(size * mean, size * (1 - mean), (streams, pairs))

    return draw


def heavy(chance: np.random.Generator, streams: int, pairs: int, mean: float) -> np.ndarray:
    """Graded differences of numbers, candidate = incumbent exp(s t), t of Student with 2 degrees: |tanh(s t / 2)|."""
    found = np.abs(np.tanh(spread_for(mean) / 2 * chance.standard_t(2, (streams, pairs))))
    return np.minimum(found, 1 - 1e-12)  # a ratio that a float holds


@lru_cache(maxsize=32)
def spread_for(mean: float) -> float:
    """The spread at which the graded difference has this mean, by quadrature."""

    def excess(spread: float) -> float:
        whole = integrate.quad(lambda t: np.tanh(spread * t / 2) * stats.t.pdf(t, 2), 0, np.inf, limit=400)[0]
        return 2 * whole - mean

    return float(optimize.brentq(excess, 1e-6, 10, xtol=1e-12))


def bursts(run: float) -> Draw:
    """A two-state chain of 0 and 1 whose runs of ones have this mean length."""

    def draw(chance: np.random.Generator, streams: int, pairs: int, mean: float) -> np.ndarray:
        leave, enter = 1 / run, mean / (1 - mean) / run
        values = np.zeros((pairs, streams))
        state = chance.random(streams) < mean
        for at in range(pairs):
            values[at] = state
            state = np.where(state, chance.random(streams) >= leave, chance.random(streams) < enter)
        return np.ascontiguousarray(values.T)

    return draw


def autocorrelated(strength: float) -> Draw:
    """Beta(10) scores whose normal scores follow an autoregression of this strength."""

    def draw(chance: np.random.Generator, streams: int, pairs: int, mean: float) -> np.ndarray:
        noise = chance.standard_normal((pairs, streams))
        for at in range(1, pairs):
            noise[at] = strength * noise[at - 1] + np.sqrt(1 - strength**2) * noise[at]
        grid = np.linspace(-6, 6, 4_001)
        quantiles = special.betaincinv(10 * mean, 10 * (1 - mean), special.ndtr(grid))
        return np.interp(noise.T, grid, quantiles)

    return draw


def blocks(draw: Draw, streams: int, pairs: int, mean: float, seed: tuple[int, ...]) -> Iterator[np.ndarray]:
    """All streams, five hundred at a time, each block from its own seed."""
    for start in range(0, streams, BLOCK):
        yield draw(np.random.default_rng([*seed, start]), min(BLOCK, streams - start), pairs, mean)


def as_pairs(values: np.ndarray, output: Output, chance: np.random.Generator) -> Pairs:
    """Answers of both versions that diverge by `values`: classes, scores, or numbers compared by grade."""
    count = len(values)
    none, empty = np.zeros(count, dtype=np.bool_), np.zeros(0)
    if output is Output.CLASSES:
        one = chance.integers(0, 10, count)
        two = np.where(values > 0, (one + 1) % 10, one)
    elif output is Output.SCORES:
        one = chance.random(count) * (1 - values)
        two = np.minimum(one + values, 1.0)
    else:
        one = chance.lognormal(0, 3, count)
        two = one * (1 + values) / (1 - values)
    return Pairs(_keys(count), one, two, empty, empty, none, none)


@lru_cache(maxsize=8)
def _keys(count: int) -> list[str]:
    return [str(one) for one in range(count)]


def rule(output: Output, **more: object) -> ComparisonRule:
    """The tolerance of the simulation; without `more`, as the formulas stand: no guard, no fewest pairs."""
    plain: dict[str, object] = {"guard": False, "min_pairs": 0, "min_pairs_diverged": 0}
    if output is Output.NUMBERS:
        plain["measure"] = "graded"
    return ComparisonRule(output, TAU, **(plain | more))  # type: ignore[arg-type]
