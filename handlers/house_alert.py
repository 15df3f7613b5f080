"""An alert in the house's own words, as `generic` takes it and a CloudEvent may carry it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from bot.domain.errors import BadInput
from bot.domain.events import Alert, AlertStatus
from bot.domain.times import parse_time
from handlers.payloads import Key, Payload, Text, Texts, link, moment, stated

STATUSES = {
    status.value: status
    for status in (AlertStatus.FIRING, AlertStatus.RESOLVED, AlertStatus.ACKNOWLEDGED, AlertStatus.NO_DATA)
}


def _title(text: str) -> str:
    if not stated(text):
        raise ValueError("a title says something")
    return text


def _status(value: object) -> AlertStatus:
    if value is None:
        return AlertStatus.FIRING
    if not isinstance(value, str) or value.lower() not in STATUSES:
        raise ValueError("a status is one of " + ", ".join(STATUSES))
    return STATUSES[value.lower()]


def _time(value: object) -> datetime | None:
    """Strict, unlike other senders' times: who writes this shape writes it for Andon and wants to be told."""
    if value is None or value == "":
        return None
    try:
        parse_time(value if isinstance(value, str) else "")
    except BadInput as error:
        raise ValueError("a time is written like 2026-01-31T23:59:59Z") from error
    return moment(value)


Time = Annotated[datetime | None, BeforeValidator(_time)]


class HouseAlert(Payload):
    """Only `title` is required. `service` and `severity` also become labels, where policies look for them."""

    title: Annotated[str, AfterValidator(_title)]
    status: Annotated[AlertStatus, BeforeValidator(_status)] = AlertStatus.FIRING
    fingerprint: Key = None
    service: Text = None
    severity: int | str | None = None
    labels: Texts = Field(default_factory=dict)
    annotations: Texts = Field(default_factory=dict)
    starts_at: Time = None
    ends_at: Time = None
    link: str | None = None
    group_key: Key = None

    def as_alert(self, source: str, *, happened_at: datetime | None = None) -> Alert:
        """`happened_at` stands in for the start of a firing alert, or the end of a resolved one, that gives none."""
        is_over = self.status is AlertStatus.RESOLVED
        named = {"service": self.service or "", "severity": "" if self.severity is None else str(self.severity)}
        labels = {**self.labels, **{key: text for key, text in named.items() if stated(text)}}
        return Alert(
            source=source,
            status=self.status,
            severity=stated(labels.get("severity")),
            title=self.title,
            fingerprint=self.fingerprint,
            group_key=self.group_key,
            starts_at=self.starts_at or (None if is_over else happened_at),
            ends_at=(self.ends_at or happened_at) if is_over else None,
            link=link(self.link),
            labels=labels,
            annotations=self.annotations,
        )
