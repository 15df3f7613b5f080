"""Counts and spreads over the whole record."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

from bot.adapters.sql.measure_incidents import INCIDENT_READINGS
from bot.adapters.sql.measure_releases import RELEASE_READINGS
from bot.adapters.sql.measure_rows import Reading
from bot.adapters.sql.measure_runs import RUN_READINGS
from bot.adapters.sql.work import Work
from bot.domain.measures import Measured, Scope, Tally

_READINGS = (*INCIDENT_READINGS, *RUN_READINGS, *RELEASE_READINGS)
"""Those that take longest come first, so that threads which share them end together."""


class MeasureQueries(Work):
    """What the process measures are computed from."""

    def tallies(self, scope: Scope, of: Collection[Measured] = ()) -> Sequence[Tally]:
        """Facts by service and month, of these kinds; without any, of all kinds."""
        return [
            tally
            for reading in _READINGS
            if not of or any(part.of in of for part in reading.parts)
            for tally in reading.read(self.rows(reading.statement(scope)))
            if not of or tally.of in of
        ]


def read_side_by_side(views: Sequence[MeasureQueries], scope: Scope) -> Sequence[Tally]:
    """All facts, by views of one moment: each carries out statements in a thread of its own, while this one reads
    the rows of those that are done."""
    free: SimpleQueue[MeasureQueries] = SimpleQueue()
    for view in views:
        free.put(view)

    def rows(reading: Reading) -> Sequence[Any]:
        view = free.get()
        try:
            return view.rows(reading.statement(scope))
        finally:
            free.put(view)

    with ThreadPoolExecutor(len(views), "andon-tallies") as pool:
        asked = [(reading, pool.submit(rows, reading)) for reading in _READINGS]
        return [tally for reading, answer in asked for tally in reading.read(answer.result())]
