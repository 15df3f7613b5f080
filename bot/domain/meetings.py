"""Meetings: proposed with a halt or called by a person, with the people the policy names; summed up at their end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from bot.domain.errors import Refused


class MeetingStatus(StrEnum):
    """States of a meeting."""

    PROPOSED = "proposed"
    STARTED = "started"
    ENDED = "ended"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Meeting:
    """One meeting about one incident. `uid` and `sequence` are those of its calendar entry (RFC 5545)."""

    id: str
    incident_id: str
    service: str
    uid: str
    status: MeetingStatus
    starts_at: datetime
    ends_at: datetime
    called_by: str
    called_at: datetime
    invitees: tuple[str, ...] = ()
    """Mail addresses and Slack ids."""
    sequence: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    link: str | None = None

    @property
    def is_open(self) -> bool:
        """Proposed or going on."""
        return self.status in (MeetingStatus.PROPOSED, MeetingStatus.STARTED)

    def started(self, now: datetime) -> Self:
        """Going on; one that was proposed for later begins now."""
        if self.status is not MeetingStatus.PROPOSED:
            raise Refused(f"The meeting is {self.status} already")
        return replace(self, status=MeetingStatus.STARTED, started_at=now)

    def moved(self, starts_at: datetime) -> Self:
        """At another time, as long as before."""
        if self.status is not MeetingStatus.PROPOSED:
            raise Refused(f"The meeting is {self.status} already: it cannot be moved")
        length = self.ends_at - self.starts_at
        return replace(self, starts_at=starts_at, ends_at=starts_at + length, sequence=self.sequence + 1)

    def ended(self, now: datetime) -> Self:
        """Over."""
        if not self.is_open:
            raise Refused(f"The meeting is {self.status} already")
        return replace(self, status=MeetingStatus.ENDED, ended_at=now, started_at=self.started_at or now)

    def cancelled(self, now: datetime) -> Self:
        """Called off; calendars are told."""
        if self.status is not MeetingStatus.PROPOSED:
            raise Refused(f"The meeting is {self.status} already: it cannot be called off")
        return replace(self, status=MeetingStatus.CANCELLED, ended_at=now, sequence=self.sequence + 1)


USUAL_LENGTH = timedelta(minutes=30)
