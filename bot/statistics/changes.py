"""Candidate minus incumbent on the same rows: the change of a metric with a paired interval.

Shares of the same rows (accuracy, recall): Bonett and Price. AUC: DeLong. All else: the row-wise differences of
influence, for precision and F1 with two rows added as Bonett and Price do, for errors by Student. Where no error
differs at all, at most the share q = 1 - (alpha/2)^(1/n) of rows could differ unseen, and the interval is q times the
furthest that one row can move the metric.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.statistics import influence, metrics
from bot.statistics.answers import codes, numbers, positives, same_length
from bot.statistics.estimates import CONFIDENCE, Estimate, Measured, Unknown, paired_shares, z_of
from bot.statistics.influence import Influence

Column = Sequence[Any]
Floats = NDArray[np.float64]


def accuracy(labels: Column, before: Column, now: Column, *, confidence: float = CONFIDENCE) -> Measured:
    """Change of the accuracy."""
    was, is_now = (_right(labels, column) for column in (before, now))
    return _paired(was, is_now, confidence)


def recall(
    labels: Column, before: Column, now: Column, *, positive: Any = None, confidence: float = CONFIDENCE
) -> Measured:
    """Change of the recall, over the rows with a positive label."""
    real = positives(labels, positive)
    if not real.any():
        return Unknown("no row has a positive label", len(real))
    was, is_now = (_of_same(labels, column, positive)[real] for column in (before, now))
    return _paired(was, is_now, confidence)


def precision(
    labels: Column, before: Column, now: Column, *, positive: Any = None, confidence: float = CONFIDENCE
) -> Measured:
    """Change of the precision."""
    real = positives(labels, positive)
    sides = [_of_same(labels, column, positive) for column in (before, now)]
    if not all(side.any() for side in sides):
        return Unknown("one side predicts no row positive", len(real))
    was, is_now = (influence.precision(real, side) for side in sides)
    return _moved(was, is_now, confidence)


def f1(
    labels: Column, before: Column, now: Column, *, positive: Any = None, confidence: float = CONFIDENCE
) -> Measured:
    """Change of F1 of the positive class."""
    real = positives(labels, positive)
    sides = [_of_same(labels, column, positive) for column in (before, now)]
    if not all((side | real).any() for side in sides):
        return Unknown("no row is positive, neither by label nor by prediction", len(real))
    was, is_now = (influence.f1(real, side) for side in sides)
    return _moved(was, is_now, confidence)


def f1_macro(labels: Column, before: Column, now: Column, *, confidence: float = CONFIDENCE) -> Measured:
    """Change of the mean F1 over every class that occurs on the side."""
    found: list[Influence] = []
    for column in (before, now):
        truth, said, classes = codes(labels, column)
        if not len(truth):
            return Unknown("there are no rows")
        found.append(influence.macro_f1(truth, said, len(classes)))
    return _moved(found[0], found[1], confidence)


def auc(
    labels: Column, before: Column, now: Column, *, positive: Any = None, confidence: float = CONFIDENCE
) -> Measured:
    """Change of the AUC, by the paired comparison of DeLong, DeLong and Clarke-Pearson (1988)."""
    is_positive, old = metrics.scored(labels, before, positive)
    _, new = metrics.scored(labels, now, positive)
    n, ups = len(old), int(is_positive.sum())
    if min(ups, n - ups) < 2:
        return Unknown("the change of the AUC needs two rows of each class", n)
    was, was_ups, was_downs = influence.placements(is_positive, old)
    value, ups_now, downs_now = influence.placements(is_positive, new)
    moved_up, moved_down = ups_now - was_ups, downs_now - was_downs
    variance = float(moved_up.var(ddof=1)) / ups + float(moved_down.var(ddof=1)) / (n - ups)
    if variance == 0 and value == was:
        return _unmoved(min(ups, n - ups), n, 1.0, confidence)
    half = z_of(confidence) * math.sqrt(variance)
    return _ends(value - was, half, n, "paired DeLong", bound=1.0)


def rmse(labels: Column, before: Column, now: Column, *, confidence: float = CONFIDENCE) -> Measured:
    """Change of the root of the mean squared error."""
    return _moved_by(influence.root_mean_square, labels, before, now, confidence)


def mae(labels: Column, before: Column, now: Column, *, confidence: float = CONFIDENCE) -> Measured:
    """Change of the mean absolute error."""
    return _moved_by(lambda off: influence.mean(np.abs(off)), labels, before, now, confidence)


def r2(labels: Column, before: Column, now: Column, *, confidence: float = CONFIDENCE) -> Measured:
    """Change of the coefficient of determination."""
    truth = numbers(labels, "a label")
    if len(truth) < 2 or float(truth.var()) == 0:
        return Unknown("R² needs labels that vary", len(truth))
    return _moved_by(lambda off: influence.determination(truth, off), labels, before, now, confidence)


def log_loss(
    labels: Column, before: Column, now: Column, *, positive: Any = None, confidence: float = CONFIDENCE
) -> Measured:
    """Change of the log loss."""
    was, is_now = (influence.mean(metrics.surprises(labels, side, positive)) for side in (before, now))
    return _moved(was, is_now, confidence)


def brier(
    labels: Column, before: Column, now: Column, *, positive: Any = None, confidence: float = CONFIDENCE
) -> Measured:
    """Change of the Brier score."""
    was, is_now = (influence.mean(metrics.distances(labels, side, positive) ** 2) for side in (before, now))
    return _moved(was, is_now, confidence)


def _right(labels: Column, column: Column) -> NDArray[np.bool_]:
    truth, said, _ = codes(labels, column)
    right: NDArray[np.bool_] = truth == said
    return right


def _of_same(labels: Column, column: Column, positive: Any) -> NDArray[np.bool_]:
    same_length(labels, column)
    return positives(column, positive)


def _paired(was: NDArray[np.bool_], is_now: NDArray[np.bool_], confidence: float) -> Measured:
    return paired_shares(int((is_now & ~was).sum()), int((was & ~is_now).sum()), len(was), confidence=confidence)


def _moved_by(
    measure: Callable[[Floats], Influence], labels: Column, before: Column, now: Column, confidence: float
) -> Measured:
    was, is_now = (metrics.errors(labels, column) for column in (before, now))
    if not len(was):
        return Unknown("there are no rows")
    return _moved(measure(was), measure(is_now), confidence)


def _moved(was: Influence, is_now: Influence, confidence: float) -> Measured:
    from scipy.stats import t

    moved, value = is_now.rows - was.rows, is_now.value - was.value
    n = len(moved)
    if n < 2:
        return Unknown("a change with an interval needs two rows", n)
    if was.furthest is not None and is_now.furthest is not None:
        return _of_classes(moved, value, max(was.furthest, is_now.furthest), confidence)
    error = float(moved.std(ddof=1)) / math.sqrt(n)
    if error == 0 and value == 0:
        return _unmoved(n, n, float(np.ptp(was.rows)), confidence)
    return _ends(value, float(t.ppf((1 + confidence) / 2, n - 1)) * error, n, "paired, delta method")


def _of_classes(moved: Floats, value: float, furthest: float, confidence: float) -> Estimate:
    """Two rows are added that jump as far as a row can, one each way: for the accuracy this is Bonett and Price."""
    n = len(moved)
    middle = value * n / (n + 2)
    square = (float(((moved + value) ** 2).sum()) + 2 * furthest**2) / (n + 2) - middle**2
    half = z_of(confidence) * math.sqrt(max(0.0, square) / (n + 2))
    low, high = min(value, max(-1.0, middle - half)), max(value, min(1.0, middle + half))
    return Estimate(value, low, high, n, "paired, delta method, two rows added")


def _unmoved(chances: int, n: int, furthest: float, confidence: float) -> Estimate:
    unseen = 1 - ((1 - confidence) / 2) ** (1 / chances)
    return _ends(0.0, unseen * furthest, n, "no row differs: share that could, unseen")


def _ends(value: float, half: float, n: int, method: str, *, bound: float = math.inf) -> Estimate:
    return Estimate(value, max(-bound, value - half), min(bound, value + half), n, method)
