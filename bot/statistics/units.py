"""From pairs to observations: each pair by itself, blocks of pairs, or the mean of a session's or user's pairs."""

from __future__ import annotations

from collections import OrderedDict
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
class Rows:
    """Divergences in order of arrival; a missing pair has 0 here and 1 in `upper`, which is None where none is missing.

    `names` are the units of the rows, empty where they have none."""

    values: NDArray[np.bool_] | Floats
    upper: Floats | None = None
    names: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.values)

    def first(self, count: int) -> Rows:
        """The first so many rows, or all where there are fewer."""
        return Rows(self.values[:count], None if self.upper is None else self.upper[:count], self.names[:count])


@dataclass(frozen=True)
class Observed:
    """Observations that became complete. `ends` are the positions of the rows that completed them."""

    values: NDArray[np.bool_] | Floats
    upper: Floats | None
    ends: Cells


class Units(Protocol):
    """Turns divergences into observations; what is not complete yet waits."""

    def take(self, rows: Rows) -> Observed:
        """The observations that these rows complete."""
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

    def take(self, rows: Rows) -> Observed:
        """The rows as they are."""
        return Observed(rows.values, rows.upper, np.arange(len(rows)))

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
    """The mean of each `size` pairs, counted from the first on, missing ones among them; sums are exact integers."""

    def __init__(self, size: int, state: Any = None) -> None:
        if not 2 <= size <= LARGEST_BLOCK:
            raise BadInput(f"A block has 2 to {LARGEST_BLOCK} pairs, not {size}")
        self.size = size
        start: Sequence[int] = state or (0, 0, 0)
        self.low, self.high, self.seen = start

    def take(self, rows: Rows) -> Observed:
        """The blocks that these rows complete."""
        ends = np.arange(self.size - self.seen - 1, len(rows), self.size)
        has_missing = rows.upper is not None or self.high != self.low
        low, self.low = self._means(rows.values, ends, self.low)
        if has_missing:
            high, self.high = self._means(rows.values if rows.upper is None else rows.upper, ends, self.high)
        else:
            high, self.high = low, self.low
        self.seen = (self.seen + len(rows)) % self.size
        return Observed(low, high if has_missing else None, ends)

    def _means(self, values: NDArray[np.bool_] | Floats, ends: Cells, waiting: int) -> tuple[Floats, int]:
        if not len(ends):
            return np.zeros(0), waiting + exact_sum(values)
        starts = np.concatenate([[0], ends[:-1] + 1])
        sums = np.add.reduceat(exact(values[: ends[-1] + 1]), starts)
        sums[0] += waiting
        return sums / (ONE * self.size), exact_sum(values[ends[-1] + 1 :])

    def miss(self, count: int) -> tuple[int, Observed]:
        """They take places in the blocks: 0 for the test above, 1 for the one below."""
        place = self.size - self.seen
        if count < place:
            self.high, self.seen = self.high + count * ONE, self.seen + count
            return 0, _nothing()
        ends = [self.low / (ONE * self.size), (self.high + place * ONE) / (ONE * self.size)]
        whole, self.seen = divmod(count - place, self.size)
        self.low, self.high = 0, self.seen * ONE
        return whole, Observed(np.array(ends[:1]), np.array(ends[1:]), np.zeros(1, dtype=np.int64))

    def close(self) -> Observed:
        """A part of a block is no observation; it goes on waiting."""
        return _nothing()

    def state(self) -> Any:
        """Both sums and the pairs of the block that is not full."""
        return [self.low, self.high, self.seen]


class Groups:
    """The mean over the pairs of each name. A unit closes when more than `OPEN_UNITS` are open and it was seen first.

    Memory is bounded by that number. A pair of a unit that has closed opens it anew, as an observation of its own, so
    sessions should be shorter than the traffic of that many others. A pair without a name is a unit by itself.
    """

    def __init__(self, state: Any = None) -> None:
        self.open: OrderedDict[str, list[int]] = OrderedDict((name, list(rest)) for name, *rest in state or ())

    def take(self, rows: Rows) -> Observed:
        """The units that close while these rows are folded, one by one."""
        closed: list[list[int]] = []
        ends: list[int] = []
        lows = exact(rows.values).tolist()
        highs = lows if rows.upper is None else exact(rows.upper).tolist()
        names = rows.names if len(rows.names) else [""] * len(rows)
        for at, (low, high, name) in enumerate(zip(lows, highs, names, strict=True)):
            unit = self.open.get(name)
            if unit is not None:
                unit[0], unit[1], unit[2] = unit[0] + low, unit[1] + high, unit[2] + 1
                continue
            unit = [low, high, 1]
            if name:
                self.open[name] = unit
                if len(self.open) <= OPEN_UNITS:
                    continue
                unit = self.open.popitem(last=False)[1]
            closed.append(unit)
            ends.append(at)
        return _closed(closed, np.array(ends, dtype=np.int64))

    def miss(self, count: int) -> tuple[int, Observed]:
        """Nobody knows whose they were: each is an observation of its own, which is the worst."""
        return count, _nothing()

    def close(self) -> Observed:
        """All open units, in the order in which they were first seen."""
        closed = list(self.open.values())
        self.open.clear()
        return _closed(closed, np.zeros(len(closed), dtype=np.int64))

    def state(self) -> Any:
        """Name, both sums and pairs of each open unit."""
        return [[name, *rest] for name, rest in self.open.items()]


def _closed(units: list[list[int]], ends: Cells) -> Observed:
    low = np.array([one[0] / (ONE * one[2]) for one in units], dtype=np.float64)
    if all(one[0] == one[1] for one in units):
        return Observed(low, None, ends)
    return Observed(low, np.array([one[1] / (ONE * one[2]) for one in units], dtype=np.float64), ends)


def _nothing() -> Observed:
    return Observed(np.zeros(0), None, np.zeros(0, dtype=np.int64))
