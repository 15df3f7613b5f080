"""Live: what Andon itself read back from where a service serves, when no release put it there. No webhook takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from bot.domain.errors import BadInput
from bot.domain.events import Alert, AlertStatus
from bot.domain.inner_alerts import LIVE, UNRELEASED_VERSION
from handlers.house_alert import Time
from handlers.payloads import Payload, key_text, read, stated
from handlers.plain_source import PlainSource


def _said(text: str) -> str:
    if not stated(text):
        raise ValueError("it says nothing")
    return text


Said = Annotated[str, AfterValidator(_said)]


class Reading(Payload):
    """One version in one environment; it fires while it serves, and is resolved when something expected does."""

    service: Said
    environment: Said
    version: Said
    status: Literal["firing", "resolved"]
    since: Time
    expected: list[str] = Field(default_factory=list)
    was: str = ""
    seen: str = ""
    """What serves now, where it is resolved."""
    why: str = ""

    def as_alert(self) -> Alert:
        """The same in the words of the house."""
        labels = {
            "alertname": UNRELEASED_VERSION,
            "service": self.service,
            "environment": self.environment,
            "version": self.version,
            "expected": ", ".join(self.expected),
        }
        return Alert(
            source=LIVE,
            status=AlertStatus(self.status),
            title=f"Unreleased version {self.version} serves {self.environment}",
            fingerprint=key_text(f"{self.service}/{self.environment}/{self.version}"),
            starts_at=self.since,
            labels={name: text for name, text in labels.items() if text},
            annotations={"was": self.was, "seen": self.seen or self.version, "why": self.why},
        )


class Live(PlainSource):
    """`{"service", "environment", "version", "status", "since", "expected", "was", "seen", "why"}`."""

    name: ClassVar[str] = LIVE

    def parse(self, raw: bytes, headers: Mapping[str, str]) -> list[Alert]:  # noqa: ARG002
        """The one alert of the body; BadInput names the field that is not as the shape says."""
        reading = read(Reading, raw)
        if reading.since is None:
            raise BadInput("The body is not what this source sends", why="since: it is missing")
        return [reading.as_alert()]

    def delivery_id(self, raw: bytes, headers: Mapping[str, str]) -> str | None:  # noqa: ARG002
        """The one that Andon gave: the same from every clock that read the same."""
        return headers.get("webhook-id")
