"""Canary: what the own comparison of predictions raises; no address takes it, only the house itself says it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import BeforeValidator

from bot.domain.canaries import CANARY_SOURCE, DIVERGENCE
from bot.domain.errors import BadInput
from bot.domain.events import Alert, AlertStatus
from bot.domain.times import parse_time
from handlers.payloads import Payload, read
from handlers.plain_source import PlainSource


def _time(value: object) -> datetime:
    try:
        return parse_time(value if isinstance(value, str) else "")
    except BadInput as error:
        raise ValueError("a time is written like 2026-01-31T23:59:59Z") from error


class Divergence(Payload):
    """One verdict of one release in one phase, with the figures that it rests on."""

    release: str
    service: str
    environment: str
    phase: str
    verdict: str
    severity: str
    at: Annotated[datetime, BeforeValidator(_time)]
    candidate: str
    incumbent: str
    metric: str
    """What was measured, in words."""
    unit: str = ""
    before: float | None = None
    """The incumbent's figure."""
    now: float | None = None
    """The candidate's."""
    low: float | None = None
    high: float | None = None
    tolerance: float | None = None
    alpha: float
    pairs: int
    affected: int
    data_slice: str = ""

    @property
    def key(self) -> str:
        """The same however often it is said."""
        return f"{self.release}:{self.phase}:{self.verdict}"

    def as_alert(self) -> Alert:
        """Labels say what it is about, annotations carry the figures."""
        labels = {
            "alertname": DIVERGENCE,
            "service": self.service,
            "release": self.release,
            "environment": self.environment,
            "phase": self.phase,
            "severity": self.severity,
            "metric": self.metric,
        }
        figures = {
            "before": self.before,
            "now": self.now,
            "low": self.low,
            "high": self.high,
            "tolerance": self.tolerance,
            "alpha": self.alpha,
            "pairs": self.pairs,
            "affected": self.affected,
        }
        said = {"candidate": self.candidate, "incumbent": self.incumbent, "unit": self.unit, "slice": self.data_slice}
        return Alert(
            source=CANARY_SOURCE,
            status=AlertStatus.FIRING,
            severity=self.severity,
            title=f"Version {self.candidate} answers differently from version {self.incumbent}",
            fingerprint=self.key,
            starts_at=self.at,
            labels=labels,
            annotations={
                **{name: value for name, value in said.items() if value},
                **{name: repr(value) for name, value in figures.items() if value is not None},
            },
        )


class Canary(PlainSource):
    """JSON that `bot.flow.folding` makes."""

    name: ClassVar[str] = CANARY_SOURCE

    def parse(self, raw: bytes, headers: Mapping[str, str]) -> list[Alert]:  # noqa: ARG002
        """The one verdict of the body."""
        return [read(Divergence, raw).as_alert()]

    def delivery_id(self, raw: bytes, headers: Mapping[str, str]) -> str | None:  # noqa: ARG002
        """Release, phase and verdict: said twice, it counts once. None where the body says none."""
        try:
            return read(Divergence, raw).key
        except BadInput:
            return None
