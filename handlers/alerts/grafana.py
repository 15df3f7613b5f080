"""Grafana: unified alerting's groups, the single alerts of legacy alerting (up to version 8), and its signature.

https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from pydantic import Field

from bot.domain.errors import BadInput
from bot.domain.events import Alert, AlertStatus
from bot.domain.strict_json import parse_json
from handlers.groups import AlertGroup
from handlers.payloads import Payload, Text, Texts, first_stated, fit, key_text, link, stated
from handlers.plain_source import PlainSource
from handlers.signatures import hex_digest, is_fresh, is_hmac

SIGNATURE = "x-grafana-alerting-signature"
TIMESTAMP = "x-grafana-alerting-timestamp"

_LEGACY_STATES = {
    "alerting": AlertStatus.FIRING,
    "ok": AlertStatus.RESOLVED,
    "no_data": AlertStatus.NO_DATA,
    "pending": AlertStatus.PENDING,
}


class LegacyAlert(Payload):
    """One alert rule that changed its state. It carries no times; its tags are its labels."""

    state: str = Field(min_length=1)
    title: Text = None
    message: Text = None
    rule_id: int | str | None = Field(None, alias="ruleId")
    rule_name: Text = Field(None, alias="ruleName")
    rule_url: str | None = Field(None, alias="ruleUrl")
    tags: Texts = Field(default_factory=dict)

    def as_alert(self, source: str) -> Alert:
        """The rule is the key of the alert, so that `ok` finds the `alerting` it ends."""
        title = first_stated(self.title, self.rule_name, self.message)
        if title is None:
            raise BadInput("The body is not what this source sends", why="it has neither a title nor a rule's name")
        notes = {"message": self.message, "ruleName": self.rule_name}
        return Alert(
            source=source,
            status=_LEGACY_STATES.get(self.state.lower()),
            severity=stated(self.tags.get("severity")),
            title=title,
            fingerprint=key_text(None if self.rule_id is None else str(self.rule_id)),
            link=link(self.rule_url),
            labels=self.tags,
            annotations={key: text for key, text in notes.items() if text},
        )


class Grafana(PlainSource):
    """Webhook contact points and, of old, webhook notification channels."""

    name: ClassVar[str] = "grafana"

    def parse(self, raw: bytes, headers: Mapping[str, str]) -> list[Alert]:  # noqa: ARG002
        """The group's alerts, or the one of a legacy body. BadInput for anything else."""
        body = parse_json(raw)
        # Unified bodies repeat `state`, `title` and `message` of old: only `alerts` tells them apart.
        if isinstance(body, dict) and "alerts" not in body and "state" in body:
            return [fit(LegacyAlert, body).as_alert(self.name)]
        return fit(AlertGroup, body).as_alerts(self.name)

    def verify(self, raw: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime) -> bool:
        """HMAC-SHA256 in bare hex over the body, or over `<timestamp>:<body>` when the contact point names a
        timestamp header; that one must be `X-Grafana-Alerting-Timestamp` and at most 5 minutes away."""
        timestamp = headers.get(TIMESTAMP)
        if timestamp is not None and not is_fresh(timestamp, now):
            return False
        signed = raw if timestamp is None else timestamp.encode("ascii") + b":" + raw
        return is_hmac(hex_digest(headers.get(SIGNATURE, "")), signed, secrets)
