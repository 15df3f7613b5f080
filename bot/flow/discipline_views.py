"""How well each service's way back is proven, as plain JSON values: one shape for the API, `--json` and the page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from typing_extensions import TypedDict

from bot.domain.discipline import Attempt, Schedule, Spread, Verdict, spoken_span
from bot.domain.percentiles import METHOD
from bot.domain.policies import Policy
from bot.domain.times import format_duration, format_time
from bot.flow.discipline import DAYS, standings
from bot.flow.discipline_judging import Standing, Trouble
from bot.flow.shapes import Time
from bot.ports import Transaction


class AttemptView(TypedDict):
    """One drill or real rollback that has ended."""

    how: str
    """`drill` or `rollback`."""
    id: str
    environment: str
    playbook: str
    at: Time
    """When it ended."""
    result: str
    """`restored`, `failed` or `aborted`."""
    seconds: float | None
    objective_seconds: float
    within: bool | None
    """Whether it restored in time; None where that was not measured."""
    human: bool | None
    """Whether a person was needed; None: not known."""
    why: str


class SpreadView(TypedDict):
    """How long restorations took within the days that were asked for; null where none was measured."""

    tried: int
    measured: int
    last_seconds: float | None
    p50_seconds: float | None
    p95_seconds: float | None


class ScheduleView(TypedDict):
    """One entry of the policy's `drills` with a cron line."""

    environment: str
    playbook: str
    cron: str
    period_seconds: float | None
    objective_seconds: float
    last_passed_at: Time | None
    due_by: Time | None
    """Until when one has to have passed."""
    overdue: bool
    next_at: Time | None
    """When the next one is planned for."""


class TroubleView(TypedDict):
    """What is to be mended."""

    kind: str
    """`failed`, `aborted`, `missed` or `overdue`."""
    environment: str
    playbook: str
    text: str
    since: Time | None
    drill_id: str | None
    next_at: Time | None


class ServiceDiscipline(TypedDict):
    """Where one service stands."""

    service: str
    verdict: str
    """`proven`, `too_slow`, `failed`, `overdue` or `never_proven`."""
    why: str
    scheduled: bool
    objective_seconds: float
    assumed_seconds: float | None
    """The policy's `assumed_restore`."""
    comparison: str
    """The assumed figure beside the measured one; empty where nothing is assumed."""
    proven: AttemptView | None
    """The last that restored."""
    latest: AttemptView | None
    """The last in which something was tried."""
    drills: SpreadView
    rollbacks: SpreadView
    """Real ones."""
    schedules: list[ScheduleView]
    troubles: list[TroubleView]
    next_drill_at: Time | None
    recent: list[AttemptView]
    """The last twelve with a measured time, oldest first."""


class Discipline(TypedDict):
    """How well every way back is proven."""

    at: Time
    days: int
    """So far back goes what is measured."""
    percentiles: str
    """The method."""
    in_order: bool
    """Every service with a schedule is proven, and fast enough."""
    services: list[ServiceDiscipline]


def discipline_view(
    tx: Transaction, policies: Mapping[str, Policy], *, now: datetime, days: int = DAYS, service: str | None = None
) -> Discipline:
    """Every service by name, or the one that was asked for."""
    found = standings(tx, policies, now=now, days=days, service=service)
    return {
        "at": format_time(now),
        "days": days,
        "percentiles": METHOD,
        "in_order": all(one.verdict is Verdict.PROVEN for one in found if one.is_scheduled),
        "services": [service_discipline(one) for one in found],
    }


def service_discipline(one: Standing) -> ServiceDiscipline:
    """One service."""
    return {
        "service": one.service,
        "verdict": str(one.verdict),
        "why": one.why,
        "scheduled": one.is_scheduled,
        "objective_seconds": one.objective.total_seconds(),
        "assumed_seconds": one.assumed.total_seconds() if one.assumed else None,
        "comparison": _comparison(one.assumed, one.measured),
        "proven": _attempt(one.proof) if one.proof else None,
        "latest": _attempt(one.latest) if one.latest else None,
        "drills": _spread(one.drills),
        "rollbacks": _spread(one.rollbacks),
        "schedules": [_schedule(schedule, one) for schedule in one.schedules],
        "troubles": [_trouble(trouble) for trouble in one.troubles],
        "next_drill_at": _time(one.next_at),
        "recent": [_attempt(attempt) for attempt in one.recent],
    }


def _comparison(assumed: timedelta | None, measured: Attempt | None) -> str:
    if assumed is None:
        return ""
    if measured is None or measured.seconds is None:
        return f"assumed {format_duration(assumed)}, never measured"
    return f"assumed {format_duration(assumed)}, measured {spoken_span(measured.seconds)}"


def _attempt(one: Attempt) -> AttemptView:
    return {
        "how": str(one.how),
        "id": one.id,
        "environment": one.environment,
        "playbook": one.playbook,
        "at": format_time(one.at),
        "result": str(one.result),
        "seconds": one.seconds,
        "objective_seconds": one.objective_seconds,
        "within": None if one.seconds is None else not one.is_slow,
        "human": one.human,
        "why": one.why,
    }


def _spread(one: Spread) -> SpreadView:
    return {
        "tried": one.tried,
        "measured": one.measured,
        "last_seconds": one.last,
        "p50_seconds": one.p50,
        "p95_seconds": one.p95,
    }


def _schedule(one: Schedule, standing: Standing) -> ScheduleView:
    place = (one.environment, one.playbook)
    return {
        "environment": one.environment,
        "playbook": one.playbook,
        "cron": one.cron,
        "period_seconds": one.period.total_seconds() if one.period else None,
        "objective_seconds": one.objective.total_seconds(),
        "last_passed_at": format_time(one.last_passed.at) if one.last_passed else None,
        "due_by": _time(one.due_by),
        "overdue": any((t.environment, t.playbook, t.kind) == (*place, "overdue") for t in standing.troubles),
        "next_at": _time(one.next_at),
    }


def _trouble(one: Trouble) -> TroubleView:
    return {
        "kind": one.kind,
        "environment": one.environment,
        "playbook": one.playbook,
        "text": one.text,
        "since": _time(one.since),
        "drill_id": one.drill_id,
        "next_at": _time(one.next_at),
    }


def _time(moment: datetime | None) -> Time | None:
    return format_time(moment) if moment else None
