"""Drill: the alert that a rehearsal posts at the front door; no address takes it, only the house itself says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from bot.domain.drills import DRILL_SOURCE
from bot.domain.errors import BadInput
from bot.domain.events import Alert, AlertStatus
from handlers.house_alert import Time
from handlers.payloads import Payload, Texts, read
from handlers.plain_source import PlainSource

ALERTNAME = "Drill"
"""Where the policy gives its drill no labels."""


class Rehearsal(Payload):
    """One drill with the labels that the policy gives its alert. Where it is is said by the drill, never by a label."""

    drill: str
    service: str
    environment: str
    playbook: str
    objective_seconds: float
    since: Time
    labels: Texts = Field(default_factory=dict)
    """None: the drill selects its playbook itself."""

    def as_alert(self) -> Alert:
        """The same in the words of the house."""
        place = {"service": self.service, "environment": self.environment, "drill": self.drill}
        labels = {"alertname": ALERTNAME, **self.labels, **place}
        selected = {"playbook": self.playbook, "objective_seconds": repr(self.objective_seconds)}
        return Alert(
            source=DRILL_SOURCE,
            status=AlertStatus.FIRING,
            severity=self.labels.get("severity"),
            title=f"Drill: {labels['alertname']}",
            fingerprint=self.drill,
            starts_at=self.since,
            labels=labels,
            annotations={} if self.labels else selected,
        )


class Drill(PlainSource):
    """`{"drill", "service", "environment", "playbook", "objective_seconds", "since", "labels"}`."""

    name: ClassVar[str] = DRILL_SOURCE

    def parse(self, raw: bytes, headers: Mapping[str, str]) -> list[Alert]:  # noqa: ARG002
        """The one alert of the body; BadInput names the field that is not as the shape says."""
        rehearsal = read(Rehearsal, raw)
        if rehearsal.since is None:
            raise BadInput("The body is not what this source sends", why="since: it is missing")
        return [rehearsal.as_alert()]

    def delivery_id(self, raw: bytes, headers: Mapping[str, str]) -> str | None:  # noqa: ARG002
        """The drill's id: posted twice after a crash, it counts once."""
        return headers.get("webhook-id")
