"""Drill: the alert that a rehearsal posts at the front door; no address takes it, only the house itself says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from bot.domain.drills import DRILL_SOURCE
from bot.domain.errors import BadInput
from bot.domain.events import Alert
from bot.domain.inner_alerts import drill_alert
from handlers.house_alert import Time
from handlers.payloads import Payload, Texts, read
from handlers.plain_source import PlainSource


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


class Drill(PlainSource):
    """`{"drill", "service", "environment", "playbook", "objective_seconds", "since", "labels"}`."""

    name: ClassVar[str] = DRILL_SOURCE

    def parse(self, raw: bytes, headers: Mapping[str, str]) -> list[Alert]:  # noqa: ARG002
        """The one alert of the body; BadInput names the field that is not as the shape says."""
        rehearsal = read(Rehearsal, raw)
        if rehearsal.since is None:
            raise BadInput("The body is not what this source sends", why="since: it is missing")
        place = (rehearsal.service, rehearsal.environment)
        selected = (rehearsal.playbook, rehearsal.objective_seconds)
        return [drill_alert(rehearsal.drill, place, rehearsal.labels, *selected, rehearsal.since)]

    def delivery_id(self, raw: bytes, headers: Mapping[str, str]) -> str | None:  # noqa: ARG002
        """The drill's id: posted twice after a crash, it counts once."""
        return headers.get("webhook-id")
