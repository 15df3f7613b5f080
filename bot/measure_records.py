"""What a unit of work can count and measure over many records."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bot.domain.measures import Measured, Scope, Tally


class MeasureRecords(Protocol):
    """The part of a transaction that measures the process: spreads and counts by service and month."""

    def tallies(self, scope: Scope, of: Collection[Measured] = ()) -> Sequence[Tally]:
        """Facts by service and month, of these kinds; without any, of all kinds. Drills are left out of all but theirs.

        Times are in no order. See `docs/process-measures.md` for the columns and moments behind each.
        """
        ...
