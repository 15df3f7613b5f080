"""How many pairs per second a canary comparison takes on one core, beside the two-sample tests of others."""

from __future__ import annotations

import resource
import time
import warnings
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from scipy import stats

from benchmarks.canary_streams import TAU, as_pairs, classes, rule, scores
from benchmarks.reports import Cell, Goal, Report, Table
from bot.statistics.comparison import Comparison
from bot.statistics.histogram import HistogramStream, divergence_design
from bot.statistics.rule import ComparisonRule, Output

METHOD = f"""
Pairs per second of processor time (all threads of the process counted), the best of several turns, everything in one
run on one machine. *Stream*: divergences in [0, 1] into both tests (`HistogramStream.add`). *Comparison*: the answers
of both versions into everything that a release keeps (`Comparison.fold`): divergence, tests, guard, oddities, keys of
affected pairs. Undecided streams have a mean of exactly the tolerance ({TAU}) and are the worst case. The peers compare
the same scores of both versions as two samples, once; a sequential use would repeat that at each look. Evidently
includes its own tables of the data, which it needs.
"""
BATCHES = (1_000, 100_000)
LIMITS = {1_000: 5.0, 100_000: 10.0}
KINDS = {"classes 0/1": (Output.CLASSES, classes), "scores Beta(10)": (Output.SCORES, scores(10))}


def measure(*, quick: bool, seed: int) -> Report:
    """Both tables; a minute or two of one core, `--quick` some seconds."""
    report = Report("canary_speed", "Canary comparison: pairs per second", METHOD, seed)
    turns, pairs = (2, 200_000) if quick else (5, 1_000_000)
    _own(report, turns, pairs, seed)
    _peers(report, turns, seed, quick=quick)
    _memory(report, 10 if quick else 100, seed)
    report.notes.append(
        "a pair is affected above a divergence of 0.1, so that few keys are named; naming more costs more"
    )
    report.notes.append("answers come as arrays; lists of Python values cost more")
    return report


