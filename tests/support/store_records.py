"""Records to fill a store with: valid, distinct, and changed field by field where a test cares."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ulid import ULID

from bot.domain.decisions import Decision, Verdict
from bot.domain.events import AlertState, AlertStatus, Disposition, Event
from bot.domain.incidents import Incident, Severity
from bot.domain.playbooks import Playbook, plan_hash
from bot.domain.policy_versions import FileKind, PolicyVersion, digest_of
from bot.domain.records import Approval, AuditEntry, Notice, TimelineEntry
from bot.domain.releases import Release
from bot.domain.runs import Run

AT = datetime(2026, 11, 20, 11, 33, 30, 396_123, tzinfo=UTC)
"""A moment with microseconds."""

PLAYBOOK = Playbook.model_validate(
    {
        "playbook": "rollback_model",
        "summary": "Put the incumbent back",
        "steps": [
            {
                "id": "restore",
                "use": "http_request",
                "with": {"method": "POST", "url": "{{ target.deployer }}", "json": {"to": "41", "n": [1, 2.5, None]}},
                "timeout": "1m30s",
                "tries": 3,
                "if_interrupted": "repeat",
                "undo": {"use": "http_request", "with": {"method": "POST"}},
            },
            {"id": "verify", "use": "wait_for_metric", "check": {"use": "http_request", "with": {}}},
            {"id": "accept", "use": "ask_approval"},
        ],
    }
)


def new_id(kind: str) -> str:
    """A sortable id as the product makes them."""
    return f"{kind}-{str(ULID()).lower()}"


def event(**changes: Any) -> Event:
    """An accepted alertmanager request."""
    values: dict[str, Any] = {
        "id": new_id("evt"),
        "source": "alertmanager",
        "dedup_key": new_id("key"),
        "accepted_at": AT,
        "disposition": Disposition.ACCEPTED,
        "alerts": 2,
        "body": b'{"alerts": []}\x00\xff',
        "headers": {"content-type": "application/json", "x-ü": "ß"},
    }
    return Event(**values | changes)


def decision(of: Event, **changes: Any) -> Decision:
    """A decision about an event."""
    values: dict[str, Any] = {
        "id": new_id("dec"),
        "event_id": of.id,
        "at": AT,
        "verdict": Verdict.NOTE,
        "reason": "no rollback criterion holds",
        "alert": {"labels": {"alertname": "Drift"}, "n": [1, {"deep": None}]},
    }
    return Decision(**values | changes)


def alert_state(of: Event, identity: str, **changes: Any) -> AlertState:
    """What is remembered of one alert."""
    values: dict[str, Any] = {
        "source": of.source,
        "identity": identity,
        "status": AlertStatus.FIRING,
        "starts_at": AT,
        "resolved_starts_at": None,
        "event_id": of.id,
        "seen_at": AT,
    }
    return AlertState(**values | changes)


def incident(**changes: Any) -> Incident:
    """An open incident of the fraud model in production."""
    values: dict[str, Any] = {
        "id": new_id("inc"),
        "service": "fraud-model",
        "environment": "production",
        "severity": Severity.SEV_1,
        "title": "Predictions diverge",
        "opened_at": AT,
    }
    return Incident(**values | changes)


def run(**changes: Any) -> Run:
    """A queued run of three steps."""
    facts = changes.pop("facts", {"service": "fraud-model", "release": {"candidate": "42"}, "list": [1, "two"]})
    playbook = changes.pop("playbook", PLAYBOOK)
    values: dict[str, Any] = {
        "id": new_id("run"),
        "service": "fraud-model",
        "environment": "production",
        "plan_hash": plan_hash(playbook, facts),
        "facts": facts,
        "accepted_at": AT,
        "deadline": AT + timedelta(minutes=5),
    }
    return Run.planned(playbook=playbook, **values | changes)


def release(**changes: Any) -> Release:
    """A release in flight."""
    values: dict[str, Any] = {
        "id": new_id("rel"),
        "service": "fraud-model",
        "incumbent": "41",
        "candidate": "42",
        "opened_at": AT,
    }
    return Release(**values | changes)


def notice(**changes: Any) -> Notice:
    """A notice that is due since long ago."""
    values: dict[str, Any] = {
        "id": new_id("ntc"),
        "service": "fraud-model",
        "audience": "engineering",
        "name": "restored",
        "cause": "run:run-1",
        "due_at": AT,
        "facts": {"seconds": 4.25},
    }
    return Notice(**values | changes)


def approval(of: Run, **changes: Any) -> Approval:
    """A question about a run."""
    values: dict[str, Any] = {
        "id": new_id("apr"),
        "run_id": of.id,
        "role": "endorser",
        "question": "Is the incumbent serving normally?",
        "plan_hash": of.plan_hash,
        "asked_at": AT,
        "expires_at": AT + timedelta(minutes=15),
    }
    return Approval(**values | changes)


def timeline_entry(of: Incident, text: str, **changes: Any) -> TimelineEntry:
    """A line of an incident's history."""
    values: dict[str, Any] = {"id": new_id("tml"), "incident_id": of.id, "at": AT, "kind": "note", "text": text}
    return TimelineEntry(**values | changes)


def policy_version(text: str, **changes: Any) -> PolicyVersion:
    """A text of the fraud model's policy that is in force and that somebody else has read."""
    values: dict[str, Any] = {
        "kind": FileKind.POLICY,
        "name": "fraud-model",
        "digest": digest_of(text.encode()),
        "text": text,
        "first_in_force_at": AT,
        "in_force_since": AT,
        "commit": "4f0c" * 10,
        "committed_at": AT - timedelta(days=1),
        "author": "Lena <lena@example.com>",
        "reviewer": "Omar <omar@example.com>",
        "is_reviewed": True,
    }
    return PolicyVersion(**values | changes)


def audit_entry(number: int = 0, **changes: Any) -> AuditEntry:
    """A row of the trail."""
    values: dict[str, Any] = {
        "at": AT,
        "actor": "token-lead",
        "action": "run.approve",
        "subject": f"run:run-{number}",
        "data": {"number": number},
    }
    return AuditEntry(**values | changes)
