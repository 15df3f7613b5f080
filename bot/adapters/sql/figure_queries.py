"""Counts and measured seconds over everything in the store, for the metrics page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Float, Table, case, extract, func, select, type_coerce

from bot.adapters.sql.run_tables import runs
from bot.adapters.sql.tables import incidents, notices
from bot.adapters.sql.work import Work
from bot.ports import Figures, Spread


class FigureQueries(Work):
    """How much and how fast."""

    def figures(self, bounds: Sequence[float]) -> Figures:
        """Counts and spreads over `bounds` (seconds, ascending). Drills are counted as runs and nowhere else."""
        late = runs.c.breached_at.is_not(None), runs.c.drill.is_(False)
        breaches = self.row(select(func.count()).select_from(runs).where(*late))
        return Figures(
            runs=self._counts(runs, runs.c.service),
            notices=self._counts(notices, notices.c.audience),
            incidents=self._counts(incidents, incidents.c.service, incidents.c.drill.is_(False)),
            breaches=breaches[0] if breaches else 0,
            first_action=self._spread(runs.c.first_action_at, bounds),
            run=self._spread(runs.c.finished_at, bounds),
        )

    def _counts(
        self, table: Table, by: ColumnElement[str], *only: ColumnElement[bool]
    ) -> Mapping[tuple[str, str], int]:
        statement = select(by, table.c.status, func.count()).where(*only).group_by(by, table.c.status)
        return {(name, str(status)): count for name, status, count in self.rows(statement)}

    def _spread(self, until: ColumnElement[Any], bounds: Sequence[float]) -> Spread:
        seconds = self._seconds_since_accepted(until)
        within = [func.coalesce(func.sum(case((seconds <= bound, 1), else_=0)), 0) for bound in bounds]
        statement = select(func.count(), func.coalesce(func.sum(seconds), 0.0), *within)
        row = self.row(statement.where(until.is_not(None), runs.c.drill.is_(False)))
        assert row is not None
        return Spread(tuple(bounds), tuple(int(one) for one in row[2:]), row[0], float(row[1]))

    def _seconds_since_accepted(self, until: ColumnElement[Any]) -> ColumnElement[float]:
        if self.session.dialect.name == "sqlite":
            # Days since noon in 4714 BC, in milliseconds: exact enough for seconds.
            return (func.julianday(until) - func.julianday(runs.c.accepted_at)) * 86_400.0
        return type_coerce(extract("epoch", until - runs.c.accepted_at), Float)
