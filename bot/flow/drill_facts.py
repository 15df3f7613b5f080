"""What notices, pages and answers say of a drill: what will happen, when, by whom it may be needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.domain.configuration import Configuration
from bot.domain.drill_schedules import rule_of
from bot.domain.drills import Drill, DrillState
from bot.domain.incidents import Incident
from bot.domain.playbooks import StepSpec
from bot.domain.policies import DrillRule, Policy
from bot.domain.times import format_duration, format_time
from bot.ports import Transaction

_MOST = 200
"""Drills that a gate looks at."""
ASKS = "ask_approval"
"""The step that asks a role."""


def drill_facts(drill: Drill, address: str) -> dict[str, Any]:
    """The record `drill` of a notice: every key is a text, but `seconds` (a number), `surprise` and `human` (yes or
    no); null where nobody knows it."""
    rule, seconds = rule_of(drill), drill.seconds_to_restore
    return {
        "id": drill.id,
        "name": rule.name,
        "environment": drill.environment,
        "playbook": drill.playbook,
        "state": str(drill.state),
        "slot": format_time(drill.slot),
        "due_at": format_time(drill.due_at),
        "objective": format_duration(drill.objective),
        "failure": failure_of(rule),
        "surprise": drill.surprise,
        "requested_by": drill.requested_by,
        "actor": drill.actor,
        "why": drill.why,
        "url": f"{address}/drills/{drill.id}",
        "seconds": round(seconds, 2) if seconds is not None else None,
        "human": drill.human,
        "incident": f"{address}/incidents/{drill.incident_id}" if drill.incident_id else "",
    }


def rehearsed(drill: Drill) -> list[dict[str, Any]]:
    """What was measured, in its order: {what, at, seconds since the failure was there}, as far as it came."""
    begun = drill.injected_at or drill.detected_at
    moments = ("injected", "detected", "decided", "first_action", "restored", "verified")
    found = [(name, getattr(drill, f"{name}_at")) for name in moments]
    return [
        {
            "what": name.replace("_", " "),
            "at": format_time(at),
            "seconds": round((at - begun).total_seconds(), 2),
        }
        for name, at in found
        if at is not None and begun is not None
    ]


def failure_of(rule: DrillRule) -> str:
    """The failure that is brought about, in words."""
    steps = ", ".join(f"{step.id} ({step.use})" for step in rule.inject)
    labels = ", ".join(f"{name} {value}" for name, value in rule.alert.items())
    if not steps:
        return f"none is brought about; the alert says {labels}" if labels else "none; the playbook is run by itself"
    return f"{rule.name}: {steps}" if rule.name else steps


def needed_roles(policy: Policy, configuration: Configuration, playbook: str) -> Mapping[str, tuple[str, ...]]:
    """The roles that may be asked while this playbook is rehearsed, with their members: by its own steps, and by the
    criteria that lead to it."""
    known = configuration.playbooks.get(playbook)
    roles = [*_asked(known.steps if known else ())]
    roles += [one.authority for one in policy.rollback if one.playbook == playbook and not one.is_automatic]
    return {role: policy.members(role) for role in dict.fromkeys(roles)}


def _asked(steps: Iterable[StepSpec]) -> Iterable[str]:
    for step in steps:
        role = step.with_.get("role")
        if step.use == ASKS and isinstance(role, str):
            yield role


def hearing_of(tx: Transaction, incident: Incident) -> frozenset[str]:
    """The audiences that the drill of an incident tells besides engineering; of an incident of no drill none."""
    if not incident.drill:
        return frozenset()
    place = (incident.service, incident.environment)
    drill = tx.drill_of_incident(incident.id) or tx.running_drill(*place)
    return frozenset(rule_of(drill).tell) if drill else frozenset()


def judged_drills(tx: Transaction, service: str) -> list[dict[str, Any]]:
    """What the gate `drill` reads: those that came to a verdict, newest first. One that never began says nothing of the
    way back."""
    judged = (DrillState.PASSED, DrillState.FAILED, DrillState.ABORTED)
    return [
        {
            "id": one.id,
            "playbook": one.playbook,
            "environment": one.environment,
            "passed": one.passed,
            "ended_at": one.ended_at,
        }
        for one in tx.drills(limit=_MOST, service=service, states=judged)
    ]
