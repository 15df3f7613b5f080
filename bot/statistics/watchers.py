"""What looks odd beside the divergence: unseen classes, changed units, constant answers, shifted scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.statistics.cells import ONE, exact_sum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Column = Sequence[Any] | NDArray[Any]

MOST_CLASSES = 10_000
SMALL_RANGE = 65_536
FEWEST = 30
RATIOS = (60.0, 100.0, 1000.0, 3600.0, 1e6)


class UnseenClasses:
    """Pairs in which the candidate named a class that the incumbent had not named up to and with that pair.

    Past 10,000 different classes nothing more is learnt, and `is_full` says so."""

    def __init__(self) -> None:
        self.seen: set[Any] = set()
        self.count = 0

    @property
    def is_full(self) -> bool:
        """Whether there are more classes than are kept."""
        return len(self.seen) >= MOST_CLASSES

    def add(self, incumbent: Column, candidate: Column, differs: NDArray[np.bool_]) -> None:
        """Columns of pairs in which both answered, and which of them differ."""
        if self.is_full:
            return
        fresh = _distinct(incumbent) - self.seen
        at = np.flatnonzero(differs)
        odd: dict[Any, list[int]] = {}
        for where, one in zip(at.tolist(), _at(candidate, at), strict=True):
            if one not in self.seen:
                odd.setdefault(one, []).append(where)
        if odd:
            listed = incumbent.tolist() if isinstance(incumbent, np.ndarray) else list(incumbent)
            for one, places in odd.items():
                first = listed.index(one) if one in fresh else len(listed)
                self.count += sum(where < first for where in places)
        if fresh:
            room = MOST_CLASSES - len(self.seen)
            order = list(dict.fromkeys(one for one in _at(incumbent, np.arange(len(incumbent))) if one in fresh))
            self.seen.update(order[:room])

    def state(self) -> Any:
        """Everything, as JSON values."""
        return [sorted(self.seen, key=repr), self.count]

    def restore(self, state: Any) -> None:
        """Take over what `state` gave."""
        self.seen, self.count = set(state[0]), state[1]


def _distinct(column: Column) -> set[Any]:
    if isinstance(column, np.ndarray) and column.dtype.kind in "iub" and len(column):
        if column.dtype.kind == "b":
            return set(np.unique(column).tolist())
        least, most = int(column.min()), int(column.max())
        if most - least < SMALL_RANGE:
            counts = np.bincount((column.astype(np.int64) - least).astype(np.int64))
            return {int(one) + least for one in np.flatnonzero(counts)}
    return set(column.tolist() if isinstance(column, np.ndarray) else column)


def _at(column: Column, places: NDArray[Any]) -> list[Any]:
    if isinstance(column, np.ndarray):
        found: list[Any] = column[places].tolist()
        return found
    return [column[where] for where in places.tolist()]


class ChangedUnits:
    """How many ratios of two numbers lie near 60, 100, 1,000, 3,600 or a million, or one over these.

    Milliseconds against seconds, seconds against minutes, per cent against shares. `width`: how near, as a factor."""

    def __init__(self, width: float, ratios: tuple[float, ...] = RATIOS) -> None:
        self.width, self.ratios = math.log(width), ratios
        self.compared = 0
        self.near = [0] * (2 * len(ratios))

    def add(self, incumbent: Floats, candidate: Floats) -> None:
        """Finite numbers, pair by pair."""
        one, two = np.abs(incumbent), np.abs(candidate)
        least = min(self.ratios) / math.exp(self.width) / 2
        both = (one > 0) & (two > 0)
        self.compared += int(np.count_nonzero(both))
        far = both & ((two / least > one) | (one / least > two))
        if not far.any():
            return
        logs = np.log(two[far]) - np.log(one[far])
        for index, ratio in enumerate(self.ratios):
            wanted = math.log(ratio)
            self.near[2 * index] += int(np.count_nonzero(np.abs(logs - wanted) <= self.width))
            self.near[2 * index + 1] += int(np.count_nonzero(np.abs(logs + wanted) <= self.width))

    @property
    def factor(self) -> float | None:
        """What most candidate answers seem to be multiplied by, None where they are not."""
        most = max(self.near)
        if self.compared < FEWEST or 2 * most <= self.compared:
            return None
        index = self.near.index(most)
        ratio = self.ratios[index // 2]
        return 1 / ratio if index % 2 else ratio

    def state(self) -> Any:
        """Everything but the settings, as JSON values."""
        return [self.compared, self.near]

    def restore(self, state: Any) -> None:
        """Take over what `state` gave."""
        self.compared, self.near = state[0], list(state[1])

    def merge(self, other: ChangedUnits) -> None:
        """Take over what another saw."""
        self.compared += other.compared
        self.near = [one + two for one, two in zip(self.near, other.near, strict=True)]


class Constant:
    """Whether a column has said one thing only."""

    def __init__(self) -> None:
        self.count = 0
        self.value: Any = None
        self.is_constant = True

    def add(self, column: Column) -> None:
        """Text or numbers."""
        if not len(column):
            return
        if not self.count:
            self.value = _at(column, np.arange(1))[0]
        self.count += len(column)
        if not self.is_constant:
            return
        if isinstance(column, np.ndarray):
            self.is_constant = bool((column == self.value).all())
        else:
            self.is_constant = column.count(self.value) == len(column)

    def state(self) -> Any:
        """Everything, as JSON values."""
        return [self.count, self.value, self.is_constant]

    def restore(self, state: Any) -> None:
        """Take over what `state` gave."""
        self.count, self.value, self.is_constant = state

    def merge(self, other: Constant) -> None:
        """Take over what another saw."""
        if other.count:
            same = self.is_constant and other.is_constant and (not self.count or self.value == other.value)
            self.value = self.value if self.count else other.value
            self.count, self.is_constant = self.count + other.count, same


class Shift:
    """The mean of candidate minus incumbent scores: how calibration moved, with its sign."""

    def __init__(self) -> None:
        self.count = self.total = 0

    def add(self, incumbent: Floats, candidate: Floats) -> None:
        """Scores in [0, 1]."""
        self.count += len(incumbent)
        self.total += exact_sum(candidate - incumbent)

    @property
    def value(self) -> float | None:
        """None before the first pair."""
        return self.total / ONE / self.count if self.count else None

    def state(self) -> Any:
        """Everything, as JSON values."""
        return [self.count, self.total]

    def restore(self, state: Any) -> None:
        """Take over what `state` gave."""
        self.count, self.total = state

    def merge(self, other: Shift) -> None:
        """Take over what another saw."""
        self.count, self.total = self.count + other.count, self.total + other.total
