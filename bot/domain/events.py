"""What can wake the bot: alerts from machines and commands from people, in the house language."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.words import Word


class EventKind(StrEnum):
    """What an event is about, as far as its source tells."""

    ALERT = "alert"
    DEPLOY = "deploy"
    FLAG = "flag"
    REGISTRY = "registry"
    CHAT = "chat"
    HANDSHAKE = "handshake"
    OTHER = "other"


class AlertStatus(StrEnum):
    """Normalised state of what an event reports. `None` stands where the source states none of these."""

    FIRING = "firing"
    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"
    NO_DATA = "no_data"
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Disposition(StrEnum):
    """What became of an event at the door, in the order in which a body with several alerts answers."""

    ACCEPTED = "accepted"
    DEAD_LETTER = "dead_letter"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"


@dataclass(frozen=True)
class Alert:
    """One event inside a request, normalised. `severity` is the source's own word; labels are hostile text."""

    source: str
    kind: EventKind = EventKind.ALERT
    status: AlertStatus | None = None
    severity: str | None = None
    title: str | None = None
    fingerprint: str | None = None
    group_key: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    link: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    truncated: int = 0
    """How many alerts of the same group the sender left out (Alertmanager's `truncatedAlerts`)."""

    @property
    def name(self) -> str:
        """What to call it in a sentence."""
        return self.title or self.labels.get("alertname") or self.fingerprint or f"{self.source} {self.kind}"

    @property
    def identity(self) -> str:
        """The key by which two alerts of one source are the same: its fingerprint, else a digest of its labels."""
        if self.fingerprint:
            return self.fingerprint
        parts = [f"{key}\x1f{self.labels[key]}" for key in sorted(self.labels)] or [self.title or ""]
        # The title often carries the changing figure, so it counts only where nothing else does.
        return "labels:" + hashlib.sha256("\x1e".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class AlertState:
    """What is remembered of one alert identity, to tell a new alert from a repeated or a stale one."""

    source: str
    identity: str
    status: AlertStatus | None
    starts_at: datetime | None
    resolved_starts_at: datetime | None
    """`starts_at` of the last resolved alert seen; a firing one that started no later is stale."""
    event_id: str
    seen_at: datetime
    count: int = 1
    incident_ids: tuple[str, ...] = ()
    run_ids: tuple[str, ...] = ()


class Role(StrEnum):
    """What the holder of an API token may do at all; a policy's roles narrow it further."""

    ANYONE = "anyone"
    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """Higher may do all that lower may."""
        return list(Role).index(self)


class Origin(StrEnum):
    """How a person is known: by an API token, or as a member of the Slack workspace."""

    TOKEN = "token"  # noqa: S105 - a word
    CHAT = "chat"


class Standing(StrEnum):
    """What is known of a person in chat. A stranger is a guest, a bot, or somebody of another workspace."""

    MEMBER = "member"
    STRANGER = "stranger"
    UNKNOWN = "unknown"
    """Slack did not say in time; enough for a halt, for nothing else."""


@dataclass(frozen=True)
class Actor:
    """Who gives an order: an API token's name with its role, a member of the workspace by id, or the bot itself."""

    name: str
    role: Role
    origin: Origin = Origin.TOKEN
    standing: Standing = Standing.MEMBER
    groups: tuple[str, ...] = ()
    """Slack user groups that the person is in, as far as policies name them."""

    @property
    def ids(self) -> tuple[str, ...]:
        """What a role may name: the person first."""
        return (self.name, *self.groups)


ANDON = Actor("andon", Role.ADMIN)
"""The bot as the author of what it does by itself."""


@dataclass(frozen=True)
class Command:
    """A person's order. `subject` is a service, a run, an incident or another record, as the word requires."""

    word: Word
    subject: str
    actor: Actor
    via: str = "cli"
    reason: str = ""
    environment: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    delivery: str | None = None
    """The sender's id of this delivery; the same when it is sent again, so that it counts once."""


@dataclass(frozen=True)
class Event:
    """One delivery as it stands in the store: the raw request, or a command, and what became of it."""

    id: str
    source: str
    dedup_key: str
    accepted_at: datetime
    disposition: Disposition
    alerts: int = 0
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None
    """Why an authentic body was not understood (dead letter)."""
    replayed_as: str | None = None
    replay_of: str | None = None
    actor: str | None = None
    incident_ids: tuple[str, ...] = ()
    run_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delivery:
    """One authentic request as it came in, before it is understood. Header names are lower case."""

    source: str
    raw: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    replay_of: str | None = None


@dataclass(frozen=True)
class Receipt:
    """The answer to a delivery or a command, given after its commit."""

    event_id: str
    disposition: Disposition
    alerts: int = 0
    incidents: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    message: str = ""
    """For people: what happened, why, what next."""
    refused: bool = False
    records: tuple[str, ...] = ()
    """Minutes, meetings and the like that an order made or changed."""


Accept = Callable[[Sequence[Delivery]], Sequence[Receipt]]
"""The front door for what Andon tells itself: one receipt for each delivery, all in one commit."""
