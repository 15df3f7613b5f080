"""A stream behind its unit: pairs go in, observations are tested, and crossings have the number of the pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bot.domain.errors import BadInput
from bot.statistics.detector import ChangeDetector
from bot.statistics.histogram import HistogramStream
from bot.statistics.units import Observed, Rows, units_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bot.statistics.eprocess import Design

    Cells = NDArray[np.int64]


FORGOTTEN = 100_000
"""After so many zeros a detector knows nothing of what was before."""


class Channel:
    """One tested mean over observations. `above_at` and `below_at`: the pair at which each side first crossed.

    A detector of changes may read the same observations; `changed_at` is the pair of its alarm."""

    def __init__(self, design: Design, unit: str | int, alpha_above: float, alpha_below: float) -> None:
        self.detector: ChangeDetector | None = None
        self.changed_at: int | None = None
        self.unit = unit
        self.units = units_of(unit)
        self.stream = HistogramStream(design, alpha_above, alpha_below)
        self.above_at: int | None = None
        self.below_at: int | None = None

    def take(self, rows: Rows, numbers: Cells) -> None:
        """Fold rows; `numbers` are the numbers of their pairs, rising."""
        seen = self.units.take(rows)
        self._observe(seen, numbers[seen.ends])

    def miss(self, count: int, number: int) -> None:
        """Pairs that never came, after the pair of this number."""
        whole, seen = self.units.miss(count)
        self._observe(seen, np.full(len(seen.values), number))
        self.stream.miss(whole)
        if self.detector is not None:
            self.detector.add(np.zeros(min(whole, FORGOTTEN)))

    def close(self, number: int) -> None:
        """Take what waits as it is."""
        seen = self.units.close()
        self._observe(seen, np.full(len(seen.values), number))

    def _observe(self, seen: Observed, numbers: Cells) -> None:
        if not len(seen.values):
            return
        before = self.stream.count
        self.stream.add(seen.values, seen.upper)
        self._detect(seen, numbers)
        if self.above_at is None and self.stream.above.crossed is not None:
            self.above_at = int(numbers[self.stream.above.crossed - before - 1])
        if self.below_at is None and self.stream.below.crossed is not None:
            self.below_at = int(numbers[self.stream.below.crossed - before - 1])

    def _detect(self, seen: Observed, numbers: Cells) -> None:
        if self.detector is None or self.detector.alarmed is not None:
            return
        before = self.detector.count
        alarmed = self.detector.add(seen.values)
        if alarmed is not None:
            self.changed_at = int(numbers[alarmed - before - 1])

    def merged(self, other: Channel, number: int) -> Channel:
        """Both as one, for single pairs only; what crosses then does so at `number`."""
        whole = Channel(self.stream.design, self.unit, self.stream.above.alpha, self.stream.below.alpha)
        if self.unit != "pair" or other.unit != "pair":
            raise BadInput("Only streams of single pairs can be merged", why="blocks and units hang on the order")
        whole.stream = self.stream.merged(other.stream)
        whole.above_at = number if whole.stream.above.crossed is not None else None
        whole.below_at = number if whole.stream.below.crossed is not None else None
        return whole

    def state(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        return {
            "unit": self.unit,
            "units": self.units.state(),
            "stream": self.stream.state(),
            "at": [self.above_at, self.below_at],
        }

    @classmethod
    def of_state(cls, state: dict[str, Any]) -> Channel:
        """What `state` gave."""
        stream = HistogramStream.of_state(state["stream"])
        channel = cls(stream.design, state["unit"], stream.above.alpha, stream.below.alpha)
        channel.stream = stream
        channel.units = units_of(state["unit"], state["units"])
        channel.above_at, channel.below_at = state["at"]
        return channel
