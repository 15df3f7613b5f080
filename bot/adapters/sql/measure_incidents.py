"""Statements that measure incidents: detection, halt, recovery. Drills are left out of all of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    Join,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)

from bot.adapters.sql.measure_functions import JsonField, MayHold, Micros, MonthOf, listed
from bot.adapters.sql.measure_rows import Part, Reading, flag, placed, within
from bot.adapters.sql.release_tables import RESTORED, live_versions, walks
from bot.adapters.sql.run_tables import runs
from bot.adapters.sql.tables import TURNING_POINT, decisions, incidents, timeline
from bot.domain.decisions import Verdict
from bot.domain.events import AlertStatus
from bot.domain.incidents import IncidentStatus
from bot.domain.measures import SAME_DISRUPTION, Measured, Scope

HALT, _ENDORSED = "halt", "endorsed"
_OPENING = (Verdict.NOTE, Verdict.RUN, Verdict.ASK, Verdict.JOIN, Verdict.OBSERVE, Verdict.HELD)
"""What is decided of an alert that takes an accepted incident up again."""
_MOMENT = incidents.c.opened_at.type
_FIRES = JsonField(decisions.c.alert, "status") == AlertStatus.FIRING
_MAY_FIRE = MayHold(decisions.c.alert, literal_column(f"""'"status":"{AlertStatus.FIRING}"'"""))
"""The alert of a decision, as JSON is written here, has these words in it where it fires."""


def _turning_points() -> CTE:
    """By incident: the last halt, and the last time that its restored state was accepted."""
    at = timeline.c.at
    return (
        select(
            timeline.c.incident_id,
            func.max(case((timeline.c.kind == HALT, at)), type_=at.type).label("halted_at"),
            func.max(case((timeline.c.kind == _ENDORSED, at)), type_=at.type).label("endorsed_at"),
        )
        .where(TURNING_POINT)
        .group_by(timeline.c.incident_id)
        .cte("turning_points")
    )


def opened(scope: Scope) -> Select[Any]:
    """All of them, each by itself; and those that an alert opened, from the beginning that it stated to the opening.

    That time is unknown where none is stated, or one later than the opening: then the sender's clock is wrong.
    """
    began, month = incidents.c.began_at, MonthOf(incidents.c.opened_at)
    detected = case((began <= incidents.c.opened_at, Micros(incidents.c.opened_at, began)))
    return (
        select(
            incidents.c.service,
            month,
            literal(""),
            func.count(),
            func.sum(flag(incidents.c.by_alert)),
            listed(detected),
        )
        .where(incidents.c.drill.is_(False), *placed(scope, incidents), within(scope, incidents.c.opened_at))
        .group_by(incidents.c.service, month)
    )


def halts(scope: Scope) -> Select[Any]:
    """From the opening of an incident to its first halt; 0 for one that a halt opened."""
    at, month = timeline.c.at, MonthOf(incidents.c.opened_at)
    first = (
        select(timeline.c.incident_id, func.min(at, type_=at.type).label("at"))
        .where(TURNING_POINT, timeline.c.kind == HALT)
        .group_by(timeline.c.incident_id)
        .subquery()
    )
    return (
        select(incidents.c.service, month, literal(""), func.count(), listed(Micros(first.c.at, incidents.c.opened_at)))
        .join_from(first, incidents, incidents.c.id == first.c.incident_id)
        .where(incidents.c.drill.is_(False), *placed(scope, incidents), within(scope, incidents.c.opened_at))
        .group_by(incidents.c.service, month)
    )


def disruptions(scope: Scope) -> Select[Any]:
    """From the first opening to the end of the last incident of a chain, unknown while that is not over; and how many
    incidents took it up again."""
    points, heads = _turning_points(), _heads(scope)
    one = union_all(_alone(scope, points, heads), _chained(scope, points, heads)).subquery()
    key = case((one.c.deployment == 1, "deployment"), else_="other").label("key")
    month, times = MonthOf(one.c.opened_at), listed(Micros(one.c.over_at, one.c.opened_at))
    return (
        select(one.c.service, month, key, func.count(), times, func.sum(one.c.again))
        .where(within(scope, one.c.opened_at))
        .group_by(one.c.service, month, "key")
    )


def _alone(scope: Scope, points: CTE, heads: CTE) -> Select[Any]:
    """Incidents that are in no chain: nearly all, so it pays to group none of them."""
    columns = (*_of_each(points), literal(0).label("again"))
    return select(*columns).select_from(_with_all(points)).where(*_near(scope), incidents.c.id.not_in(_linked(heads)))


def _chained(scope: Scope, points: CTE, heads: CTE) -> Select[Any]:
    """Chains of incidents. Of one begun before the period there is at least one incident from before, which tells it
    from those begun in it."""
    seen = (
        select(func.coalesce(heads.c.head, incidents.c.id).label("chain"), *_of_each(points))
        .select_from(_with_all(points).outerjoin(heads, heads.c.id == incidents.c.id))
        .where(*_near(scope), incidents.c.id.in_(_linked(heads)))
        .subquery()
    )
    last = func.max(seen.c.over_at, type_=_MOMENT)
    return select(
        func.min(seen.c.service).label("service"),
        func.min(seen.c.opened_at, type_=_MOMENT).label("opened_at"),
        case((func.count(seen.c.over_at) == func.count(), last)).label("over_at"),
        func.max(seen.c.deployment).label("deployment"),
        (func.count() - 1).label("again"),
    ).group_by(seen.c.chain)


def _of_each(points: CTE) -> tuple[ColumnElement[Any], ...]:
    over_at, deployment = _over_at(points).label("over_at"), _deployment(points).label("deployment")
    return incidents.c.service, incidents.c.opened_at, over_at, deployment


def _with_all(points: CTE) -> Join:
    return incidents.outerjoin(points, points.c.incident_id == incidents.c.id).outerjoin(
        walks, walks.c.release_id == incidents.c.release_id
    )


def _linked(heads: CTE) -> CompoundSelect[Any]:
    """Incidents that are in a chain with another."""
    return select(heads.c.id).union(select(heads.c.head))


def _near(scope: Scope) -> list[ColumnElement[bool]]:
    """Of the period, or such that it may be in a chain with one of it."""
    start = scope.period.start
    may_belong = or_(incidents.c.opened_at >= start, incidents.c.resolved_at >= start - SAME_DISRUPTION)
    return [incidents.c.drill.is_(False), *placed(scope, incidents), may_belong]


def _heads(scope: Scope) -> CTE:
    """Those that take up the one before, soon after it was resolved, each with the first of its chain."""
    before = incidents.alias("before")
    is_soon = Micros(incidents.c.opened_at, before.c.resolved_at) <= SAME_DISRUPTION.days * 86_400_000_000
    follows = (
        select(incidents.c.id, incidents.c.previous_id)
        .join_from(incidents, before, before.c.id == incidents.c.previous_id)
        .where(*_near(scope), before.c.drill.is_(False), is_soon)
        .cte("follows")
    )
    earlier = follows.alias("earlier")
    heads = (
        select(follows.c.id, follows.c.previous_id.label("head"))
        .select_from(follows.outerjoin(earlier, earlier.c.id == follows.c.previous_id))
        .where(earlier.c.id.is_(None))
        .cte("heads", recursive=True)
    )
    return heads.union_all(
        select(follows.c.id, heads.c.head).join_from(follows, heads, heads.c.id == follows.c.previous_id)
    )


def _over_at(points: CTE) -> ColumnElement[Any]:
    """When its restored state was accepted, unless it was taken up again; else when it was resolved."""
    endorsed, status = points.c.endorsed_at, incidents.c.status
    taken_up = or_(
        points.c.halted_at > endorsed,
        exists().where(runs.c.incident_id == incidents.c.id, runs.c.first_action_at > endorsed),
        exists().where(
            decisions.c.incident_id == incidents.c.id,
            decisions.c.at > endorsed,
            decisions.c.verdict.in_(_OPENING),
            _MAY_FIRE,
            _FIRES,
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
    restored = exists().where(runs.c.incident_id == incidents.c.id, live_versions.c.run_id == runs.c.id, RESTORED)
    intervened = or_(points.c.halted_at.is_not(None), restored)
    return flag(and_(walks.c.live_at <= incidents.c.opened_at, intervened))


INCIDENT_READINGS = (
    Reading((Part(Measured.DISRUPTION, is_timed=True), Part(Measured.REOPENED)), disruptions),
    Reading((Part(Measured.HALT, is_timed=True),), halts),
    Reading((Part(Measured.INCIDENT), Part(Measured.DETECTION, is_timed=True)), opened),
)
