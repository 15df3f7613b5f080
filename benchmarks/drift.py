"""Drift measures: whether they agree with scipy and Evidently on the same arrays, and what each takes."""

from __future__ import annotations

import importlib
import math
import os
import time
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from scipy import stats
from scipy.spatial import distance

from benchmarks.figures import Spread
from benchmarks.reports import Cell, Goal, Report, Table, spread_table
from bot.statistics.drift import Drift, NumericReference, categorical, numeric

MOST_OFF = 1e-9
MOST_OVER_SCIPY = 1.0
Side = tuple[str, Callable[[], Any]]

METHOD = """
The same arrays go to all, in turns, in one process on one thread of Python. Numbers: a standard normal reference and a
sample shifted by 0.1. Categories: 12 of them, unevenly common, 1 % moved. Ours gives PSI, Kolmogorov-Smirnov,
chi-square and Jensen-Shannon in one call, each with interval and p-value, and the missing, unseen and unit checks; with
a prepared reference (sorted and cut once, as for a reference that stays) and without. scipy: `ks_2samp` (asymptotic),
and over the same decile cells `entropy` both ways, `chi2_contingency` and `jensenshannon`. Evidently: its own functions
for PSI, K-S and Jensen-Shannon (chi-square for categories), with its own cells, without its reports.

Agreement is the largest distance of a value or p-value to that of scipy over 40 pairs of samples of 500 to 5,000. With
Evidently it is of PSI and Jensen-Shannon over categories; over numbers Evidently cuts other cells (Sturges' rule over
both samples), so that its PSI is another figure, shown beside ours.
"""
ABSENT = "Evidently was not installed, so it was not compared: `pip install 'andon[bench]'`"


def measure(*, quick: bool, seed: int) -> Report:
    """Agreement, then speed."""
    os.environ["DO_NOT_TRACK"] = "1"
    report = Report("drift", "Drift measures beside scipy and Evidently", METHOD, seed)
    draws = np.random.default_rng(seed)
    theirs = _evidently()
    _agreement(report, draws, theirs)
    for n in (10_000,) if quick else (10_000, 100_000):
        _speed(report, draws, theirs, n, 3 if quick else 15)
    names = ("numpy", "scipy", "pandas", "evidently")
    report.notes.append("versions: " + ", ".join(f"{name} {_version(name)}" for name in names))
    if theirs is None:
        report.notes.append(ABSENT)
    return report


def _numbers(draws: np.random.Generator, n: int, m: int) -> tuple[Any, Any]:
    return draws.normal(size=n), draws.normal(0.1, 1.0, size=m)


def _categories(draws: np.random.Generator, n: int, m: int) -> tuple[list[str], list[str]]:
    shares = np.arange(12, 0, -1.0)
    shares /= shares.sum()
    moved = shares + np.array([0.01, *[0.0] * 10, -0.01])
    names = np.array([f"category {number}" for number in range(12)])
    return draws.choice(names, n, p=shares).tolist(), draws.choice(names, m, p=moved).tolist()


def _agreement(report: Report, draws: np.random.Generator, theirs: dict[str, Any] | None) -> None:
    off: dict[str, float] = {}
    beside: list[tuple[float, float]] = []
    distance_of_p: list[float] = []

    def note(what: str, left: float | None, right: float) -> None:
        off[what] = max(off.get(what, 0.0), abs((math.nan if left is None else left) - right))

    for _ in range(40):
        n, m = (int(one) for one in draws.integers(500, 5000, size=2))
        was, now = _numbers(draws, n, m)
        ours = numeric("x", was, now)
        _against_scipy(note, ours, was, now)
        before, after = _categories(draws, n, m)
        if theirs:
            told = theirs["categories"](before, after)
            found = categorical("x", before, after)
            for name in ("psi", "jensen_shannon"):
                note(f"Evidently, {name} of categories", found.effects[name].value, told[name])
            told = theirs["numbers"](was, now)
            distance_of_p.append(abs((ours.effects["ks"].p_value or 0.0) - told["ks_p"]))
            beside.append((ours.effects["psi"].value, told["psi"]))
    rows: list[tuple[Cell, ...]] = [(what, f"{largest:.2e}") for what, largest in off.items()]
    report.tables.append(Table("Largest distance", ("to", "of 40 pairs"), tuple(rows)))
    report.goals += [Goal(f"distance to {what}", largest, MOST_OFF, "") for what, largest in off.items()]
    if beside:
        middle = [float(np.median([pair[side] for pair in beside])) for side in (0, 1)]
        report.notes.append(
            "p of K-S: Evidently takes scipy's exact one up to 10,000 rows, ours is its asymptotic one at any size; "
            f"largest distance {max(distance_of_p):.1e}"
        )
        report.notes.append(f"PSI of numbers, median of 40 pairs: ours {middle[0]:.4f}, Evidently {middle[1]:.4f}")


