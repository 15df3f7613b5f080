"""Metrics of a model from raw rows, each with its interval: shares, F1, AUC, errors of numbers, probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.domain.errors import BadInput
from bot.statistics import influence
from bot.statistics.answers import codes, numbers, positives, same_length
from bot.statistics.estimates import CONFIDENCE, Estimate, Measured, Unknown, proportion, z_of

Column = Sequence[Any]
Floats = NDArray[np.float64]
LEAST_PROBABILITY = 1e-15
"""Log loss takes probabilities no nearer to 0 or 1 than this."""


def accuracy(labels: Column, predictions: Column, *, confidence: float = CONFIDENCE) -> Measured:
    """Share of rows whose prediction is the label; Wilson's interval."""
    truth, said, _ = codes(labels, predictions)
    return proportion(int((truth == said).sum()), len(truth), confidence=confidence)


def precision(labels: Column, predictions: Column, *, positive: Any = None, confidence: float = CONFIDENCE) -> Measured:
    """Of the rows predicted positive, the share that is; Wilson's interval given that number."""
    both, called, _ = _counts(labels, predictions, positive)
    return _share(both, called, "no row is predicted positive", confidence)


def recall(labels: Column, predictions: Column, *, positive: Any = None, confidence: float = CONFIDENCE) -> Measured:
    """Of the rows that are positive, the share predicted so; Wilson's interval given that number."""
    both, _, real = _counts(labels, predictions, positive)
    return _share(both, real, "no row has a positive label", confidence)


def f1(labels: Column, predictions: Column, *, positive: Any = None, confidence: float = CONFIDENCE) -> Measured:
    """2TP/(2TP + FP + FN) of the positive class.

    F1 = 2j/(1 + j) where j = TP/(TP + FP + FN) is a share of the rows that are or are called positive: Wilson's
    interval of j, carried over (the indirect Wilson interval of Lam 2023, arXiv 2309.14621).
    """
    both, called, real = _counts(labels, predictions, positive)
    inner = _share(both, called + real - both, "no row is positive, neither by label nor by prediction", confidence)
    if isinstance(inner, Unknown):
        return inner
    low, value, high = (2 * share / (1 + share) for share in (inner.low, inner.value, inner.high))
    return Estimate(value, low, high, len(labels), "Wilson, indirect")


def f1_macro(labels: Column, predictions: Column, *, confidence: float = CONFIDENCE) -> Measured:
    """Mean of F1 over every class that occurs, with the interval of the delta method.

    So Takahashi et al. (2022, Applied Intelligence 52, 4961-4972). Where every row is right that interval has no
    width: then the low end is the mean of the classes' own lower ends.
    """
    truth, said, classes = codes(labels, predictions)
    if not len(truth):
        return Unknown("there are no rows")
    if (truth == said).all():
        lows = [_whole_f1_low(int(count), confidence) for count in np.bincount(truth)]
        return Estimate(1.0, sum(lows) / len(lows), 1.0, len(truth), "Wilson, indirect, mean of classes")
    return _normal(influence.macro_f1(truth, said, len(classes)), confidence, low=0.0, high=1.0)


def auc(labels: Column, scores: Column, *, positive: Any = None, confidence: float = CONFIDENCE) -> Measured:
    """Area under the ROC curve with DeLong's interval, cut at 0 and 1.

    At exactly 0 or 1 that interval has no width. Then m = min(positives, negatives) disjoint pairs were all ordered
    alike, so that the exact (Clopper-Pearson) end (alpha/2)^(1/m) bounds it.
    """
    is_positive, values = scored(labels, scores, positive)
    ups = int(is_positive.sum())
    fewest = min(ups, len(values) - ups)
    if fewest == 0:
        return Unknown("the AUC needs rows of both classes", len(values))
    value, of_ups, of_downs = influence.placements(is_positive, values)
    if value in (0.0, 1.0):
        end = ((1 - confidence) / 2) ** (1 / fewest)
        low, high = (end, 1.0) if value else (0.0, 1 - end)
        return Estimate(value, low, high, len(values), "disjoint pairs, exact")
    if fewest < 2:
        return Unknown("the interval of the AUC needs two rows of each class", len(values))
    variance = float(of_ups.var(ddof=1)) / len(of_ups) + float(of_downs.var(ddof=1)) / len(of_downs)
    half = z_of(confidence) * math.sqrt(variance)
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), len(values), "DeLong")


