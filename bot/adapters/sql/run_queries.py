"""Runs with their plans and steps: reading them, saving what changed, finding those that are due."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Executable,
    and_,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.types import Text

from bot.adapters.sql.database_clock import now
from bot.adapters.sql.run_tables import ACTIVE_RUN, leases, run_plans, run_steps, runs
from bot.adapters.sql.statements import RUN_CHANGES, save_run
from bot.adapters.sql.work import Work, in_parts, step_row
from bot.domain.errors import LeaseLost
from bot.domain.playbooks import Playbook
from bot.domain.runs import Run, RunStatus
from bot.domain.step_states import StepState
from bot.ports import Place

_IN_PLAN_OR_STEPS = ("playbook", "facts", "steps")
_NAMES = tuple(field.name for field in fields(Run) if field.name not in _IN_PLAN_OR_STEPS)
_STEP_NAMES = tuple(field.name for field in fields(StepState))
_PLAN = (type_coerce(run_plans.c.playbook, Text).label("playbook"), run_plans.c.facts)
_RUNS = select(*[runs.c[name] for name in _NAMES], *_PLAN).join(run_plans, run_plans.c.run_id == runs.c.id)
_STEPS_OF = select(run_steps.c.run_id, *[run_steps.c[name] for name in _STEP_NAMES]).order_by(
    run_steps.c.run_id, run_steps.c.position
)
_STEPS = _STEPS_OF.where(run_steps.c.run_id.in_(bindparam("run_ids", expanding=True)))
_STEPS_OF_ONE = (
    select(*[run_steps.c[name] for name in _STEP_NAMES])
    .where(run_steps.c.run_id == bindparam("id"))
    .order_by(run_steps.c.position)
)
_BY_ID = _RUNS.where(runs.c.id == bindparam("id"))
_ACTIVE = _RUNS.where(ACTIVE_RUN, runs.c.service.in_(bindparam("services", expanding=True)))
_STEPS_OF_ACTIVE = _STEPS_OF.where(
    run_steps.c.run_id.in_(
        select(runs.c.id).where(ACTIVE_RUN, runs.c.service.in_(bindparam("services", expanding=True)))
    )
)
_HAS_LIVE_LEASE = exists(literal(1)).where(leases.c.run_id == runs.c.id, leases.c.expires_at > now())
_DUE = (
    _RUNS.where(
        ACTIVE_RUN,  # the whole condition of the index, so that only the few active runs are looked at
        or_(
            runs.c.status.in_([RunStatus.QUEUED, RunStatus.RUNNING]),
            and_(runs.c.status == RunStatus.WAITING, runs.c.wake_at <= now()),
        ),
        ~_HAS_LIVE_LEASE,
    )
    .order_by(runs.c.accepted_at, runs.c.id)
    .limit(bindparam("most", type_=runs.c.version.type))
)
_OVERDUE = _RUNS.where(ACTIVE_RUN, runs.c.deadline < now(), runs.c.breached_at.is_(None)).order_by(runs.c.deadline)
_moments = union_all(
    select(runs.c.wake_at.label("at")).where(ACTIVE_RUN, runs.c.status == RunStatus.WAITING),
    select(leases.c.expires_at.label("at"))
    .join(runs, runs.c.id == leases.c.run_id)
    .where(ACTIVE_RUN, runs.c.status == RunStatus.RUNNING),
).subquery()
_NEXT_WAKE = select(func.min(_moments.c.at))
_LAST_AUTOMATIC = (
    select(runs.c.first_action_at)
    .where(
        runs.c.service == bindparam("service"),
        runs.c.environment == bindparam("environment"),
        runs.c.first_action_at.is_not(None),
        runs.c.authority == "automatic",
        runs.c.criterion.is_not(None),  # promotions and the playbook of a halt have none
        runs.c.drill.is_(False),
    )
    .order_by(runs.c.first_action_at.desc())
    .limit(1)
)
_BREACH = (
    update(runs)
    .where(runs.c.id == bindparam("run_id"), runs.c.breached_at.is_(None))
    .values(breached_at=bindparam("at", type_=runs.c.breached_at.type))
)


@lru_cache(maxsize=256)
def _playbook(text: str) -> Playbook:
    # A plan is never rewritten and a playbook is frozen, so one text is read once.
    return Playbook.model_validate(json.loads(text))


class RunQueries(Work):
    """What is done about it."""

    def run(self, run_id: str) -> Run | None:
        """One run with its plan and steps."""
        return self._ask_run(run_id)()

    def _ask_run(self, run_id: str) -> Callable[[], Run | None]:
        found, steps = self.ask(_BY_ID, {"id": run_id}), self.ask(_STEPS_OF_ONE, {"id": run_id})
        return lambda: next((_run(row, tuple(StepState(*one) for one in steps())) for row in found()), None)

    def active_runs(self, services: Collection[str]) -> Mapping[Place, Run]:
        """The one run of each place that is not ended."""
        return self._ask_active(services)() if services else {}

    def _ask_active(self, services: Collection[str]) -> Callable[[], dict[Place, Run]]:
        values = {"services": list(services)}
        found = self.ask(_ACTIVE, values)

        def answer() -> dict[Place, Run]:
            # Mostly nothing is going on, and then there are no steps to ask for.
            steps = self.ask(_STEPS_OF_ACTIVE, values)() if found() else ()
            return {(run.service, run.environment): run for run in _with_steps(found(), steps)}

        return answer

    def runs(
        self, *, limit: int, before: str | None = None, incident_id: str | None = None, service: str | None = None
    ) -> Sequence[Run]:
        """Newest first."""
        statement = _RUNS.order_by(runs.c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(runs.c.id < before)
        if incident_id is not None:
            statement = statement.where(runs.c.incident_id == incident_id)
        if service is not None:
            statement = statement.where(runs.c.service == service)
        return self._runs(statement)

    def save_run(self, before: Run, after: Run) -> Run:
        """Write what changed; returns `after` with the next version. LeaseLost where somebody moved it meanwhile.

        It may come only at the commit, like every error of what is written."""
        changed = tuple(name for name in RUN_CHANGES if getattr(before, name) != getattr(after, name))
        values = {f"new_{name}": getattr(after, name) for name in changed}
        moved = LeaseLost(f"Run {before.id} was moved meanwhile", next="read it again")
        self.must(save_run(changed), {"run_id": before.id, "seen_version": before.version, **values}, moved)
        old = before.steps
        for position, step in enumerate(after.steps):
            if position >= len(old) or (step is not old[position] and step != old[position]):
                self.save_step(step_row(after.id, position, step))
        return replace(after, version=before.version + 1)

    def due_runs(self, *, limit: int) -> Sequence[Run]:
        """Runs that a worker should take now and none has; oldest `accepted_at` first."""
        return self._runs(_DUE, {"most": limit})

    def next_wake(self) -> datetime | None:
        """The earliest `wake_at` of a waiting run or lease end of a running one, or None."""
        row = self.row(_NEXT_WAKE)
        return row[0] if row else None

    def overdue_runs(self) -> Sequence[Run]:
        """Runs that are not ended, past their deadline by the database's clock, with no breach recorded."""
        return self._runs(_OVERDUE)

    def record_breach(self, run_id: str, at: datetime) -> bool:
        """Note a missed deadline; the run's version stays, so whoever works on it is not disturbed."""
        return self.count(_BREACH, {"run_id": run_id, "at": at}) == 1

    def last_automatic_action(self, place: Place) -> datetime | None:
        """The newest `first_action_at` among runs that a criterion started by itself and that were no drill."""
        return self._ask_last_action(place)()

    def _ask_last_action(self, place: Place) -> Callable[[], datetime | None]:
        answer = self.ask(_LAST_AUTOMATIC, {"service": place[0], "environment": place[1]})
        return lambda: next((row[0] for row in answer()), None)

    def _runs(self, statement: Executable, values: Mapping[str, Any] | None = None) -> list[Run]:
        rows = self.rows(statement, values)
        parts = in_parts(row.id for row in rows)
        return _with_steps(rows, (step for part in parts for step in self.rows(_STEPS, {"run_ids": part})))


def _with_steps(rows: Sequence[Any], found: Iterable[Any]) -> list[Run]:
    steps: dict[str, list[StepState]] = {}
    for run_id, *step in found:
        steps.setdefault(run_id, []).append(StepState(*step))
    return [_run(row, tuple(steps.get(row.id, ()))) for row in rows]


def _run(row: Any, steps: tuple[StepState, ...]) -> Run:
    values = row._asdict()
    values["playbook"] = _playbook(values["playbook"])
    return Run(steps=steps, **values)
