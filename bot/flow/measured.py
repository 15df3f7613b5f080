"""What can be said of an incident without asking anybody: the draft of an update, and what the bot posts itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.incidents import Incident, IncidentStatus
from bot.domain.minutes import Minute, MinuteKind
from bot.domain.records import Approval
from bot.domain.runs import Run, RunStatus
from bot.domain.step_states import StepState, StepStatus
from bot.flow.items import item_facts, promises
from bot.flow.told_facts import run_facts
from bot.ports import Transaction

_STANDS = {
    IncidentStatus.OPEN: "is not restored",
    IncidentStatus.HALTED: "is halted: nothing of it is promoted",
    IncidentStatus.ROLLING_BACK: "is being rolled back",
    IncidentStatus.MONITORING: "is restored and is being watched",
    IncidentStatus.STABLE: "is restored, and that was accepted",
    IncidentStatus.RESOLVED: "is resolved",
}
_MOST_ITEMS = 5


@dataclass(frozen=True)
class Measured:
    """How things stand by the records alone. Nothing here was said by a person but the questions and promises."""

    text: str
    measurements: Sequence[Mapping[str, Any]]
    items: Sequence[Mapping[str, Any]]

    def facts(self) -> dict[str, Any]:
        """As a notice holds it."""
        return {
            "measurements": list(self.measurements),
            "questions": [one for one in self.items if one["kind"] == MinuteKind.QUESTION],
            "action_items": [one for one in self.items if one["kind"] == MinuteKind.ACTION_ITEM],
        }


def measure(tx: Transaction, incident: Incident, now: datetime) -> Measured:
    """The state of the incident and of its newest run, the last values that were measured, what nobody has answered."""
    run = next(iter(tx.runs(limit=1, incident_id=incident.id)), None)
    asked = next((one for one in tx.approvals(run.id) if one.is_open), None) if run else None
    seen = list(_measurements(run)) if run else []
    items = promises(tx.minutes(incident.id))[:_MOST_ITEMS]
    text = " ".join(_sentences(incident, run, asked, seen, items))
    return Measured(text, seen, [item_facts(one, now) for one in items])


def _sentences(
    incident: Incident, run: Run | None, asked: Approval | None, seen: Sequence[Mapping[str, Any]], items: list[Minute]
) -> Iterator[str]:
    yield f"{incident.service} in {incident.environment} {_STANDS[incident.status]}."
    if run is not None:
        yield _about_run(run, asked)
    yield from (_about_value(one) for one in seen)
    if incident.alert_count:
        yield f"Alerts so far: {incident.alert_count}."
    for one in items:
        owner = f" ({one.owner})" if one.owner else " (nobody yet)"
        kind = "To do" if one.kind is MinuteKind.ACTION_ITEM else "Without an answer"
        yield f"{kind}: {one.text.rstrip('.')}{owner}."


def _about_run(run: Run, asked: Approval | None) -> str:
    what = f"The run of {run.playbook.name}"
    if asked is not None:
        return f"{what} waits for a member of {asked.role}: {asked.question}"
    match run.status:
        case RunStatus.NEEDS_HUMAN:
            return f"{what} stopped and needs a person: {run.error.rstrip('.')}."
        case RunStatus.QUEUED | RunStatus.RUNNING | RunStatus.WAITING:
            step = run.next_step
            at = f" at its step {step.id}" if step else ""
            late = ", which has passed" if run.breached_at else ""
            return f"{what} goes on{at}; its deadline is {run.deadline:%H:%M:%S} UTC{late}."
        case RunStatus.SUCCEEDED:
            return f"{what} succeeded at {run.finished_at:%H:%M:%S} UTC."
    return f"{what} is {run.status}: {run.error.rstrip('.')}."


def _measurements(run: Run) -> Iterator[Mapping[str, Any]]:
    """What the run's waits measured: those that held, and what the one that goes on saw last."""
    yield from ({**one, "holds": True, "seen": "", "at": ""} for one in run_facts(run)["proof"])
    for step in run.steps:
        if step.status in (StepStatus.WAITING, StepStatus.STARTED) and step.state.get("seen"):
            yield {"step": step.id, "condition": "", "value": _value(step), "held_seconds": None, "holds": False,
                   "seen": str(step.state["seen"]), "at": str(step.state.get("at") or "")}  # fmt: skip


def _value(step: StepState) -> Any:
    return step.output.get("value")


def _about_value(one: Mapping[str, Any]) -> str:
    if not one["holds"]:
        return f"Measured last in {one['step']}: {one['seen']}."
    value = f" at {one['value']}" if one["value"] is not None else ""
    return f"Measured in {one['step']}: {one['condition']} held for {one['held_seconds']:g} s{value}."
