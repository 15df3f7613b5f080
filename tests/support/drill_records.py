"""Drills and real rollbacks that have ended, with the times that a test cares about."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.domain.drills import Drill, DrillState
from bot.domain.playbooks import Playbook
from bot.domain.runs import Run, RunStatus
from support.store_records import AT, PLAYBOOK, new_id, run


def drill(ended_at: datetime | None, *, seconds: float = 100.0, **changes: Any) -> Drill:
    """A scheduled drill that passed, and took so long; none of the times of a drill that has not ended."""
    made = new_id("drl")
    slot = (ended_at or AT) - timedelta(minutes=10)
    begun = ended_at - timedelta(seconds=seconds) if ended_at else None
    values: dict[str, Any] = {
        "id": made,
        "claim": made,
        "service": "fraud-model",
        "environment": "staging",
        "playbook": "rollback_model",
        "schedule": "fraud-model/rollback_model",
        "slot": slot,
        "due_at": changes.get("slot", slot),
        "objective_seconds": 300.0,
        "state": DrillState.PASSED,
        "injected_at": begun,
        "verified_at": ended_at,
        "ended_at": ended_at,
    }
    values |= changes
    if not values["state"].is_running:  # a place has one that runs
        return Drill(**values)
    return Drill(**values | {"environment": "busy"})


def ended_run(finished_at: datetime | None, *, seconds: float = 100.0, **changes: Any) -> Run:
    """A real rollback that succeeded, and took so long."""
    accepted = (finished_at or AT) - timedelta(seconds=seconds)
    return run(
        **{
            "accepted_at": accepted,
            "deadline": accepted + timedelta(minutes=5),
            "finished_at": finished_at,
            "status": RunStatus.SUCCEEDED,
            **changes,
        }
    )


def playbook_of_kind(kind: str, *, name: str = "", summary: str = "") -> Playbook:
    """A playbook that does something else to a release."""
    plain = {**PLAYBOOK.plain, "kind": kind, "summary": summary, "playbook": name or f"{kind}_it"}
    return Playbook.model_validate(plain)
