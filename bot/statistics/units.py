"""From pairs to observations: each pair by itself, blocks of pairs, or the mean of a session's or user's pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from bot.domain.errors import BadInput
from bot.statistics.cells import ONE, exact, exact_sum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Cells = NDArray[np.int64]

OPEN_UNITS = 1_000
"""How many units may be open at once: the one that was seen first closes when one more appears."""
LARGEST_BLOCK = 1 << 20


@dataclass(frozen=True)
class Observed:
    """Observations that became complete. `ends` are the positions, in the batch, of the pairs that completed them."""

    values: NDArray[np.bool_] | Floats
    ends: Cells
    upper: Floats | None = None
    """The most that each could have been with what is missing; None where nothing is."""


class Units(Protocol):
    """Turns divergences into observations; what is not complete yet waits."""

    def take(self, values: NDArray[np.bool_] | Floats, names: Sequence[str]) -> Observed:
        """Pairs in order, with the names of their units where there are any."""
        ...

    def miss(self, count: int) -> tuple[int, Observed]:
        """Pairs that never came: how many observations of their own they are, and those that they completed."""
        ...

    def close(self) -> Observed:
        """What waits, as observations, where a part of one can be one."""
        ...

    def state(self) -> Any:
        """What waits, as JSON values."""
        ...


def units_of(unit: str | int, state: Any = None) -> Units:
    """`pair`, a number of pairs to a block, or anything else: the mean over pairs of the same name."""
    if unit == "pair":
        return Singles()
    return Blocks(unit, state) if isinstance(unit, int) else Groups(state)


class Singles:
    """Each pair is one observation."""

    def take(self, values: NDArray[np.bool_] | Floats, names: Sequence[str]) -> Observed:  # noqa: ARG002
        """The values as they are."""
        return Observed(values, np.arange(len(values)))

    def miss(self, count: int) -> tuple[int, Observed]:
        """Each is missing by itself."""
        return count, _nothing()

    def close(self) -> Observed:
        """Nothing waits."""
        return _nothing()

    def state(self) -> Any:
        """Nothing waits."""
        return None


class Blocks:
    """The mean of each `size` pairs, counted from the first pair on; sums are exact, so batches do not matter."""

    def __init__(self, size: int, state: Any = None) -> None:
        if not 2 <= size <= LARGEST_BLOCK:
            raise BadInput(f"A block has 2 to {LARGEST_BLOCK} pairs, not {size}")
        self.size = size
        self.total, self.seen, self.missing = state or (0, 0, 0)

    def take(self, values: NDArray[np.bool_] | Floats, names: Sequence[str]) -> Observed:  # noqa: ARG002
        """The blocks that these complete."""
        missing = self.missing
        ends = np.arange(self.size - self.seen - missing - 1, len(values), self.size)
        sums = np.add.reduceat(exact(values), np.concatenate([[0], ends[:-1] + 1])) if len(ends) else _none()
        if len(ends) == 0:
            self.total, self.seen = self.total + exact_sum(values), self.seen + len(values)
            return _nothing()
        sums[0] += self.total
        rest = values[ends[-1] + 1 :]
        self.total, self.seen, self.missing = exact_sum(rest), len(rest), 0
        means = sums / (ONE * self.size)
        if not missing:
            return Observed(means, ends)
        upper = means.copy()
        upper[0] = min(1.0, upper[0] + missing / self.size)
        return Observed(means, ends, upper)

    def miss(self, count: int) -> tuple[int, Observed]:
        """They take places in the blocks: 0 for the test above, 1 for the one below."""
        place = self.size - self.seen - self.missing
        if count < place:
            self.missing += count
            return 0, _nothing()
        first = self.total / (ONE * self.size)
        upper = first + (self.missing + place) / self.size
        whole, self.missing = divmod(count - place, self.size)
        self.total, self.seen = 0, 0
        return whole, Observed(np.array([first]), np.array([0]), np.array([min(1.0, upper)]))

    def close(self) -> Observed:
        """A part of a block is no observation; it goes on waiting."""
        return _nothing()

    def state(self) -> Any:
        """Sum, pairs and missing pairs of the block that is not full."""
        return [self.total, self.seen, self.missing]


class Groups:
    """The mean over the pairs of each name. A unit closes when more than `OPEN_UNITS` are open and it was seen first.

    Memory is bounded by that number. A pair of a unit that has closed opens it anew, as an observation of its own, so
    sessions should be shorter than the traffic of that many others. A pair without a name is a unit by itself.
    """

    def __init__(self, state: Any = None) -> None:
        self.open: dict[str, tuple[int, int]] = {name: (total, seen) for name, total, seen in state or ()}

    def take(self, values: NDArray[np.bool_] | Floats, names: Sequence[str]) -> Observed:
        """The units that close while these are folded, pair by pair."""
        means: list[float] = []
        ends: list[int] = []
        for at, (whole, name) in enumerate(zip(exact(values).tolist(), names or [""] * len(values), strict=True)):
            if not name:
                means.append(whole / ONE)
                ends.append(at)
                continue
            total, seen = self.open.get(name, (0, 0))
            self.open[name] = (total + whole, seen + 1)
            if len(self.open) > OPEN_UNITS:
                oldest = next(iter(self.open))
                means.append(_mean(self.open.pop(oldest)))
                ends.append(at)
        return Observed(np.array(means, dtype=np.float64), np.array(ends, dtype=np.int64))

    def miss(self, count: int) -> tuple[int, Observed]:
        """Nobody knows whose they were: each is an observation of its own, which is the worst."""
        return count, _nothing()

    def close(self) -> Observed:
        """All open units, in the order in which they were first seen."""
        means = [_mean(one) for one in self.open.values()]
        self.open.clear()
        return Observed(np.array(means, dtype=np.float64), np.zeros(len(means), dtype=np.int64))

    def state(self) -> Any:
        """Name, sum and pairs of each open unit."""
        return [[name, total, seen] for name, (total, seen) in self.open.items()]


def _mean(unit: tuple[int, int]) -> float:
    return unit[0] / (ONE * unit[1])


def _none() -> Cells:
    return np.zeros(0, dtype=np.int64)


def _nothing() -> Observed:
    return Observed(np.zeros(0), _none())
