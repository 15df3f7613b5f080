"""Statements that measure what is done about it: rollbacks, approvals, drills, action items."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, case, func, literal, select

from bot.adapters.sql.drill_tables import drills
from bot.adapters.sql.measure_functions import JsonField, Micros, MonthOf, listed
from bot.adapters.sql.measure_rows import Part, Reading, flag, owned, placed, within
from bot.adapters.sql.people_tables import minutes
from bot.adapters.sql.release_tables import RESTORED, live_versions
from bot.adapters.sql.run_tables import approvals, run_plans, runs
from bot.adapters.sql.tables import incidents
from bot.domain.canary_rules import CANARY_DIVERGENCE
from bot.domain.drills import DrillState
from bot.domain.measures import Measured, Scope
from bot.domain.minutes import MinuteKind, MinuteStatus
from bot.domain.playbooks import PlaybookKind
from bot.domain.records import ApprovalStatus
from bot.domain.runs import RunStatus

_ENDED = tuple(one for one in RunStatus if one.is_ended)
_CARRIED_OUT = (DrillState.PASSED, DrillState.FAILED, DrillState.ABORTED)
_COUNTED = (*_CARRIED_OUT, DrillState.MISSED, DrillState.SKIPPED)


def rollbacks(scope: Scope) -> Select[Any]:
    """Those that put something back, from the acceptance of their cause to the end of the run, by what caused them."""
    cause = case(
        (runs.c.requested_by.is_not(None), "people:"),
        (runs.c.criterion == CANARY_DIVERGENCE, "canary:"),
        (runs.c.criterion.is_not(None), "criterion:" + runs.c.criterion),
        else_="unknown:",
    ).label("key")
    month = MonthOf(runs.c.accepted_at)
    times = listed(Micros(runs.c.finished_at, runs.c.accepted_at))
    return (
        select(runs.c.service, month, cause, func.count(), times)
        .join_from(live_versions, runs, runs.c.id == live_versions.c.run_id)
        .where(
            RESTORED,
            runs.c.drill.is_(False),
            *placed(scope, runs),
            within(scope, runs.c.accepted_at),
        )
        .group_by(runs.c.service, month, "key")
    )


def attempts(scope: Scope) -> Select[Any]:
    """Rollbacks that put nothing back: those that acted and ended so, and those that are not over."""
    key = case((runs.c.status.in_(_ENDED), "failed"), else_="open").label("key")
    month = MonthOf(runs.c.accepted_at)
    acted = and_(runs.c.status.in_(_ENDED), runs.c.first_action_at.is_not(None))
    # Asked for the few that are left, for plans are long: a join may begin by reading all of them.
    kind = select(JsonField(run_plans.c.playbook, "kind")).where(run_plans.c.run_id == runs.c.id).scalar_subquery()
    return (
        select(runs.c.service, month, key, func.count())
        .where(
            runs.c.status != RunStatus.SUCCEEDED,
            acted | runs.c.status.not_in(_ENDED),
            runs.c.drill.is_(False),
            *placed(scope, runs),
            within(scope, runs.c.accepted_at),
            kind == PlaybookKind.ROLLBACK,
        )
        .group_by(runs.c.service, month, "key")
    )


def approvals_waited_for(scope: Scope) -> Select[Any]:
    """From question to answer, whether yes or no; unknown while nobody has answered. Withdrawn ones are left out."""
    month = MonthOf(approvals.c.asked_at)
    is_answered = approvals.c.status.in_((ApprovalStatus.APPROVED, ApprovalStatus.REJECTED))
    waited = case((is_answered, Micros(approvals.c.answered_at, approvals.c.asked_at)))
    return (
        select(runs.c.service, month, literal(""), func.count(), listed(waited))
        .join_from(approvals, runs, runs.c.id == approvals.c.run_id)
        .where(
            approvals.c.status != ApprovalStatus.WITHDRAWN,
            runs.c.drill.is_(False),
            *placed(scope, runs),
            within(scope, approvals.c.asked_at),
        )
        .group_by(runs.c.service, month)
    )


def action_items(scope: Scope) -> Select[Any]:
    """Those recorded in the month, as they stand now. What was only heard, or withdrawn, is left out."""
    month, is_open = MonthOf(minutes.c.at), minutes.c.status == MinuteStatus.OPEN
    states = (minutes.c.status == MinuteStatus.DONE, is_open, and_(is_open, minutes.c.due_at <= scope.now))
    return (
        select(minutes.c.service, month, literal(""), func.count(), *(func.sum(flag(one)) for one in states))
        .join_from(minutes, incidents, incidents.c.id == minutes.c.incident_id)
        .where(
            minutes.c.kind == MinuteKind.ACTION_ITEM,
            minutes.c.status.in_((MinuteStatus.OPEN, MinuteStatus.DONE)),
            incidents.c.drill.is_(False),
            *placed(scope, incidents),
            within(scope, minutes.c.at),
        )
        .group_by(minutes.c.service, month)
    )


def drilled(scope: Scope) -> Select[Any]:
    """Drills that are over, by the month in which they were due, wherever they took place. Of those carried out, from
    the failure being there to the proof that it is over; unknown for those that did not come so far."""
    month, carried_out = MonthOf(drills.c.due_at), drills.c.state.in_(_CARRIED_OUT)
    begun = func.coalesce(drills.c.injected_at, drills.c.detected_at)
    times = listed(case((carried_out, Micros(drills.c.verified_at, begun))))
    return (
        select(drills.c.service, month, drills.c.state, func.count(), func.sum(flag(carried_out)), times)
        .where(drills.c.state.in_(_COUNTED), *owned(scope, drills), within(scope, drills.c.due_at))
        .group_by(drills.c.service, month, drills.c.state)
    )


RUN_READINGS = (
    Reading((Part(Measured.ROLLBACK, is_timed=True),), rollbacks),
    Reading((Part(Measured.ATTEMPT),), attempts),
    Reading((Part(Measured.APPROVAL, is_timed=True),), approvals_waited_for),
    Reading((Part(Measured.DRILL), Part(Measured.DRILL_RESTORE, is_timed=True)), drilled),
    Reading(tuple(Part(Measured.ACTION_ITEM, key) for key in ("recorded", "done", "open", "overdue")), action_items),
)
