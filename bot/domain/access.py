"""Who is logged in at the web page: one-time links and sessions, kept by digest only."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.events import Actor, Role


class AccessKind(StrEnum):
    """A link is spent by its first use and becomes a session."""

    LINK = "link"
    SESSION = "session"


@dataclass(frozen=True)
class Access:
    """One link or session. `digest` is SHA-256 of the secret; the secret itself is never stored."""

    digest: str
    kind: AccessKind
    name: str
    role: Role
    csrf: str
    expires_at: datetime

    @property
    def actor(self) -> Actor:
        """Whom it acts for."""
        return Actor(self.name, self.role)


def digest_of(secret: str) -> str:
    """SHA-256 in hex; secrets here are random 256-bit values, so no slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()
