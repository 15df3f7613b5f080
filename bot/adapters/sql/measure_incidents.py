"""Statements that measure incidents: detection, halt, recovery. Drills are left out of all of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CTE, ColumnElement, Executable, Select, and_, case, exists, func, literal, null, or_, select

from bot.adapters.sql.measure_functions import JsonField, Micros, MonthOf, WrittenMoment, listed
from bot.adapters.sql.release_tables import live_versions, walks
from bot.adapters.sql.run_tables import runs
from bot.adapters.sql.tables import TURNING_POINT, decisions, incidents, timeline
from bot.domain.decisions import Verdict
from bot.domain.events import AlertStatus
from bot.domain.incidents import IncidentStatus
from bot.domain.measures import SAME_DISRUPTION, Measured, Scope
from bot.domain.stages import STAGING

ROLLED_BACK = "rollback"
"""How a version that a rollback restored became live."""
_HALT, _ENDORSED = "halt", "endorsed"
_OPENING = (Verdict.NOTE, Verdict.RUN, Verdict.ASK, Verdict.JOIN, Verdict.OBSERVE, Verdict.HELD)
"""What is decided of an alert that opens an incident, or takes an accepted one up again."""

Tallied = Executable
"""Columns as the fields of a Tally but `of`: service, month, key, count, and times joined by commas or NULL."""


def placed(scope: Scope, table: Any) -> list[ColumnElement[bool]]:
    """Conditions on the environment and the service of a row."""
    is_there = table.c.environment != STAGING if scope.environment is None else table.c.environment == scope.environment
    return [is_there, *owned(scope, table)]


def owned(scope: Scope, table: Any) -> list[ColumnElement[bool]]:
    """Conditions on the service of a row."""
    return [] if scope.services is None else [table.c.service.in_(sorted(scope.services))]


def within(scope: Scope, moment: ColumnElement[Any]) -> ColumnElement[bool]:
    """In the period."""
    return and_(moment >= scope.period.start, moment < scope.period.end)


def turning_points() -> CTE:
    """By incident: the first and the last halt, and the last time that its restored state was accepted."""
    at = timeline.c.at
    return (
        select(
            timeline.c.incident_id,
            func.min(case((timeline.c.kind == _HALT, at)), type_=at.type).label("halted_at"),
            func.max(case((timeline.c.kind == _HALT, at)), type_=at.type).label("last_halt_at"),
            func.max(case((timeline.c.kind == _ENDORSED, at)), type_=at.type).label("endorsed_at"),
        )
        .where(TURNING_POINT)
        .group_by(timeline.c.incident_id)
        .cte("turning_points")
    )


def detections(scope: Scope) -> Tallied:
    """From the earliest start that the opening delivery's firing alerts state to its acceptance, by incident.

    Unknown where no start is stated, or one later than the acceptance: then the sender's clock is wrong.
    """
    started = WrittenMoment(JsonField(decisions.c.alert, "starts_at"))
    one = (
        select(incidents.c.service, incidents.c.opened_at, func.max(Micros(decisions.c.at, started)).label("micros"))
        .join_from(
            incidents,
            decisions,
            and_(decisions.c.event_id == incidents.c.event_id, decisions.c.incident_id == incidents.c.id),
        )
        .where(
            incidents.c.drill.is_(False),
            *placed(scope, incidents),
            within(scope, incidents.c.opened_at),
            JsonField(decisions.c.alert, "status") == AlertStatus.FIRING,
        )
        .group_by(incidents.c.id, incidents.c.service, incidents.c.opened_at)
        .subquery()
    )
    known = case((one.c.micros >= 0, one.c.micros))
    return _by_month(one.c.service, one.c.opened_at, listed(known))


def halts(scope: Scope) -> Tallied:
    """From the opening of an incident to its first halt; 0 for one that a halt opened."""
    points = turning_points()
    times = listed(Micros(points.c.halted_at, incidents.c.opened_at))
    return (
        _by_month(incidents.c.service, incidents.c.opened_at, times)
        .join_from(incidents, points, points.c.incident_id == incidents.c.id)
        .where(
            points.c.halted_at.is_not(None),
            incidents.c.drill.is_(False),
            *placed(scope, incidents),
            within(scope, incidents.c.opened_at),
        )
    )


def incidents_opened(scope: Scope) -> Tallied:
    """Each by itself; those that take up the one before are told apart."""
    before = incidents.alias("before")
    key = case((_follows(before), "again"), else_="first").label("key")
    month = MonthOf(incidents.c.opened_at)
    return (
        select(incidents.c.service, month, key, func.count(), null())
        .select_from(incidents.outerjoin(before, before.c.id == incidents.c.previous_id))
        .where(incidents.c.drill.is_(False), *placed(scope, incidents), within(scope, incidents.c.opened_at))
        .group_by(incidents.c.service, month, "key")
    )


def disruptions(scope: Scope) -> Tallied:
    """From the first opening to the end of the last incident of a chain. Unknown while that is not over."""
    seen = _chained(scope)
    month_of = func.min(seen.c.opened_at, type_=incidents.c.opened_at.type)
    last = func.max(seen.c.over_at, type_=incidents.c.opened_at.type)
    one = (
        select(
            func.min(seen.c.service).label("service"),
            month_of.label("opened_at"),
            case((func.count(seen.c.over_at) == func.count(), last)).label("over_at"),
            func.max(seen.c.deployment).label("deployment"),
        )
        .where(seen.c.chain > 0)  # what began before the period belongs to the month in which it began
        .group_by(seen.c.place, seen.c.chain)
        .subquery()
    )
    key = case((one.c.deployment == 1, "deployment"), else_="other").label("key")
    times = listed(Micros(one.c.over_at, one.c.opened_at))
    return (
        select(one.c.service, MonthOf(one.c.opened_at), key, func.count(), times)
        .where(one.c.opened_at < scope.period.end)
        .group_by(one.c.service, MonthOf(one.c.opened_at), "key")
    )


def _chained(scope: Scope) -> CTE:
    """Incidents from the period's start on, each with the number of its chain at its place; 0: of one begun before."""
    points, before = turning_points(), incidents.alias("before")
    chain = func.sum(case((_follows(before), 0), else_=1)).over(
        partition_by=incidents.c.place, order_by=(incidents.c.opened_at, incidents.c.id)
    )
    return (
        select(
            incidents.c.place,
            incidents.c.service,
            incidents.c.opened_at,
            _over_at(points).label("over_at"),
            _deployment(points).label("deployment"),
            chain.label("chain"),
        )
        .select_from(
            incidents.outerjoin(before, before.c.id == incidents.c.previous_id)
            .outerjoin(points, points.c.incident_id == incidents.c.id)
            .outerjoin(walks, walks.c.release_id == incidents.c.release_id)
        )
        .where(incidents.c.drill.is_(False), *placed(scope, incidents), incidents.c.opened_at >= scope.period.start)
        .cte("chained")
    )


