"""How long records are kept: the file `retention.yaml`, and legal holds, which nothing that is held gets past."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from pydantic import Field, field_validator

from bot.domain.errors import Refused
from bot.domain.fields import Duration, Strict

SHORTEST = timedelta(days=1)


class Kind(StrEnum):
    """What may be removed once its time is over."""

    EVENT_BODIES = "event_bodies"
    NOTICE_BODIES = "notice_bodies"
    OBSERVATIONS = "observations"
    EVIDENCE = "evidence"
    ATTACHMENTS = "attachments"
    INCIDENTS = "incidents"
    DRILLS = "drills"
    AUDIT_DATA = "audit_data"


class Keep(Strict):
    """By kind, how long; a kind that is not named is kept for ever."""

    event_bodies: Duration | None = None
    notice_bodies: Duration | None = None
    observations: Duration | None = None
    evidence: Duration | None = None
    attachments: Duration | None = None
    incidents: Duration | None = None
    drills: Duration | None = None
    audit_data: Duration | None = None

    @field_validator("*")
    @classmethod
    def _long_enough(cls, value: Any) -> Any:
        if isinstance(value, timedelta) and value < SHORTEST:
            raise ValueError("nothing is removed before it is a day old: write 1d or more")
        return value


class Retention(Strict):
    """The file `retention.yaml`."""

    keep: Keep = Field(default_factory=Keep)

    def ends(self, now: datetime) -> Iterator[tuple[Kind, datetime]]:
        """For each kind that is not kept for ever, the moment before which it may go."""
        for kind in Kind:
            span = getattr(self.keep, kind)
            if span is not None:
                yield kind, now - span


class HoldKind(StrEnum):
    """What may be held."""

    SERVICE = "service"
    INCIDENT = "incident"
    RELEASE = "release"


@dataclass(frozen=True)
class Hold:
    """Somebody needs these records: nothing of them is removed until the hold is released. Erasing is no removal."""

    id: str
    kind: HoldKind
    subject: str
    reason: str
    by: str
    at: datetime
    released_at: datetime | None = None
    released_by: str | None = None
    release_reason: str = ""

    def released(self, by: str, reason: str, now: datetime) -> Self:
        """Refused where it was released before."""
        if self.released_at is not None:
            raise Refused(f"Hold {self.id} was released by {self.released_by} at {self.released_at:%Y-%m-%d %H:%M} UTC")
        return replace(self, released_at=now, released_by=by, release_reason=reason)


@dataclass(frozen=True)
class Pruned:
    """How much of each kind was, or would be, removed."""

    counts: Mapping[Kind, int]
    is_all: bool = True
    """Nothing more is past its time."""


def held_of(holds: Collection[Hold], kind: HoldKind) -> list[str]:
    """What is held of a kind."""
    return sorted({hold.subject for hold in holds if hold.kind is kind and hold.released_at is None})
