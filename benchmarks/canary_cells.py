"""Cells of the tables on canary errors: shares with their intervals, and when a share of streams was decided."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats


def share_of(at: np.ndarray) -> float:
    """The share of streams that ever had it."""
    return float(np.isfinite(at).mean())


def false_cell(at: np.ndarray) -> str:
    """That share with its exact binomial 95 % interval (Clopper-Pearson)."""
    wrong, count = int(np.isfinite(at).sum()), len(at)
    low = stats.beta.ppf(0.025, wrong, count - wrong + 1) if wrong else 0.0
    high = stats.beta.ppf(0.975, wrong + 1, count - wrong) if wrong < count else 1.0
    return f"{100 * wrong / count:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def quantile(at: np.ndarray, share: float) -> float:
    """The number of pairs by which this share of streams had it; infinity where fewer ever did."""
    return float(np.sort(at)[max(0, math.ceil(share * len(at)) - 1)])


def when_cell(at: np.ndarray) -> str:
    """Median and 90 %."""
    ends = [quantile(at, share) for share in (0.5, 0.9)]
    return " / ".join("never" if math.isinf(one) else f"{one:.0f}" for one in ends)
