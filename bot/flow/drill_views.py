"""Drills as plain JSON values: what is planned, what was measured, and the seconds between."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any

from typing_extensions import TypedDict

from bot.domain.drill_schedules import rule_of
from bot.domain.drills import Drill
from bot.domain.times import format_time
from bot.flow.drill_facts import failure_of
from bot.flow.shapes import Time

MOMENTS = (
    ("started_at", "started"),
    ("injected_at", "injected"),
    ("detected_at", "detected"),
    ("decided_at", "decided"),
    ("first_action_at", "first action"),
    ("restored_at", "restored"),
    ("verified_at", "verified"),
    ("ended_at", "ended"),
)
"""The measured moments of a drill, in their order, with what people call them."""
SURPRISE = "a surprise: it is shown once it was detected"


class DrillView(TypedDict):
    """One drill."""

    id: str
    service: str
    environment: str
    playbook: str
    name: str | None
    """How the policy calls the failure."""
    state: str
    failure: str
    """What is brought about, in words."""
    schedule: str | None
    """The cron line, with its time zone; null where somebody asked for it."""
    slot: Time
    due_at: Time
    requested_by: str | None
    surprise: bool
    objective_seconds: float
    seconds_to_restore: float | None
    """From the failure being there (detected, where nothing was injected) to the proof that it is over."""
    passed: bool | None
    human: bool | None
    why: str
    actor: str | None
    """Who moved or skipped it."""
    started_at: Time | None
    ended_at: Time | None


class DrillPhase(TypedDict):
    """The time between two measured moments that follow each other."""

    since: str
    until: str
    at: Time
    seconds: float


class DrillDetail(DrillView):
    """One drill with all that was measured."""

    injected_at: Time | None
    detected_at: Time | None
    decided_at: Time | None
    first_action_at: Time | None
    restored_at: Time | None
    verified_at: Time | None
    phases: list[DrillPhase]
    rule: dict[str, Any]
    """The policy's entry as it was carried out."""
    reminded: list[str]
    incident_id: str | None
    event_id: str | None
    inject_run_id: str | None
    run_id: str | None
    cleanup_run_id: str | None


def drill_view(drill: Drill) -> DrillView:
    """For lists. What a surprise brings about is not told before it was detected."""
    rule = rule_of(drill)
    is_hidden = _is_hidden(drill)
    return {
        "id": drill.id,
        "service": drill.service,
        "environment": drill.environment,
        "playbook": drill.playbook,
        "name": None if is_hidden else rule.name,
        "state": str(drill.state),
        "failure": SURPRISE if is_hidden else failure_of(rule),
        "schedule": f"{rule.cron} {rule.timezone}" if drill.schedule and rule.cron else None,
        "slot": format_time(drill.slot),
        "due_at": format_time(drill.due_at),
        "requested_by": drill.requested_by,
        "surprise": drill.surprise,
        "objective_seconds": drill.objective_seconds,
        "seconds_to_restore": drill.seconds_to_restore,
        "passed": drill.passed,
        "human": drill.human,
        "why": drill.why,
        "actor": drill.actor,
        "started_at": _time(drill.started_at),
        "ended_at": _time(drill.ended_at),
    }


def drill_detail(drill: Drill) -> DrillDetail:
    """With every measured moment."""
    return {
        **drill_view(drill),
        "injected_at": _time(drill.injected_at),
        "detected_at": _time(drill.detected_at),
        "decided_at": _time(drill.decided_at),
        "first_action_at": _time(drill.first_action_at),
        "restored_at": _time(drill.restored_at),
        "verified_at": _time(drill.verified_at),
        "phases": phases_of(drill),
        "rule": {} if _is_hidden(drill) else dict(drill.rule),
        "reminded": list(drill.reminded),
        "incident_id": drill.incident_id,
        "event_id": drill.event_id,
        "inject_run_id": drill.inject_run_id,
        "run_id": drill.run_id,
        "cleanup_run_id": drill.cleanup_run_id,
    }


def phases_of(drill: Drill) -> list[DrillPhase]:
    """Between each measured moment and the next one; a moment that is not known makes no phase of its own."""
    known: list[tuple[str, datetime]] = [
        (said, moment) for name, said in MOMENTS if (moment := getattr(drill, name)) is not None
    ]
    known.sort(key=lambda one: one[1])
    return [_phase(one, other) for one, other in pairwise(known)]


def _phase(one: tuple[str, datetime], other: tuple[str, datetime]) -> DrillPhase:
    seconds = (other[1] - one[1]).total_seconds()
    return {"since": one[0], "until": other[0], "at": format_time(one[1]), "seconds": round(seconds, 3)}


def _is_hidden(drill: Drill) -> bool:
    return drill.surprise and drill.detected_at is None and not drill.is_ended


def _time(moment: datetime | None) -> Time | None:
    return format_time(moment) if moment else None
