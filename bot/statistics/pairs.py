"""Paired answers as columns: what incumbent and candidate said to the same inputs, joined by key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Pairs:
    """Columns of one length, in order of arrival.

    `incumbent` and `candidate` hold the answers as they were sent (text, numbers, lists; None where that side failed);
    a NumPy array serves where all are of one type. Times are milliseconds, NaN where unknown.
    """

    keys: Sequence[str]
    incumbent: Sequence[Any]
    candidate: Sequence[Any]
    incumbent_ms: NDArray[np.float64]
    candidate_ms: NDArray[np.float64]
    incumbent_failed: NDArray[np.bool_]
    """The incumbent gave no answer: the pair says nothing of divergence."""
    candidate_failed: NDArray[np.bool_]
    """The candidate gave no answer, or an error: divergence 1, and counted on its own."""
    labels: Sequence[Any] = ()
    """The truth where it is known, None where not; empty where no pair has one."""
    slices: Sequence[str] = ()
    """The name of each pair's slice, "" where it names none; empty where no pair names one."""
    units: Sequence[str] = ()
    """Session, user or whatever the policy's `unit` names, "" where absent; empty for single pairs."""
    seen: Sequence[float] = field(default=())
    """When the first half of each was seen, seconds since the epoch; empty where nobody said."""

    def __len__(self) -> int:
        return len(self.keys)
