"""The guard of single pairs: what is plain is said from 30 pairs on, bursts set nothing off, breaks are still seen."""

from __future__ import annotations

import random

import numpy as np
import pytest

from bot.statistics.comparison import Comparison
from bot.statistics.guard import GUARDED_PAIRS, THINNED
from bot.statistics.pairs import Pairs
from bot.statistics.rule import ComparisonRule, Output

RULE = ComparisonRule(Output.CLASSES, 0.02, change_window=20_000)


def pairs(differs: np.ndarray) -> Pairs:
    count = len(differs)
    zeros, times, never = np.zeros(count, dtype=np.int64), np.full(count, np.nan), np.zeros(count, dtype=np.bool_)
    return Pairs([""] * count, zeros, differs.astype(np.int64), times, times, never, never)


def decided(differs: np.ndarray) -> int | None:
    """The pair at which it diverged."""
    comparison = Comparison(RULE)
    comparison.fold(pairs(differs))
    return comparison.phase.diverged_at


def bursts(rng: np.random.Generator, count: int, mean: float, run: float) -> np.ndarray:
    """Ones in runs of this mean length, as a chain of two states, with this mean."""
    stays, begins = 1 - 1 / run, mean / run / (1 - mean)
    draws, out, one = rng.random(count), np.zeros(count, dtype=np.bool_), rng.random() < mean
    for at in range(count):
        one = draws[at] < (stays if one else begins)
        out[at] = one
    return out


@pytest.fixture
def numbers(rng: random.Random) -> np.random.Generator:
    return np.random.default_rng(rng.getrandbits(64))


def test_a_candidate_that_answers_everything_differently_is_diverged_after_30_pairs() -> None:
    assert decided(np.ones(29, dtype=np.bool_)) is None
    assert decided(np.ones(100, dtype=np.bool_)) == 30


def test_one_burst_among_equal_answers_is_no_divergence() -> None:
    for start in range(40):
        differs = np.zeros(GUARDED_PAIRS, dtype=np.bool_)
        differs[start : start + THINNED - 1] = True
        assert decided(differs) is None, start


def test_what_is_let_through_early_is_the_same_in_batches_and_after_the_state_was_kept(
    numbers: np.random.Generator, rng: random.Random
) -> None:
    for _ in range(30):
        differs = numbers.random(300) < 0.25
        comparison, at = Comparison(RULE), 0
        while at < len(differs):
            size = rng.randint(1, 40)
            comparison.fold(pairs(differs[at : at + size]))
            comparison = Comparison.from_bytes(comparison.to_bytes())
            at += size
        assert comparison.phase.diverged_at == decided(differs)


def test_bursts_at_the_tolerance_set_off_neither_the_early_look_nor_the_detector(numbers: np.random.Generator) -> None:
    """Of 80 streams at most 5 % are expected; 11 or more have a chance of 0.3 % if it were 5 %."""
    for run in (1.5, 5):
        false = sum(decided(bursts(numbers, 2000, 0.02, run)) is not None for _ in range(80))
        assert false <= 10, run


def test_a_break_after_a_long_good_start_is_seen_by_blocks(numbers: np.random.Generator) -> None:
    """At five times the tolerance, in each of 20 streams within 1,200 pairs; one test from the start needs 1,376."""
    for _ in range(20):
        found = decided(np.concatenate([numbers.random(5000) < 0.005, numbers.random(1200) < 0.10]))
        assert found is not None
        assert found > 5000
