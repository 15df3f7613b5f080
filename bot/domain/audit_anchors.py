"""Anchors: places outside the database where the newest head of the audit trail is sent at intervals."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Self
from urllib.parse import urlsplit

from bot.domain.errors import ConfigError

_CHANNEL = re.compile(r"[CGDU][A-Z0-9]{2,30}")
_ADDRESS = re.compile(r"[^@\s,]+@[^@\s,]+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AnchorKind(StrEnum):
    """What takes a head."""

    FILE = "file"
    SLACK = "slack"
    MAIL = "mail"
    HTTPS = "https"


class AnchorStatus(StrEnum):
    """`sending` that stays is unknown: the process that sent it came to its end before it could say."""

    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True)
class AnchorTarget:
    """One place. `address` may hold a key of an object store in its query: only `name` is ever shown or recorded."""

    kind: AnchorKind
    address: str

    @property
    def name(self) -> str:
        """How it is recorded: an address of the web without its query and password."""
        if self.kind is not AnchorKind.HTTPS:
            return f"{self.kind}:{self.address}"
        parts = urlsplit(self.address)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


@dataclass(frozen=True)
class Anchor:
    """One head on its way to one place: at most one for each interval, however many clocks there are."""

    target: str
    slot: datetime
    position: int
    hash: str
    at: datetime
    status: AnchorStatus = AnchorStatus.SENDING
    problem: str = ""
    notice_id: str | None = None
    """What carries it, where that is a notice."""

    def ended(self, status: AnchorStatus, now: datetime, problem: str = "") -> Self:
        """With what came of it."""
        return replace(self, status=status, at=now, problem=problem)


def slot_of(now: datetime, every: timedelta) -> datetime:
    """The beginning of the interval that a moment lies in; intervals are counted from 1970."""
    return _EPOCH + (now - _EPOCH) // every * every


def parse_anchors(text: str) -> tuple[AnchorTarget, ...]:
    """`file:/path, slack:C0123, mail:audit@example.com, https://host/path?key`; ConfigError names the entry by number,
    because an address may hold a key."""
    entries = list(filter(None, (part.strip() for part in text.replace("\n", ",").split(","))))
    targets = [_parse(entry, number) for number, entry in enumerate(entries, 1)]
    names = [one.name for one in targets]
    for number, name in enumerate(names, 1):
        if name in names[: number - 1]:
            raise ConfigError(f"Entry {number} of ANDON_AUDIT_ANCHORS repeats another one")
    return tuple(targets)


def _parse(entry: str, number: int) -> AnchorTarget:
    kind, _, address = entry.partition(":")
    problem = "it begins with none of file:, slack:, mail:, https:"
    match kind:
        case "file":
            if address.startswith("/"):
                return AnchorTarget(AnchorKind.FILE, address)
            problem = "a file is named by its whole path, file:/folder/name"
        case "slack":
            if _CHANNEL.fullmatch(address):
                return AnchorTarget(AnchorKind.SLACK, address)
            problem = "a channel is named by its id, slack:C0123ABCD"
        case "mail":
            if _ADDRESS.fullmatch(address):
                return AnchorTarget(AnchorKind.MAIL, address)
            problem = "it is no mail address"
        case "https" | "http":
            host = urlsplit(entry).hostname
            if host and (kind == "https" or host in ("127.0.0.1", "localhost", "::1")):
                return AnchorTarget(AnchorKind.HTTPS, entry)
            problem = "only this machine itself is written to without https"
    raise ConfigError(f"Entry {number} of ANDON_AUDIT_ANCHORS cannot be used", why=problem)
