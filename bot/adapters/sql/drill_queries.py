"""Drills: one for each slot of a schedule, and what is due for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import and_, bindparam, func, or_, select

from bot.adapters.sql.column_types import MOMENT
from bot.adapters.sql.database_clock import now
from bot.adapters.sql.drill_tables import AWAITED, RUNNING_DRILL, drills
from bot.adapters.sql.statements import columns_of
from bot.adapters.sql.work import Work
from bot.domain.drills import Drill, DrillState

_DRILL = columns_of(drills, Drill)

_BY_ID = select(*_DRILL).where(drills.c.id == bindparam("id"))
_DUE = select(drills.c.id).where(AWAITED, drills.c.wake_at <= now()).order_by(drills.c.wake_at, drills.c.id)
_TO_ADVANCE = (
    select(drills.c.id)
    .where(
        AWAITED,
        or_(
            and_(drills.c.state == DrillState.PLANNED, drills.c.due_at <= now()),
            and_(RUNNING_DRILL, drills.c.wake_at <= now()),
        ),
    )
    .order_by(drills.c.wake_at, drills.c.id)
)
_RUNNING = select(*_DRILL).where(
    RUNNING_DRILL, drills.c.service == bindparam("service"), drills.c.environment == bindparam("environment")
)
_LAST_SLOT = select(func.max(drills.c.slot, type_=MOMENT)).where(drills.c.schedule == bindparam("schedule"))
_LATEST = (
    select(*_DRILL)
    .where(drills.c.schedule == bindparam("schedule"))
    .order_by(drills.c.slot.desc(), drills.c.id.desc())
    .limit(1)
)
# A planned drill always waits for something, so that the index of those has it.
_PLANNED = select(*_DRILL).where(AWAITED, drills.c.state == DrillState.PLANNED).order_by(drills.c.due_at, drills.c.id)
_OF_RUN = select(*_DRILL).where(
    or_(*(column == bindparam("run") for column in (drills.c.run_id, drills.c.inject_run_id, drills.c.cleanup_run_id)))
)
_OF_INCIDENT = select(*_DRILL).where(drills.c.incident_id == bindparam("incident")).order_by(drills.c.id.desc())


class DrillQueries(Work):
    """What was rehearsed, and what is to be."""

    def plan_drill(self, drill: Drill) -> bool:
        """Insert it unless its claim is taken, and whether it was inserted."""
        return self.count(self.statements.plan_drill, vars(drill)) > 0

    def drill(self, drill_id: str) -> Drill | None:
        """By its id."""
        row = self.row(_BY_ID, {"id": drill_id})
        return Drill(*row) if row else None

    def drills(
        self,
        *,
        limit: int,
        before: str | None = None,
        service: str | None = None,
        states: Collection[DrillState] = (),
    ) -> Sequence[Drill]:
        """Newest first by id."""
        statement = select(*_DRILL).order_by(drills.c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(drills.c.id < before)
        if service is not None:
            statement = statement.where(drills.c.service == service)
        if states:
            statement = statement.where(drills.c.state.in_(sorted(states)))
        return [Drill(*row) for row in self.rows(statement)]

    def drills_due(self) -> Sequence[str]:
        """Ids of those whose `wake_at` has come, by the database's clock."""
        return [row[0] for row in self.rows(_DUE)]

    def planned_drills(self) -> Sequence[Drill]:
        """All that nobody has started yet, by their start."""
        return [Drill(*row) for row in self.rows(_PLANNED)]

    def drills_to_advance(self) -> Sequence[str]:
        """Ids of those that are due to start, or running with a `wake_at` that has come, by the database's clock."""
        return [row[0] for row in self.rows(_TO_ADVANCE)]

    def running_drill(self, service: str, environment: str) -> Drill | None:
        """The one that is at this place now."""
        row = self.row(_RUNNING, {"service": service, "environment": environment})
        return Drill(*row) if row else None

    def last_slot(self, schedule: str) -> datetime | None:
        """The latest slot of a schedule that was ever planned."""
        moment: datetime | None = self.row(_LAST_SLOT, {"schedule": schedule})[0]
        return moment

    def latest_drill(self, schedule: str) -> Drill | None:
        """The drill of a schedule's latest slot."""
        row = self.row(_LATEST, {"schedule": schedule})
        return Drill(*row) if row else None

    def drill_of_run(self, run_id: str) -> Drill | None:
        """The drill that a run belongs to."""
        row = self.row(_OF_RUN, {"run": run_id})
        return Drill(*row) if row else None

    def drill_of_incident(self, incident_id: str) -> Drill | None:
        """The drill that opened an incident."""
        row = self.row(_OF_INCIDENT, {"incident": incident_id})
        return Drill(*row) if row else None
