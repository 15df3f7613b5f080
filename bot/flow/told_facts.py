"""What notices may say of records: plain JSON values, the same for every audience and medium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.incidents import Incident
from bot.domain.report_facts import Fact, newest, spoken
from bot.domain.runs import Run
from bot.domain.step_states import StepState, StepStatus
from bot.domain.times import format_duration, format_time

_FIGURES = ("metric", "confidence_interval", "reproduced")
"""Fields whose numbers notices write in their own words."""


def report_facts(facts: Sequence[Fact]) -> dict[str, Any]:
    """What was reported: `report` in plain words, `sources` of it, and in `asked` who was asked for what is missing."""
    current = newest(list(facts))
    known = {name: fact for name, fact in current.items() if fact.is_known}
    return {
        "report": {name: spoken(name, fact.value) for name, fact in known.items()},
        "sources": {name: fact.source for name, fact in known.items()},
        "asked": {name: fact.asked for name, fact in current.items() if not fact.is_known and fact.asked},
        "alternatives": known["alternatives"].value if "alternatives" in known else [],
        "figures": {name: known[name].value for name in _FIGURES if name in known},
    }


def incident_facts(incident: Incident, address: str) -> dict[str, Any]:
    """What notices may say of an incident."""
    return {
        "id": incident.id,
        "title": incident.title,
        "severity": str(incident.severity),
        "status": str(incident.status),
        "opened_at": format_time(incident.opened_at),
        "alerts": incident.alert_count,
        "revision": incident.revision,
        "owner": incident.owner or "",
        "environment": incident.environment,
        "url": f"{address}/incidents/{incident.id}",
    }


def run_facts(run: Run) -> Mapping[str, Any]:
    """What notices may say of a run."""
    stopped = next((step for step in run.steps if step.status in (StepStatus.FAILED, StepStatus.UNKNOWN)), None)
    seconds = (run.finished_at - run.accepted_at).total_seconds() if run.finished_at else None
    return {
        "id": run.id,
        "playbook": run.playbook.name,
        "kind": str(run.kind),
        "summary": run.playbook.summary,
        "status": str(run.status),
        "criterion": run.criterion or "",
        "authority": run.authority,
        "requested_by": run.requested_by or "",
        "approved_by": run.approved_by or "",
        "plan_hash": run.plan_hash,
        "drill": run.drill,
        "deadline": format_time(run.deadline),
        "within": format_duration(run.deadline - run.accepted_at),
        "late": bool(run.breached_at),
        "seconds": round(seconds, 2) if seconds is not None else None,
        "seconds_to_first_action": run.seconds_to_first_action,
        "error": run.error,
        "stopped_at": {"id": stopped.id, "status": str(stopped.status), "error": stopped.error} if stopped else {},
        "steps": [_step_facts(step) for step in run.steps],
        "step": _current(run),
        "proof": [_proof(run, step) for step in run.steps if _is_proof(step)],
    }


def _step_facts(step: StepState) -> dict[str, Any]:
    span = step.finished_at - step.started_at if step.started_at and step.finished_at else None
    return {
        "id": step.id,
        "use": step.use,
        "status": str(step.status),
        "error": step.error,
        "seconds": round(span.total_seconds(), 2) if span is not None else None,
    }


def _current(run: Run) -> dict[str, Any]:
    """The step that the run is at, counted from one; nothing where all are settled."""
    for number, step in enumerate(run.steps, 1):
        if not step.is_settled:
            return {"number": number, "of": len(run.steps), "id": step.id, "status": str(step.status)}
    return {}


def _is_proof(step: StepState) -> bool:
    """A wait that held: what was measured, for how long."""
    return step.status is StepStatus.DONE and "held_seconds" in step.output


def _proof(run: Run, step: StepState) -> dict[str, Any]:
    written = run.spec(step.id).with_
    expect = written.get("expect")
    condition = written.get("condition") or (expect.get("condition") if isinstance(expect, Mapping) else None)
    return {
        "step": step.id,
        "condition": str(condition or "answers as expected"),
        "value": step.output.get("value"),
        "held_seconds": step.output["held_seconds"],
    }