def _against_scipy(note: Callable[[str, float | None, float], None], ours: Drift, was: Any, now: Any) -> None:
    cells = _scipy_cells(was, now)
    q, p = (side / side.sum() for side in cells)
    table = stats.chi2_contingency(np.array(cells), correction=False)
    ks = stats.ks_2samp(was, now, method="asymp")
    unit = 1 / len(was) + 1 / len(now)
    note("scipy, PSI (entropy both ways)", ours.effects["psi"].value, float(stats.entropy(p, q) + stats.entropy(q, p)))
    note("scipy, K-S", ours.effects["ks"].value, float(ks.statistic))
    note("scipy, p of K-S", ours.effects["ks"].p_value, float(ks.pvalue))
    note("scipy, chi-square over n", ours.effects["chi_square"].value ** 2, float(table.statistic) * unit)
    note("scipy, p of chi-square", ours.effects["chi_square"].p_value, float(table.pvalue))
    apart = float(distance.jensenshannon(p, q, base=2))
    note("scipy, Jensen-Shannon", ours.effects["jensen_shannon"].value, apart)


def _scipy_cells(was: Any, now: Any) -> tuple[Any, Any]:
    edges = np.unique(np.quantile(was, np.arange(1, 10) / 10, method="inverted_cdf"))
    bins = np.nextafter(edges, math.inf)  # a value equal to a cut belongs to the cell below it
    return tuple(np.histogram(side, np.concatenate([[-math.inf], bins, [math.inf]]))[0] for side in (was, now))


def _speed(report: Report, draws: np.random.Generator, theirs: dict[str, Any] | None, n: int, rounds: int) -> None:
    was, now = _numbers(draws, n, n)
    kept = NumericReference.of(was)
    sides: list[Side] = [
        ("scipy", lambda: _with_scipy(was, now)),
        ("ours", lambda: numeric("x", was, now)),
        ("ours, prepared reference", lambda: numeric("x", kept, now)),
    ]
    if theirs:
        sides.append(("Evidently", lambda: theirs["numbers"](was, now)))
    spreads = _in_turns(sides, rounds)
    report.tables.append(spread_table(f"A numeric feature, {n:,} rows on each side", spreads))
    found = {name: spread.p50 for name, spread in spreads}
    report.goals.append(
        Goal(f"numbers, {n:,} rows: ours over scipy, p50", found["ours"] / found["scipy"], MOST_OVER_SCIPY)
    )
    if theirs:
        ratio = found["ours"] / found["Evidently"]
        report.goals.append(Goal(f"numbers, {n:,} rows: ours over Evidently, p50", ratio, 1.0))
        before, after = _categories(draws, n, n)
        spreads = _in_turns(
            [
                ("Evidently", lambda: theirs["categories"](before, after)),
                ("ours", lambda: categorical("x", before, after)),
            ],
            rounds,
        )
        report.tables.append(spread_table(f"A categorical feature, {n:,} rows on each side", spreads))
        ratio = spreads[1][1].p50 / spreads[0][1].p50
        report.goals.append(Goal(f"categories, {n:,} rows: ours over Evidently, p50", ratio, 1.0))


def _with_scipy(was: Any, now: Any) -> tuple[float, ...]:
    cells = _scipy_cells(was, now)
    q, p = (side / side.sum() for side in cells)
    return (
        stats.ks_2samp(was, now, method="asymp").pvalue,
        stats.entropy(p, q) + stats.entropy(q, p),
        stats.chi2_contingency(np.array(cells), correction=False).pvalue,
        distance.jensenshannon(p, q, base=2),
    )


def _in_turns(sides: list[Side], rounds: int) -> list[tuple[str, Spread]]:
    seconds: dict[str, list[float]] = {name: [] for name, _ in sides}
    for number in range(rounds + 1):
        for name, call in sides:
            started = time.perf_counter()
            call()
            if number:
                seconds[name].append(time.perf_counter() - started)
    return [(name, Spread.of_seconds(values)) for name, values in seconds.items()]


def _evidently() -> dict[str, Any] | None:
    """Its functions for numbers and for categories, each on plain arrays; None where it cannot be imported."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tests = importlib.import_module("evidently.legacy.calculations.stattests")
            kinds = importlib.import_module("evidently.legacy.core").ColumnType
            pandas = importlib.import_module("pandas")
    except ImportError:
        return None

    def score(name: str, was: Any, now: Any, kind: Any) -> float:
        return float(getattr(tests, name)(was, now, kind, 0.1).drift_score)

    def numbers(was: Any, now: Any) -> dict[str, float]:
        left, right = pandas.Series(was), pandas.Series(now)
        names = {"psi": "psi_stat_test", "ks_p": "ks_stat_test", "jensen_shannon": "jensenshannon_stat_test"}
        return {key: score(name, left, right, kinds.Numerical) for key, name in names.items()}

    def categories(was: Any, now: Any) -> dict[str, float]:
        left, right = pandas.Series(was), pandas.Series(now)
        names = {"psi": "psi_stat_test", "chi_p": "chi_stat_test", "jensen_shannon": "jensenshannon_stat_test"}
        found = {key: score(name, left, right, kinds.Categorical) for key, name in names.items()}
        found["jensen_shannon"] /= math.sqrt(math.log(2))  # to base 2
        return found

    return {"numbers": numbers, "categories": categories}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
