"""Alertmanager requests for tests, as version 0.25 and later send them (webhook version 4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

BEGUN = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
"""When the alerts of tests began, unless they say otherwise."""


def firing(
    service: str, name: str = "Divergence", *, began: datetime = BEGUN, fingerprint: str | None = None, **labels: str
) -> dict[str, Any]:
    """One firing alert."""
    return {
        "status": "firing",
        "labels": {"alertname": name, "service": service, **labels},
        "annotations": {"summary": f"{name} of {service}"},
        "startsAt": began.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example:9090/graph",
        "fingerprint": fingerprint or f"{service}-{name}",
    }


def resolved(service: str, name: str = "Divergence", *, began: datetime = BEGUN, **more: Any) -> dict[str, Any]:
    """The same alert after its end."""
    return {
        **firing(service, name, began=began, **more),
        "status": "resolved",
        "endsAt": (began + timedelta(minutes=3)).isoformat(),
    }


def group(*alerts: dict[str, Any]) -> dict[str, Any]:
    """One notification with these alerts."""
    status = "firing" if any(alert["status"] == "firing" for alert in alerts) else "resolved"
    return {
        "version": "4",
        "groupKey": '{}:{alertname="Divergence"}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "andon",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example:9093",
        "alerts": list(alerts),
    }
