"""Alerts that Andon raises itself: they name their service and environment, and come in by no webhook."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.domain.canaries import CANARY_SOURCE
from bot.domain.drills import DRILL_SOURCE
from bot.domain.events import Alert, AlertStatus
from bot.domain.incidents import Severity
from bot.domain.policies import PRODUCTION, Criterion

LIVE = "live"
"""What was read back from where a service serves."""
INNER_SOURCES = frozenset({LIVE, CANARY_SOURCE, DRILL_SOURCE})

UNRELEASED_VERSION = "UnreleasedVersion"
"""The `alertname` of a version that no release put where it serves."""
SEVERITY = Severity.SEV_2
"""Of such an alert, where the policy says nothing else."""


def is_inner(alert: Alert) -> bool:
    """Raised by Andon itself."""
    return alert.source in INNER_SOURCES


def service_named(alert: Alert) -> str:
    """The service that an inner alert is about, whatever the policy matches."""
    return alert.labels.get("service", "")


def environment_named(alert: Alert) -> str:
    """Its environment likewise."""
    return alert.labels.get("environment") or PRODUCTION


def may_decide(criterion: Criterion, alert: Alert) -> bool:
    """Whether a criterion was written with this alert in mind.

    A version that somebody changed by hand never starts a rollback because a criterion happens to fit every alert:
    it has to name `UnreleasedVersion`.
    """
    return alert.source != LIVE or UNRELEASED_VERSION in criterion.when.text


def drill_alert(
    drill_id: str,
    place: tuple[str, str],
    labels: Mapping[str, str],
    playbook: str,
    objective_seconds: float,
    since: datetime,
) -> Alert:
    """The alert that a drill raises at its service and environment. Where it is is said by the drill, never by a label
    of the policy. Without labels it selects its playbook itself."""
    named = {"service": place[0], "environment": place[1], "drill": drill_id}
    said = {"alertname": "Drill", **labels, **named}
    return Alert(
        source=DRILL_SOURCE,
        status=AlertStatus.FIRING,
        severity=labels.get("severity"),
        title=f"Drill: {said['alertname']}",
        fingerprint=drill_id,
        starts_at=since,
        labels=said,
        annotations={} if labels else {"playbook": playbook, "objective_seconds": repr(objective_seconds)},
    )


def drill_named(alert: Alert) -> str:
    """The drill that raised an alert."""
    return alert.labels.get("drill", "") if alert.source == DRILL_SOURCE else ""


def drilled_playbook(facts: Mapping[str, Any]) -> tuple[str, float] | None:
    """The playbook that a drill selects by itself, and its objective in seconds; None where the policy's criteria
    choose, as they do for every other alert. `facts` are those of the alert."""
    said = facts.get("annotations") or {}
    if facts.get("source") != DRILL_SOURCE or not said.get("playbook"):
        return None
    return str(said["playbook"]), float(said["objective_seconds"])