def at_mean(name: str, pairs: int, factor: float, seed: int) -> np.ndarray:
    """Divergences whose mean is `factor` times the tolerance: for classes exactly, in every 10,000."""
    chance = np.random.default_rng([seed, int(100 * factor)])
    if name != "classes 0/1":
        return KINDS[name][1](chance, 1, pairs, factor * TAU)[0]
    ones = np.zeros((pairs // 10_000, 10_000))
    ones[:, : round(10_000 * factor * TAU)] = 1
    return chance.permuted(ones, axis=1).ravel()


def _own(report: Report, turns: int, pairs: int, seed: int) -> None:
    rows: list[tuple[Cell, ...]] = []
    for name, (output, _) in KINDS.items():
        for label, factor in (("undecided", 1.0), ("equivalent, a quarter", 0.25), ("diverged, 3 x", 3.0)):
            values = at_mean(name, pairs, factor, seed)
            folded = values > 0 if output is Output.CLASSES else values
            for what, run in (("stream", _stream), ("comparison", _comparison)):
                rates = [run(folded, output, batch, turns) for batch in BATCHES]
                rows.append((name, label, what, *(f"{one / 1e6:.1f}" for one in rates)))
                if factor == 1.0:
                    for batch, rate in zip(BATCHES, rates, strict=True):
                        goal = f"{what}, {name}, undecided, batches of {batch:,}"
                        report.goals.append(Goal(goal, rate / 1e6, LIMITS[batch], "M pairs/s", at_most=False))
    columns = ("pairs", "mean divergence", "what", *(f"M pairs/s, batches of {one:,}" for one in BATCHES))
    report.tables.append(Table("This comparison", columns, tuple(rows)))


def _best(turns: int, count: int, once: Callable[[], object]) -> float:
    """Things per second of processor time in the best turn."""
    seconds = []
    for _ in range(turns):
        started = time.process_time()
        once()
        seconds.append(time.process_time() - started)
    return count / max(min(seconds), 1e-9)


def _stream(values: np.ndarray, output: Output, batch: int, turns: int) -> float:  # noqa: ARG001
    parts = np.split(values, range(batch, len(values), batch))

    def once() -> None:
        stream = HistogramStream(divergence_design(TAU), 0.05, 0.05)
        for part in parts:
            stream.add(part)

    return _best(turns, len(values), once)


def _comparison(values: np.ndarray, output: Output, batch: int, turns: int) -> float:
    chance = np.random.default_rng(1)
    parts = [as_pairs(one * 1.0, output, chance) for one in np.split(values, range(batch, len(values), batch))]
    given = ComparisonRule(output, TAU, pair_tolerance=0.1)

    def once() -> None:
        comparison = Comparison(given)
        for part in parts:
            comparison.fold(part)

    return _best(turns, len(values), once)


def _peers(report: Report, turns: int, seed: int, *, quick: bool) -> None:
    rows: list[tuple[Cell, ...]] = []
    arrays = {}
    for batch in BATCHES:
        pairs = as_pairs(at_mean("scores Beta(10)", batch, 1.0, seed), Output.SCORES, np.random.default_rng(seed))
        arrays[batch] = (np.asarray(pairs.incumbent), np.asarray(pairs.candidate))
    tests: dict[str, Callable[[np.ndarray, np.ndarray], object]] = {
        "scipy ks_2samp (asymptotic)": lambda one, two: stats.ks_2samp(one, two, method="asymp"),
        "scipy mannwhitneyu (asymptotic)": lambda one, two: stats.mannwhitneyu(one, two, method="asymptotic"),
        "scipy wilcoxon (asymptotic)": lambda one, two: stats.wilcoxon(one, two, method="asymptotic"),
        "scipy ttest_rel": stats.ttest_rel,
    }
    if _evidently() is None:
        report.notes.append("Evidently is not installed (extra `bench`), so it is not in the table")
    else:
        report.notes.append(f"Evidently {version('evidently')} with pandas {version('pandas')}")
        tests |= {f"Evidently, value drift by {one}": _drift(one) for one in ("ks", "psi", "wasserstein")}
    for name, test in tests.items():
        rates = [
            _best(turns if quick else 3 * turns, batch, lambda t=test, b=batch: t(*arrays[b])) for batch in BATCHES
        ]
        rows.append((name, *(f"{one / 1e6:.2f}" for one in rates)))
    rates = []
    for one, two in arrays.values():
        pairs = as_pairs(np.abs(one - two), Output.SCORES, np.random.default_rng(seed))
        comparison = Comparison(rule(Output.SCORES, pair_tolerance=0.1))
        rates.append(_best(3 * turns, len(one), lambda c=comparison, p=pairs: c.fold(p)))
    rows.append(("this comparison, one more batch", *(f"{one / 1e6:.2f}" for one in rates)))
    columns = ("once over", *(f"M pairs/s, {one:,} pairs" for one in BATCHES))
    report.tables.append(Table("Two-sample tests of others, on the same scores", columns, tuple(rows)))


@lru_cache(maxsize=1)
def _evidently() -> object | None:
    try:
        version("evidently")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import evidently
    except (PackageNotFoundError, ImportError):
        return None
    return evidently


def _drift(method: str) -> Callable[[np.ndarray, np.ndarray], object]:
    def test(one: np.ndarray, two: np.ndarray) -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pandas as pd
            from evidently import DataDefinition, Dataset
            from evidently import Report as Drift
            from evidently.metrics import ValueDrift

            kind = DataDefinition(numerical_columns=["score"])
            sides = [Dataset.from_pandas(pd.DataFrame({"score": side}), data_definition=kind) for side in (two, one)]
            return Drift([ValueDrift(column="score", method=method)]).run(*sides).dict()

    return test


def _memory(report: Report, batches: int, seed: int) -> None:
    parts = [
        as_pairs(at_mean("scores Beta(10)", 100_000, 1.0, seed + one), Output.SCORES, np.random.default_rng(one))
        for one in range(2)
    ]
    comparison = Comparison(ComparisonRule(Output.SCORES, TAU, pair_tolerance=0.1))
    rows: list[tuple[Cell, ...]] = []
    for number in range(1, batches + 1):
        comparison.fold(parts[number % 2])
        if number in (1, batches // 10, batches):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            rows.append((f"{number * 100_000:,}", f"{len(comparison.to_bytes()):,}", f"{peak:.0f}"))
    columns = ("pairs folded", "bytes of stored state", "peak memory of the process so far, MiB")
    report.tables.append(Table("Memory", columns, tuple(rows)))