def _follows(before: Any) -> ColumnElement[bool]:
    """Opened soon after the one before at its place was resolved; NULL where there is none."""
    longest = SAME_DISRUPTION.days * 86_400_000_000
    return and_(before.c.drill.is_(False), Micros(incidents.c.opened_at, before.c.resolved_at) <= longest)


def _over_at(points: CTE) -> ColumnElement[Any]:
    """When its restored state was accepted, unless it was taken up again; else when it was resolved."""
    endorsed, status = points.c.endorsed_at, incidents.c.status
    taken_up = or_(
        points.c.last_halt_at > endorsed,
        exists().where(runs.c.incident_id == incidents.c.id, runs.c.first_action_at > endorsed),
        exists().where(
            decisions.c.incident_id == incidents.c.id,
            decisions.c.at > endorsed,
            decisions.c.verdict.in_(_OPENING),
            JsonField(decisions.c.alert, "status") == AlertStatus.FIRING,
        ),
    )
    return case(
        (status == IncidentStatus.STABLE, endorsed),
        (status != IncidentStatus.RESOLVED, None),
        (endorsed.is_(None), incidents.c.resolved_at),
        (taken_up, incidents.c.resolved_at),
        else_=endorsed,
    )


def _deployment(points: CTE) -> ColumnElement[int]:
    """1 where the release that was live by then was halted or rolled back in this incident."""
    restored = exists().where(
        runs.c.incident_id == incidents.c.id,
        runs.c.drill.is_(False),
        runs.c.id == live_versions.c.run_id,
        live_versions.c.how == ROLLED_BACK,
    )
    intervened = or_(points.c.halted_at.is_not(None), restored)
    return case((and_(walks.c.live_at <= incidents.c.opened_at, intervened), 1), else_=0)


def _by_month(service: Any, moment: Any, times: ColumnElement[str]) -> Select[Any]:
    month = MonthOf(moment)
    return select(service, month, literal(""), func.count(), times).group_by(service, month)


INCIDENT_STATEMENTS = {
    Measured.INCIDENT: incidents_opened,
    Measured.DETECTION: detections,
    Measured.HALT: halts,
    Measured.DISRUPTION: disruptions,
}
