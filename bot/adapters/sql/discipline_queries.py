"""How restorations went: drills and real rollbacks with their measured times, and what is planned next."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, bindparam, case, cast, exists, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSON

from bot.adapters.sql.column_types import MOMENT
from bot.adapters.sql.drill_tables import ATTEMPTED_DRILL, drill_reminders, drills
from bot.adapters.sql.run_tables import TRIED_FOR_REAL, approvals, run_plans, runs
from bot.adapters.sql.statements import columns_of
from bot.adapters.sql.tables import notices
from bot.adapters.sql.work import Work, in_parts
from bot.domain.discipline import Attempt, DrillReminder, How, Practice, Result
from bot.domain.drills import DrillState
from bot.domain.events import ANDON
from bot.domain.playbooks import PlaybookKind
from bot.domain.runs import RunStatus

_OUTCOMES = {
    DrillState.PASSED: Result.RESTORED,
    DrillState.FAILED: Result.FAILED,
    DrillState.ABORTED: Result.ABORTED,
    DrillState.MISSED: Result.MISSED,
}
_NEVER_DUE = (DrillState.SKIPPED, DrillState.WITHDRAWN)
_NEEDED = or_(
    runs.c.requested_by.is_not(None),
    runs.c.approved_by.is_not(None),
    exists(literal(1)).where(
        approvals.c.run_id == runs.c.id, approvals.c.answered_by.is_not(None), approvals.c.answered_by != ANDON.name
    ),
    # Its incident first: that is what notices are indexed by.
    exists(literal(1)).where(
        notices.c.incident_id == runs.c.incident_id, notices.c.run_id == runs.c.id, notices.c.name == "needs_human"
    ),
)
_HELPED = select(runs.c.id).where(runs.c.id.in_(bindparam("run_ids", expanding=True)), _NEEDED)


class DisciplineQueries(Work):
    """What was proven, how fast, and when last."""

    def attempts(self, *, since: datetime, service: str | None = None) -> Sequence[Attempt]:
        """Oldest first; of those before `since` only the last of each playbook and outcome."""
        values: dict[str, Any] = {"since": since} | ({"service": service} if service is not None else {})
        is_one = service is not None
        asked = [
            self.ask(_drilled(is_one=is_one), values),
            self.ask(_rolled_back(self.session.dialect.name, is_one=is_one), values),
        ]
        found = [_of_drill(row) for row in asked[0]()] + [_of_run(row) for row in asked[1]()]
        return sorted(found, key=lambda one: (one.at, one.id))

    def practices(self, service: str | None = None) -> Sequence[Practice]:
        """For each playbook and environment: the first slot of a schedule, and the next drill that is planned."""
        scheduled = and_(drills.c.schedule != "", drills.c.state.not_in(_NEVER_DUE))
        planned = drills.c.state == DrillState.PLANNED
        statement = select(
            drills.c.service,
            drills.c.environment,
            drills.c.playbook,
            func.min(case((scheduled, drills.c.slot)), type_=MOMENT),
            func.min(case((planned, drills.c.due_at)), type_=MOMENT),
        ).group_by(drills.c.service, drills.c.environment, drills.c.playbook)
        if service is not None:
            statement = statement.where(drills.c.service == service)
        return [Practice(*row) for row in self.rows(statement)]

    def helped(self, run_ids: Collection[str]) -> frozenset[str]:
        """Those of these runs that needed a person."""
        return frozenset(row[0] for part in in_parts(run_ids) for row in self.rows(_HELPED, {"run_ids": part}))

    def drill_reminders(self, service: str | None = None) -> Sequence[DrillReminder]:
        """What people were last reminded of."""
        statement = select(*columns_of(drill_reminders, DrillReminder))
        if service is not None:
            statement = statement.where(drill_reminders.c.service == service)
        return [DrillReminder(*row) for row in self.rows(statement)]


def _drilled(*, is_one: bool) -> Select[Any]:
    # One that was found missed long after may not say when it ended: its moment is when it was to begin.
    ended = func.coalesce(drills.c.ended_at, drills.c.due_at, type_=MOMENT)
    outcome = (drills.c.service, drills.c.environment, drills.c.playbook, drills.c.state)
    statement = select(
        drills.c.id, *outcome, ended.label("ended_at"), drills.c.objective_seconds, drills.c.human, drills.c.why,
        drills.c.schedule, drills.c.injected_at, drills.c.detected_at, drills.c.verified_at, _place(outcome, ended),
    ).where(ATTEMPTED_DRILL)  # fmt: skip
    if is_one:
        statement = statement.where(drills.c.service == bindparam("service"))
    inner = statement.subquery()
    return select(inner).where(_wanted(inner.c.ended_at, inner.c.place))


def _rolled_back(dialect: str, *, is_one: bool) -> Select[Any]:
    ended = runs.c.finished_at
    outcome = (runs.c.service, runs.c.environment, runs.c.playbook_name, runs.c.status)
    statement = select(
        runs.c.id, *outcome, ended, runs.c.accepted_at, runs.c.deadline, runs.c.error, _place(outcome, ended)
    ).where(TRIED_FOR_REAL)
    if is_one:
        statement = statement.where(runs.c.service == bindparam("service"))
    inner = statement.subquery()
    return (
        select(inner)
        .join(run_plans, run_plans.c.run_id == inner.c.id)
        .where(_wanted(inner.c.finished_at, inner.c.place), _kind(dialect) == str(PlaybookKind.ROLLBACK))
    )


def _place(outcome: Sequence[ColumnElement[Any]], ended: ColumnElement[Any]) -> ColumnElement[int]:
    return func.row_number().over(partition_by=outcome, order_by=ended.desc()).label("place")


def _wanted(ended: ColumnElement[Any], place: ColumnElement[Any]) -> ColumnElement[bool]:
    return or_(ended >= bindparam("since", type_=MOMENT), place == 1)


def _kind(dialect: str) -> ColumnElement[str]:
    """What the playbook of a run does, out of its stored plan."""
    if dialect == "sqlite":
        return func.json_extract(run_plans.c.playbook, "$.kind", type_=String())
    return func.json_extract_path_text(cast(run_plans.c.playbook, JSON), "kind", type_=String())


def _of_drill(row: Any) -> Attempt:
    begun = row.injected_at or row.detected_at
    is_measured = begun is not None and row.verified_at is not None
    return Attempt(
        how=How.DRILL,
        id=row.id,
        service=row.service,
        environment=row.environment,
        playbook=row.playbook,
        at=row.ended_at,
        result=_OUTCOMES[row.state],
        seconds=(row.verified_at - begun).total_seconds() if is_measured else None,
        objective_seconds=row.objective_seconds,
        human=row.human,
        why=row.why,
        asked=not row.schedule,
    )


def _of_run(row: Any) -> Attempt:
    is_restored = row.status is RunStatus.SUCCEEDED
    return Attempt(
        how=How.ROLLBACK,
        id=row.id,
        service=row.service,
        environment=row.environment,
        playbook=row.playbook_name,
        at=row.finished_at,
        result=Result.RESTORED if is_restored else Result.FAILED,
        seconds=(row.finished_at - row.accepted_at).total_seconds() if is_restored else None,
        objective_seconds=(row.deadline - row.accepted_at).total_seconds(),
        why=row.error,
    )
