"""What a unit of work knows of people: what they said and promised, whom to call, and where they are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bot.domain.attachments import KeptFile
    from bot.domain.escalations import Escalation
    from bot.domain.meetings import Meeting
    from bot.domain.minutes import Minute, MinuteChange
    from bot.domain.report_facts import Fact
    from bot.domain.threads import Pace, Thread


class PeopleRecords(Protocol):
    """The part of a transaction that keeps people's words, and the messages to them."""

    # What people say and promise
    def facts(self, incident_id: str) -> Sequence[Fact]:
        """Oldest first, those that later ones replaced included."""
        ...

    def keep_file(self, file: KeptFile) -> None:
        """Keep a file under its digest; once is enough."""
        ...

    def kept_file(self, digest: str) -> KeptFile | None:
        """A file with its content."""
        ...

    def keeps_file(self, digest: str) -> bool:
        """Whether its content is here, without reading it."""
        ...

    def minute(self, minute_id: str) -> Minute | None: ...
    def minute_from(self, source_key: str) -> Minute | None:
        """The minute that was made of this message or line."""
        ...

    def minutes(self, incident_id: str) -> Sequence[Minute]:
        """Oldest first."""
        ...

    def minute_changes(self, minute_id: str) -> Sequence[MinuteChange]:
        """Oldest first."""
        ...

    def due_minutes(self) -> Sequence[Minute]:
        """Those whose owner is to be reminded now."""
        ...

    def meetings(self, incident_id: str) -> Sequence[Meeting]:
        """Oldest first."""
        ...

    def open_meeting(self, incident_id: str) -> Meeting | None:
        """The one meeting that is proposed or going on."""
        ...

    # Whom to call, and when people hear next
    def escalation(self, escalation_id: str) -> Escalation | None: ...
    def escalations(self, run_id: str) -> Sequence[Escalation]:
        """Of one run, in the order in which they are due."""
        ...

    def due_escalations(self) -> Sequence[Escalation]:
        """Levels whose people are to be told now."""
        ...

    def looked_at_escalations(self) -> Sequence[Escalation]:
        """Levels whose pager is to be asked now whether somebody acknowledged."""
        ...

    def due_updates(self) -> Sequence[str]:
        """Ids of open incidents of which people are to hear now."""
        ...

    def next_told(self) -> datetime | None:
        """The earliest moment at which somebody is to be reminded, called or told; None: nobody."""
        ...

    # Where notices stand
    def thread(self, incident_id: str, medium: str, address: str) -> Thread | None:
        """The message that an incident's others hang on, in one place."""
        ...

    def threads(self, incident_id: str) -> Sequence[Thread]:
        """All places where an incident is told."""
        ...

    def thread_at(self, medium: str, address: str, ref: str) -> Thread | None:
        """The thread that hangs on this message."""
        ...

    def pace(self, medium: str, address: str) -> Pace | None:
        """When the next message may go there; None: at any time."""
        ...
