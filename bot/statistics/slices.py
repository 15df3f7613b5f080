"""Every slice of traffic tested by itself, with the error of `diverged` shared among them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.statistics.channel import Channel
from bot.statistics.histogram import divergence_design
from bot.statistics.rule import MOST_SLICES
from bot.statistics.units import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bot.statistics.rule import ComparisonRule

    Cells = NDArray[np.int64]


OTHERS = "(others)"
"""The slice that holds the pairs of all names past the most that are followed."""


@dataclass
class Slice:
    """One slice: its share of the error, the pair with which it appeared, its stream, and when a crossing counted."""

    name: str
    weight: float
    appeared: int
    channel: Channel
    admitted: int | None = None


@dataclass
class Slices:
    """The slices of one phase.

    `alpha` is what `diverged` may err with over all slices together. With names fixed in advance each of S has
    alpha/S, and pairs of other names count in the whole only; without, the j-th that appears has alpha/(j (j + 1)),
    which sums to alpha however many come. For `equivalent` each slice is tested at the whole rule's alpha: that all are
    equivalent needs no correction (intersection-union). Past 200 slices all further ones are one, named `(others)`,
    tested like the rest with the share of the last.
    """

    rule: ComparisonRule
    alpha: float
    alpha_below: float
    found: dict[str, Slice] = field(default_factory=dict)
    beyond: int = 0
    """Pairs whose slice is not followed by itself."""

    def __post_init__(self) -> None:
        """Slices fixed in advance are there from the start: one without pairs is unknown."""
        for name in self.rule.expected_slices:
            self._open(name, 0)

    def take(self, rows: Rows, names: Sequence[str], numbers: Cells) -> None:
        """Fold rows; `names` are their slices ("" for none), `numbers` those of their pairs."""
        places: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            places.setdefault(name or "", []).append(place)
        places.pop("", None)
        for name, listed in self._followed(places, numbers).items():
            at: Cells = np.array(listed, dtype=np.int64)
            self.found[name].channel.take(_part(rows, at), numbers[at])

    def _followed(self, places: dict[str, list[int]], numbers: Cells) -> dict[str, list[int]]:
        """The places of each slice that is followed, with those of all others together, in order."""
        kept: dict[str, list[int]] = {}
        for name, listed in places.items():
            if name in self.found or self._open(name, int(numbers[listed[0]])):
                kept.setdefault(name, []).extend(listed)
                continue
            self.beyond += len(listed) if name != OTHERS else 0
            if not self.rule.expected_slices:
                kept.setdefault(OTHERS, []).extend(listed)
        if OTHERS in kept:
            kept[OTHERS].sort()
            if OTHERS not in self.found:
                self._open(OTHERS, int(numbers[kept[OTHERS][0]]), is_last=True)
        return kept

    def _open(self, name: str, number: int, *, is_last: bool = False) -> bool:
        fixed = self.rule.expected_slices
        if (fixed and name not in fixed) or (len(self.found) >= MOST_SLICES and not is_last):
            return False
        rank = len(self.found) + 1
        weight = 1 / len(fixed) if fixed else 1 / (rank * (rank + 1))
        design = divergence_design(self.rule.tolerance)
        channel = Channel(design, self.rule.unit, self.alpha * weight, self.alpha_below)
        self.found[name] = Slice(name, weight, number, channel)
        return True

    def close(self, number: int) -> None:
        """Take what waits in units as it is."""
        for one in self.found.values():
            one.channel.close(number)

    def named(self) -> tuple[str, ...]:
        """The slices that diverge, by e-BH: of all at once, the false ones among them are at most alpha on average.

        The largest k for which the k-th largest of weight x e-value is at least 1/(k alpha) (Wang & Ramdas 2022; after
        Vovk & Wang 2021 under any dependence). By e-values now, so a slice that went back is not named.
        """
        scored = sorted(
            ((one.channel.stream.above.log_e() + math.log(one.weight), name) for name, one in self.found.items()),
            reverse=True,
        )
        largest = 0
        for rank, (score, _) in enumerate(scored, start=1):
            if math.log(rank) + score >= -math.log(self.alpha):
                largest = rank
        return tuple(name for _, name in scored[:largest])

    def equivalent_from(self, number: int) -> bool:
        """Whether each slice that had appeared by this pair had also been found equivalent by it."""
        return all(
            one.channel.below_at is not None and one.channel.below_at <= number
            for one in self.found.values()
            if one.appeared <= number
        )

    def merge(self, other: Slices, number: int) -> None:
        """Take over what a shard saw; only where the names were fixed, for a rank by appearance has no common order."""
        for name, theirs in other.found.items():
            mine = self.found[name]
            mine.channel = mine.channel.merged(theirs.channel, number)
            mine.admitted = mine.channel.above_at
        self.beyond += other.beyond

    def state(self) -> Any:
        """Everything but the rule, as JSON values."""
        listed = [
            [one.name, one.weight, one.appeared, one.channel.state(), one.admitted] for one in self.found.values()
        ]
        return [self.beyond, listed]

    def restore(self, state: Any) -> None:
        """Take over what `state` gave."""
        self.beyond = state[0]
        self.found = {
            name: Slice(name, weight, appeared, Channel.of_state(channel), admitted)
            for name, weight, appeared, channel, admitted in state[1]
        }


def _part(rows: Rows, at: Cells) -> Rows:
    names = [rows.names[one] for one in at] if len(rows.names) else ()
    return Rows(rows.values[at], None if rows.upper is None else rows.upper[at], names)
