"""A meeting as calendars know it: one identity for life, and a sequence that grows with every change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from bot.domain.mail import MailAddress


@dataclass(frozen=True)
class Invitation:
    """A meeting to invite to. Times are aware; `agenda` is plain text of several lines."""

    meeting_id: str
    """Letters, digits and `-`; the UID in calendars is made of it, so it never changes."""
    title: str
    starts_at: datetime
    length: timedelta
    organizer: MailAddress
    attendees: tuple[MailAddress, ...]
    agenda: str = ""
    location: str = ""
    link: str | None = None
    """The incident's page, or the room of the call."""
    uid: str = ""
    """Its identity in calendars, where it has one already; made of `meeting_id` and the organizer's host otherwise."""
    sequence: int = 0
    """RFC 5545, 3.8.7.4: a calendar takes a change only where this is higher than before."""

    @property
    def ends_at(self) -> datetime:
        """When it is over, in UTC: by local clocks it could be an hour off in the night in which they are changed."""
        return self.starts_at.astimezone(UTC) + self.length

    def changed(self, **changes: object) -> Self:
        """The same meeting with other particulars (`starts_at`, `attendees`, …); whom it is sent to sees an update."""
        return replace(self, **changes, sequence=self.sequence + 1)  # type: ignore[arg-type]
