"""How much each row moves a metric: one array per metric, from which intervals and paired differences follow.

A metric that is a smooth function of means has var(metric) ≈ mean(influence²)/n, and the difference of two metrics over
the same rows the variance of the difference of their influences (Hampel 1974, JASA 69, 383-393; the delta method).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Influence:
    """A metric's value and what each of its n rows contributes; the contributions have mean 0.

    `furthest`: how far one row's contribution can jump when its answer changes, where that is bounded.
    """

    value: float
    rows: Floats
    furthest: float | None = None


def mean(values: Floats) -> Influence:
    """The arithmetic mean."""
    value = float(values.mean())
    return Influence(value, values - value)


def ratio_of_means(above: Floats, below: Floats) -> Influence:
    """mean(above)/mean(below); the mean below must not be 0."""
    middle = float(below.mean())
    value = float(above.mean()) / middle
    return Influence(value, (above - value * below) / middle)


def precision(is_positive: Bools, called: Bools) -> Influence:
    """TP/(TP + FP); at least one row must be called positive."""
    found = ratio_of_means((called & is_positive).astype(np.float64), called.astype(np.float64))
    return Influence(found.value, found.rows, 1 / float(called.mean()))


def f1(is_positive: Bools, called: Bools) -> Influence:
    """2TP/(2TP + FP + FN); at least one row must be positive or called so. The furthest jump is from TP to FN."""
    both = called.astype(np.float64) + is_positive
    found = ratio_of_means(2 * (called & is_positive).astype(np.float64), both)
    return Influence(found.value, found.rows, (2 - found.value) / float(both.mean()))


def root_mean_square(errors: Floats) -> Influence:
    """The root of the mean squared error; 0 influence where every error is 0."""
    squares = mean(errors * errors)
    root = float(np.sqrt(squares.value))
    return Influence(root, squares.rows / (2 * root) if root > 0 else squares.rows)


def determination(truth: Floats, errors: Floats) -> Influence:
    """R² = 1 - mean(errors²)/var(truth); the truth must vary."""
    around = truth - truth.mean()
    share = ratio_of_means(errors * errors, around * around)
    return Influence(1 - share.value, -share.rows)


def macro_f1(labels: Codes, answers: Codes, classes: int) -> Influence:
    """The plain mean of F1 over all classes that occur as a label or as an answer."""
    right = labels == answers
    n = len(labels)
    both = np.bincount(labels, minlength=classes) + np.bincount(answers, minlength=classes)
    hits = np.bincount(labels[right], minlength=classes)
    scores = np.divide(2.0 * hits, both, out=np.zeros(classes), where=both > 0)
    weight = np.divide(float(n), both, out=np.zeros(classes), where=both > 0)
    seen = int((both > 0).sum())
    loss = scores * weight
    rows = (2.0 * right * weight[labels] - loss[labels] - loss[answers]) / seen
    furthest = float(((2 - scores) * weight).max() + loss.max()) / seen
    return Influence(float(scores.sum()) / seen, rows, furthest)


def placements(is_positive: Bools, scores: Floats) -> tuple[float, Floats, Floats]:
    """AUC, and for each positive (negative) the share of the others that it is ordered rightly against; ties half.

    Placements of DeLong, DeLong and Clarke-Pearson (1988, Biometrics 44, 837-845) by mid-ranks (Sun and Xu 2014).
    """
    from scipy.stats import rankdata

    ups, downs = scores[is_positive], scores[~is_positive]
    ranks = rankdata(scores)
    of_ups = (ranks[is_positive] - rankdata(ups)) / len(downs)
    of_downs = 1 - (ranks[~is_positive] - rankdata(downs)) / len(ups)
    return float(of_ups.mean()), of_ups, of_downs
