"""Makes notices due: one row per audience, with the facts as they are now and the record that caused it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.domain.incidents import Incident
from bot.domain.judging import release_facts
from bot.domain.policies import Policy
from bot.domain.records import Notice
from bot.domain.releases import Release
from bot.domain.runs import Run
from bot.domain.step_states import StepState, StepStatus
from bot.domain.times import format_duration, format_time
from bot.ports import Ids

HOUSE = "andon"
"""The service that a notice about Andon itself names."""


class Teller:
    """Builds due notices. It decides who is told, never in which words."""

    def __init__(self, ids: Ids, address: str) -> None:
        self._ids = ids
        self._address = address

    def about_incident(
        self,
        name: str,
        *,
        policy: Policy,
        incident: Incident,
        cause: str,
        now: datetime,
        run: Run | None = None,
        release: Release | None = None,
        audiences: tuple[str, ...] = (),
        **facts: Any,
    ) -> list[Notice]:
        """One notice for each audience that hears of an incident this bad, or for the named ones only."""
        told = audiences or policy.told(incident.severity)
        everything = {
            "as_of": format_time(now),
            "service": policy.service,
            "summary": policy.summary,
            "environment": incident.environment,
            "incident": incident_facts(incident, self._address),
            "release": release_facts(release),
            "run": run_facts(run) if run else {},
            **facts,
        }
        return [
            Notice(
                id=self._ids.new("ntc"),
                service=policy.service,
                audience=audience,
                name=name,
                cause=cause,
                due_at=now,
                facts=everything,
                revision=incident.revision,
                incident_id=incident.id,
                run_id=run.id if run else None,
            )
            for audience in told
        ]

    def about_house(self, name: str, *, cause: str, now: datetime, **facts: Any) -> Notice:
        """One notice to the engineers who keep Andon running: a dead letter, for instance."""
        return Notice(
            id=self._ids.new("ntc"),
            service=HOUSE,
            audience="engineering",
            name=name,
            cause=cause,
            due_at=now,
            facts={"as_of": format_time(now), "service": HOUSE, "address": self._address, **facts},
        )


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
        "steps": [
            {"id": step.id, "use": step.use, "status": str(step.status), "error": step.error} for step in run.steps
        ],
        "proof": [_proof(run, step) for step in run.steps if _is_proof(step)],
    }


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
