"""Counts and spreads over the whole record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from bot.adapters.sql.measure_incidents import INCIDENT_STATEMENTS, Tallied
from bot.adapters.sql.measure_releases import RELEASE_STATEMENTS
from bot.adapters.sql.measure_runs import RUN_STATEMENTS
from bot.adapters.sql.work import Work
from bot.domain.measures import Measured, Scope, Tally

_STATEMENTS: Mapping[Measured, Callable[[Scope], Tallied]] = {
    **INCIDENT_STATEMENTS,
    **RELEASE_STATEMENTS,
    **RUN_STATEMENTS,
}


class MeasureQueries(Work):
    """What the process measures are computed from."""

    def tallies(self, scope: Scope, of: Collection[Measured] = ()) -> Sequence[Tally]:
        """Facts by service and month, of these kinds; without any, of all kinds."""
        return [
            Tally(service, month, kind, key, int(count), _times(times))
            for kind in of or Measured
            for service, month, key, count, times in self.rows(_STATEMENTS[kind](scope))
            if count
        ]


def _times(joined: str | None) -> Sequence[int]:
    """Sorted here: neither database promises an order inside such a list."""
    return sorted(map(int, joined.split(","))) if joined else ()
