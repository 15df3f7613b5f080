"""Threads: one for each incident and place where it is told, so that nobody has to piece it together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Thread:
    """The message that an incident's other messages in one place hang on."""

    incident_id: str
    medium: str
    address: str
    """A Slack channel, or mail addresses as the notices name them."""
    ref: str
    """Slack's `ts`, a mail's Message-ID."""
    subject: str = ""
    link: str | None = None


@dataclass(frozen=True)
class Pace:
    """When the next message may go to one place."""

    medium: str
    address: str
    next_at: datetime
