"""What others do with the same streams: repeated z and binomial tests, Mann-Whitney in windows, scipy at each look."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

NEVER = math.inf
WINDOW = 50
KAYENTA_P = 0.00096
"""One-sided p at which the lower end of a 98 % interval exceeds a quarter of the shift, for a normal approximation."""


def first(reached: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """For each stream (row) the number of pairs at its first alarm, infinity where none."""
    return np.where(reached.any(axis=1), numbers[np.argmax(reached, axis=1)], NEVER)


def z_test(values: np.ndarray, tolerance: float, *, least: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """One-sided z-tests at 5 % after every pair from `least` on: alarms above, and below."""
    count = np.arange(1, values.shape[1] + 1)
    mean = np.cumsum(values, axis=1) / count
    variance = np.maximum(np.cumsum(values**2, axis=1) / count - mean**2, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (mean - tolerance) / np.sqrt(variance / count)
    z, numbers = z[:, least - 1 :], count[least - 1 :]
    bound = stats.norm.ppf(0.95)
    return first(z >= bound, numbers), first(z <= -bound, numbers)


def binomial(values: np.ndarray, tolerance: float, *, least: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """scipy's exact binomial test at 5 % after every pair from `least` on, for 0/1 values: above, and below."""
    count = np.arange(1, values.shape[1] + 1)[least - 1 :]
    ones = np.cumsum(values, axis=1)[:, least - 1 :]
    above = stats.binom.sf(ones - 1, count, tolerance) <= 0.05
    below = stats.binom.cdf(ones, count, tolerance) <= 0.05
    return first(above, count), first(below, count)


def windows(values: np.ndarray, control: np.ndarray, *, per_point: int) -> tuple[np.ndarray, np.ndarray]:
    """Mann-Whitney of 50 points against 50 of a control, window after window, as Kayenta's judge does.

    A point is the mean of `per_point` pairs. First alarms at two-sided p < 0.01, and by the judge's effect rule."""
    size = WINDOW * per_point
    number = values.shape[1] // size
    shape = (len(values), number, WINDOW, per_point)
    one = values[:, : number * size].reshape(shape).mean(axis=3)
    two = control[:, : number * size].reshape(shape).mean(axis=3)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = stats.mannwhitneyu(one, two, alternative="two-sided", method="asymptotic", axis=2).pvalue
        greater = stats.mannwhitneyu(one, two, alternative="greater", method="asymptotic", axis=2).pvalue
    ends = (np.arange(number) + 1) * size
    return first((p < 0.01) & (greater < 0.5), ends), first(greater < KAYENTA_P, ends)


TESTS = {
    "mannwhitneyu": lambda one, two: stats.mannwhitneyu(one, two, method="asymptotic"),
    "ks_2samp": lambda one, two: stats.ks_2samp(one, two, method="asymp"),
    "ttest_rel": stats.ttest_rel,
}


def two_samples(values: np.ndarray, control: np.ndarray, test: str, *, every: int = 1_000) -> np.ndarray:
    """scipy's test of two samples at 5 %, two-sided, on all pairs so far at each 1,000th: first alarms."""
    ends = np.arange(every, values.shape[1] + 1, every)
    reached = np.zeros((len(values), len(ends)), dtype=bool)
    for row, (one, two) in enumerate(zip(values, control, strict=True)):
        for at, end in enumerate(ends):
            reached[row, at] = TESTS[test](one[:end], two[:end]).pvalue < 0.05
            if reached[row, at]:
                break
    return first(reached, ends)
