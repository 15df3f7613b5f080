"""Decisions: the recorded answer to every event, and the pure rule that gives it for an alert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.events import Alert, AlertStatus, EventKind
from bot.domain.incidents import Severity
from bot.domain.times import format_time, parse_time


class Verdict(StrEnum):
    """What was decided."""

    IGNORE = "ignore"
    """No policy is about it."""
    DUPLICATE = "duplicate"
    STALE = "stale"
    """A firing alert that began no later than one already resolved."""
    NOTE = "note"
    """Recorded at its incident; nothing is done."""
    RUN = "run"
    """A run starts by itself."""
    ASK = "ask"
    """A run is planned and waits for an approval."""
    JOIN = "join"
    """Another run of the same service and environment is at it."""
    OBSERVE = "observe"
    """The policy only observes: what would have been done is recorded."""
    HELD = "held"
    """Automation is off or paused: people are told instead."""
    ORDER = "order"
    """A person's order was carried out."""
    NO_OP = "no_op"
    """A person's order found nothing to change."""
    REFUSE = "refuse"
    """A rule said no."""
    DEAD_LETTER = "dead_letter"


@dataclass(frozen=True)
class Trace:
    """What one criterion said of the facts."""

    criterion: str
    truth: str
    why: str = ""


@dataclass(frozen=True)
class Decision:
    """One answer with its reason. `alert` is a plain copy of what was judged, as evidence."""

    id: str
    event_id: str
    at: datetime
    verdict: Verdict
    reason: str
    actor: str = "andon"
    service: str | None = None
    environment: str | None = None
    severity: Severity | None = None
    criterion: str | None = None
    playbook: str | None = None
    authority: str | None = None
    policy_digest: str | None = None
    incident_id: str | None = None
    run_id: str | None = None
    trace: tuple[Trace, ...] = ()
    alert: Mapping[str, Any] = field(default_factory=dict)


def alert_facts(alert: Alert) -> dict[str, Any]:
    """What `alert` reads in conditions and playbooks; plain JSON values."""
    return {
        "source": alert.source,
        "kind": str(alert.kind),
        "status": str(alert.status) if alert.status else "",
        "severity": alert.severity or "",
        "title": alert.title or "",
        "fingerprint": alert.identity,
        "group_key": alert.group_key or "",
        "starts_at": format_time(alert.starts_at) if alert.starts_at else "",
        "link": alert.link or "",
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
    }


def alert_of(facts: Mapping[str, Any]) -> Alert:
    """The alert that a decision judged, from the copy it keeps; what no decision looks at is not in it."""
    return Alert(
        source=facts["source"],
        kind=EventKind(facts["kind"]),
        status=AlertStatus(facts["status"]) if facts["status"] else None,
        severity=facts["severity"] or None,
        title=facts["title"] or None,
        fingerprint=facts["fingerprint"],
        group_key=facts["group_key"] or None,
        starts_at=parse_time(facts["starts_at"]) if facts["starts_at"] else None,
        link=facts["link"] or None,
        labels=facts["labels"],
        annotations=facts["annotations"],
    )
