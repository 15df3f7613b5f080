"""What stands beside the verdict on divergence: labels, latency, slices and bad candidates in bursts, by simulation."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from benchmarks.canary_cells import false_cell, share_of, when_cell
from benchmarks.canary_errors import PAIRS, run, shipped
from benchmarks.canary_streams import TAU, as_pairs, bursts, rule
from benchmarks.reports import Cell, Goal, Report, Table
from bot.statistics.comparison import Comparison
from bot.statistics.labelled import PairedAccuracy
from bot.statistics.latency import LatencyRatio
from bot.statistics.pairs import Pairs
from bot.statistics.rule import Output

METHOD = """
*Labels*: 6 % of pairs are discordant, a drop of 0.01 is tolerated. *Latency*: log-normal times (sigma 0.7), the 99th
percentile may be 1.2 times the incumbent's; the first 2,000 pairs only set the threshold and are counted. *Slices*: 20
of equal traffic, classes, tolerance 0.02. *Bursts*: mean run 5, with the guard. Looked at after every pair, 20,000 at
most; each verdict at 5 %. False verdicts with exact binomial 95 % intervals; pairs at the verdict as median / 90 %.
"""
NAMES = tuple(f"slice-{one}" for one in range(20))


def measure(*, quick: bool, seed: int) -> Report:
    """One table; a minute of one core, `--quick` some seconds."""
    report = Report("canary_beside", "Canary figures beside divergence: how often wrong, how soon", METHOD, seed)
    streams = 20 if quick else 1_000
    rows: list[tuple[Cell, ...]] = []
    for row, false in (*_labels(streams, seed), *_latency(streams, seed), *_slices(streams // 4, seed)):
        rows.append(row)
        if false is not None:
            report.goals.append(Goal(f"false `{row[1]}`, {row[0]}", share_of(false), allowed(len(false)), "of streams"))
    found = run((Output.CLASSES, bursts(5)), 3 * TAU, streams // 4, 10_000, shipped(Output.CLASSES), (seed, 4))
    rows.append(
        ("bursts of 5, with the guard", "diverged", streams // 4, "–", "3 x tolerance", when_cell(found.diverged))
    )
    columns = ("what", "verdict", "streams", "false, at the tolerance", "truth", "at pair")
    report.tables.append(Table("Labels, latency, slices, bursts", columns, tuple(rows)))
    report.notes.append("a goal allows what a method with exactly 5 % passes with 99 %")
    return report


def allowed(streams: int) -> float:
    """The share that a method with exactly 5 % of false verdicts exceeds in 1 % of simulations."""
    return float(stats.binom.ppf(0.99, streams, 0.05)) / streams


Row = tuple[tuple[Cell, ...], np.ndarray | None]


def _labels(streams: int, seed: int) -> list[Row]:
    def judged(drop: float, pairs: int) -> tuple[np.ndarray, np.ndarray]:
        ends = []
        for one in range(streams):
            test = PairedAccuracy(0.01, 0.05)
            draw = np.random.default_rng([seed, 1, int(1_000 * drop), one]).random(pairs)
            incumbent_only, candidate_only = (0.06 + drop) / 2, (0.06 - drop) / 2
            test.add(draw < 0.8 + incumbent_only, (draw < 0.8) | ((draw >= 0.9) & (draw < 0.9 + candidate_only)))
            ends.append((test.stream.above.crossed or math.inf, test.stream.below.crossed or math.inf))
        return tuple(np.array(side) for side in zip(*ends, strict=True))  # type: ignore[return-value]

    worse, fine = judged(0.01, PAIRS)
    return [
        (("accuracy", "worse", streams, false_cell(worse), "a drop of 0.05", when_cell(judged(0.05, 6_000)[0])), worse),
        (("accuracy", "not worse", streams, false_cell(fine), "no drop", when_cell(judged(0.0, PAIRS)[1])), fine),
    ]


def _latency(streams: int, seed: int) -> list[Row]:
    def judged(ratio: float, pairs: int) -> tuple[np.ndarray, np.ndarray]:
        ends = []
        for one in range(streams):
            test = LatencyRatio(1.2, 0.99, 0.05)
            chance = np.random.default_rng([seed, 2, int(100 * ratio), one])
            test.add(chance.lognormal(3, 0.7, pairs), ratio * chance.lognormal(3, 0.7, pairs))
            crossed = (test.stream.above.crossed, test.stream.below.crossed)
            ends.append([math.inf if at is None else at + 2_000 for at in crossed])
        return tuple(np.array(side) for side in zip(*ends, strict=True))  # type: ignore[return-value]

    slower, fine = judged(1.2, PAIRS)
    return [
        (("latency", "slower", streams, false_cell(slower), "twice as slow", when_cell(judged(2.0, 8_000)[0])), slower),
        (("latency", "not slower", streams, false_cell(fine), "no change", when_cell(judged(1.0, PAIRS)[1])), fine),
    ]


def _slices(streams: int, seed: int) -> list[Row]:
    def judged(rates: list[float], fixed: tuple[str, ...], key: int) -> np.ndarray:
        at = []
        for one in range(streams):
            chance = np.random.default_rng([seed, 3, key, one])
            which = chance.integers(0, len(NAMES), PAIRS)
            plain = as_pairs((chance.random(PAIRS) < np.array(rates)[which]) * 1.0, Output.CLASSES, chance)
            names = [NAMES[place] for place in which.tolist()]
            comparison = Comparison(rule(Output.CLASSES, slices=True, expected_slices=fixed))
            comparison.fold(Pairs(**{**vars(plain), "slices": names}))
            at.append(comparison.phase.diverged_at or math.inf)
        return np.array(at)

    rows: list[Row] = []
    for words, fixed in (("20 slices, named beforehand", NAMES), ("20 slices, as they appear", ())):
        false = judged([TAU] * 20, fixed, 0)
        bad = judged([5 * TAU, *[TAU / 2] * 19], fixed, 1)
        every = judged([3 * TAU] * 20, fixed, 2)
        rows.append(
            ((words, "diverged", streams, false_cell(false), "one at 5 x, the rest half", when_cell(bad)), false)
        )
        rows.append(((words, "diverged", streams, "as above", "all at 3 x", when_cell(every)), None))
    return rows
