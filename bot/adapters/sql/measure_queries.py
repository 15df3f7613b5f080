"""Counts and spreads over the whole record."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.adapters.sql.measure_incidents import INCIDENT_READINGS
from bot.adapters.sql.measure_releases import RELEASE_READINGS
from bot.adapters.sql.measure_runs import RUN_READINGS
from bot.adapters.sql.work import Work
from bot.domain.measures import Measured, Scope, Tally

_READINGS = (*INCIDENT_READINGS, *RELEASE_READINGS, *RUN_READINGS)


class MeasureQueries(Work):
    """What the process measures are computed from."""

    def tallies(self, scope: Scope, of: Collection[Measured] = ()) -> Sequence[Tally]:
        """Facts by service and month, of these kinds; without any, of all kinds."""
        return [
            tally
            for reading in _READINGS
            if not of or any(part.of in of for part in reading.parts)
            for row in self.rows(reading.statement(scope))
            for tally in reading.tallies(row)
            if not of or tally.of in of
        ]
