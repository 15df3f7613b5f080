"""The body that Alertmanager made and Grafana took over: one group, many alerts, each an alert of its own.

Alertmanager's webhook, version 4: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from bot.domain.errors import BadInput
from bot.domain.events import Alert, AlertStatus
from handlers.payloads import Key, Moment, Payload, Text, Texts, first_stated, link, stated

MAX_ALERTS = 1000

_STATUS = {"firing": AlertStatus.FIRING, "resolved": AlertStatus.RESOLVED}


def _count(value: int | None) -> int:
    return value or 0


class GroupedAlert(Payload):
    """One alert inside a group. A garbled time is passed over: the alert still counts."""

    status: Text = None
    labels: Texts = Field(default_factory=dict)
    annotations: Texts = Field(default_factory=dict)
    starts_at: Moment = Field(None, alias="startsAt")
    ends_at: Moment = Field(None, alias="endsAt")
    generator_url: str | None = Field(None, alias="generatorURL")
    fingerprint: Key = None


class AlertGroup(Payload):
    """One notification. Whatever `common…` and `group…` say is in each alert as well."""

    status: Text = None
    alerts: list[GroupedAlert] = Field(min_length=1, max_length=MAX_ALERTS)
    group_key: Key = Field(None, alias="groupKey")
    external_url: str | None = Field(None, alias="externalURL")
    truncated: Annotated[Annotated[int, Field(ge=0, le=2**31 - 1)] | None, AfterValidator(_count)] = Field(
        0, alias="truncatedAlerts"
    )

    def as_alerts(self, source: str) -> list[Alert]:
        """Every alert of the group, in its order; BadInput where not one of them has a status that is known."""
        alerts = [self._alert(source, one) for one in self.alerts]
        if all(alert.status is None for alert in alerts):
            raise BadInput("No alert of the group says whether it fires", why="a status is firing or resolved")
        return alerts

    def _alert(self, source: str, one: GroupedAlert) -> Alert:
        status = _STATUS.get((one.status or self.status or "").lower())
        return Alert(
            source=source,
            status=status,
            severity=stated(one.labels.get("severity")),
            title=first_stated(
                one.annotations.get("summary"), one.labels.get("alertname"), one.annotations.get("description")
            ),
            fingerprint=one.fingerprint,
            group_key=self.group_key,
            starts_at=one.starts_at,
            # While an alert fires, `endsAt` is only the time at which it would expire.
            ends_at=one.ends_at if status is AlertStatus.RESOLVED else None,
            link=link(one.generator_url, self.external_url),
            labels=one.labels,
            annotations=one.annotations,
            truncated=self.truncated or 0,
        )