def rmse(labels: Column, predictions: Column, *, confidence: float = CONFIDENCE) -> Measured:
    """Root of the mean squared error; the roots of the ends of Student's interval of the mean square."""
    square = mean(errors(labels, predictions) ** 2, confidence=confidence)
    if isinstance(square, Unknown):
        return square
    low, value, high = (math.sqrt(max(0.0, one)) for one in (square.low, square.value, square.high))
    return Estimate(value, low, high, square.n, "root of Student's interval of the squares")


def mae(labels: Column, predictions: Column, *, confidence: float = CONFIDENCE) -> Measured:
    """Mean absolute error; Student's interval, cut at 0."""
    return _not_negative(mean(np.abs(errors(labels, predictions)), confidence=confidence))


def r2(labels: Column, predictions: Column, *, confidence: float = CONFIDENCE) -> Measured:
    """Coefficient of determination 1 - SSE/SST; interval by the delta method, cut at 1."""
    truth, off = numbers(labels, "a label"), errors(labels, predictions)
    if len(truth) < 2 or float(truth.var()) == 0:
        return Unknown("R² needs labels that vary", len(truth))
    return _normal(influence.determination(truth, off), confidence, high=1.0)


def log_loss(labels: Column, scores: Column, *, positive: Any = None, confidence: float = CONFIDENCE) -> Measured:
    """Mean of -ln(probability of what was the case); Student's interval, cut at 0."""
    return _not_negative(mean(surprises(labels, scores, positive), confidence=confidence))


def brier(labels: Column, scores: Column, *, positive: Any = None, confidence: float = CONFIDENCE) -> Measured:
    """Mean squared distance of probability and outcome (Brier 1950); Student's interval, cut at 0."""
    return _not_negative(mean(distances(labels, scores, positive) ** 2, confidence=confidence))


def mean(values: Column | Floats, *, confidence: float = CONFIDENCE) -> Measured:
    """Arithmetic mean with Student's interval; it needs two values and trusts n where tails are heavy."""
    from scipy.stats import t

    found = numbers(values, "a value")
    n = len(found)
    if n < 2:
        return Unknown("a mean with an interval needs two values", n)
    value, error = float(found.mean()), float(found.std(ddof=1)) / math.sqrt(n)
    half = float(t.ppf((1 + confidence) / 2, n - 1)) * error
    return Estimate(value, value - half, value + half, n, "Student")


def errors(labels: Column, predictions: Column) -> Floats:
    """prediction - label of each row."""
    same_length(labels, predictions)
    return numbers(predictions, "a prediction") - numbers(labels, "a label")


def scored(labels: Column, scores: Column, positive: Any) -> tuple[NDArray[np.bool_], Floats]:
    """Which rows are positive, and the scores as numbers."""
    same_length(labels, scores)
    return positives(labels, positive), numbers(scores, "a score")


def surprises(labels: Column, scores: Column, positive: Any) -> Floats:
    """-ln(probability of what was the case) of each row."""
    off = np.abs(distances(labels, scores, positive))
    surprise: Floats = -np.log(np.clip(1 - off, LEAST_PROBABILITY, 1.0))
    return surprise


def distances(labels: Column, scores: Column, positive: Any) -> Floats:
    """probability - outcome of each row. BadInput where a score is no probability."""
    is_positive, values = scored(labels, scores, positive)
    if len(values) and (values.min() < 0 or values.max() > 1):
        raise BadInput("A score is no probability", why="it lies outside 0 and 1", next="use the AUC for raw scores")
    return values - is_positive


def _counts(labels: Column, predictions: Column, positive: Any) -> tuple[int, int, int]:
    same_length(labels, predictions)
    real, called = positives(labels, positive), positives(predictions, positive)
    return int((real & called).sum()), int(called.sum()), int(real.sum())


def _share(hits: int, n: int, why_not: str, confidence: float) -> Measured:
    return proportion(hits, n, confidence=confidence) if n else Unknown(why_not)


def _whole_f1_low(count: int, confidence: float) -> float:
    inner = proportion(count, count, confidence=confidence)
    return 2 * inner.low / (1 + inner.low) if isinstance(inner, Estimate) else 0.0


def _normal(
    found: influence.Influence, confidence: float, *, low: float = -math.inf, high: float = math.inf
) -> Estimate:
    n = len(found.rows)
    half = z_of(confidence) * math.sqrt(float((found.rows**2).mean()) / n)
    return Estimate(found.value, max(low, found.value - half), min(high, found.value + half), n, "delta method")


def _not_negative(found: Measured) -> Measured:
    if isinstance(found, Unknown):
        return found
    return Estimate(found.value, max(0.0, found.low), found.high, found.n, found.method)
