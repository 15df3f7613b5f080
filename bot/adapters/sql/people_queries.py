"""What people say and promise, whom to call, and where notices stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, select, union_all

from bot.adapters.sql.column_types import MOMENT
from bot.adapters.sql.database_clock import now
from bot.adapters.sql.drill_tables import AWAITED, drills
from bot.adapters.sql.people_tables import (
    LOOKED_AT,
    OPEN_MEETING,
    REMINDED,
    UNTOLD,
    escalations,
    kept_files,
    lanes,
    meetings,
    minute_changes,
    minutes,
    report_facts,
    threads,
)
from bot.adapters.sql.postmortem_tables import POSTMORTEM_REMINDED, postmortems
from bot.adapters.sql.release_tables import JUDGED, walks
from bot.adapters.sql.statements import columns_of
from bot.adapters.sql.tables import OPEN_INCIDENT, REFRESHED, UNSENT, UPDATE_DUE, incidents, notices
from bot.adapters.sql.work import Work
from bot.domain.attachments import KeptFile
from bot.domain.escalations import Escalation
from bot.domain.meetings import Meeting
from bot.domain.minutes import Minute, MinuteChange
from bot.domain.report_facts import Fact
from bot.domain.threads import Pace, Thread

_FACT = columns_of(report_facts, Fact)
_MEETING = columns_of(meetings, Meeting)
_MINUTE = columns_of(minutes, Minute)
_CHANGE = columns_of(minute_changes, MinuteChange)
_ESCALATION = columns_of(escalations, Escalation)
_THREAD = columns_of(threads, Thread)
_PACE = columns_of(lanes, Pace)
_FILE = columns_of(kept_files, KeptFile)

_FACTS = select(*_FACT).where(report_facts.c.incident_id == bindparam("incident_id")).order_by(report_facts.c.number)
_KEPT_FILE = select(*_FILE).where(kept_files.c.sha256 == bindparam("digest"))
_KEPT = select(kept_files.c.sha256).where(kept_files.c.sha256 == bindparam("digest"))
_MINUTE_BY_ID = select(*_MINUTE).where(minutes.c.id == bindparam("id"))
_MINUTE_BY_KEY = select(*_MINUTE).where(minutes.c.source_key == bindparam("key"))
_MINUTES = select(*_MINUTE).where(minutes.c.incident_id == bindparam("incident_id")).order_by(minutes.c.id)
_DUE_MINUTES = (
    select(*_MINUTE).where(REMINDED, minutes.c.remind_at <= now()).order_by(minutes.c.remind_at, minutes.c.id)
)
_CHANGES = (
    select(*_CHANGE).where(minute_changes.c.minute_id == bindparam("minute_id")).order_by(minute_changes.c.number)
)
_MEETINGS = select(*_MEETING).where(meetings.c.incident_id == bindparam("incident_id")).order_by(meetings.c.id)
_OPEN_MEETING = select(*_MEETING).where(OPEN_MEETING, meetings.c.incident_id == bindparam("incident_id"))
_ESCALATION_BY_ID = select(*_ESCALATION).where(escalations.c.id == bindparam("id"))
_ESCALATIONS = (
    select(*_ESCALATION)
    .where(escalations.c.run_id == bindparam("run_id"))
    .order_by(escalations.c.due_at, escalations.c.id)
)
_DUE_ESCALATIONS = select(*_ESCALATION).where(UNTOLD, escalations.c.due_at <= now()).order_by(escalations.c.due_at)
_LOOKS = select(*_ESCALATION).where(LOOKED_AT, escalations.c.look_at <= now()).order_by(escalations.c.look_at)
_UPDATES = (
    select(incidents.c.id).where(UPDATE_DUE, OPEN_INCIDENT, incidents.c.update_due_at <= now()).order_by(incidents.c.id)
)
_THREAD_OF = select(*_THREAD).where(
    threads.c.incident_id == bindparam("incident_id"),
    threads.c.medium == bindparam("medium"),
    threads.c.address == bindparam("address"),
)
_THREADS = select(*_THREAD).where(threads.c.incident_id == bindparam("incident_id")).order_by(threads.c.address)
_THREAD_AT = select(*_THREAD).where(
    threads.c.medium == bindparam("medium"),
    threads.c.address == bindparam("address"),
    threads.c.ref == bindparam("ref"),
)
_PACE_OF = select(*_PACE).where(lanes.c.medium == bindparam("medium"), lanes.c.address == bindparam("address"))

_MOMENTS = union_all(
    select(func.min(minutes.c.remind_at).label("moment")).where(REMINDED),
    select(func.min(escalations.c.due_at)).where(UNTOLD),
    select(func.min(escalations.c.look_at)).where(LOOKED_AT),
    select(func.min(incidents.c.update_due_at)).where(UPDATE_DUE, OPEN_INCIDENT),
    select(func.min(notices.c.refresh_at)).where(REFRESHED),
    select(func.min(notices.c.due_at)).where(UNSENT, notices.c.due_at > now()),
    select(func.min(walks.c.judge_at)).where(JUDGED),
    select(func.min(drills.c.wake_at)).where(AWAITED),
    select(func.min(postmortems.c.remind_at)).where(POSTMORTEM_REMINDED),
).subquery()
_NEXT = select(func.min(_MOMENTS.c.moment, type_=MOMENT))


class PeopleQueries(Work):
    """What is kept of people's words, and of the messages to them."""

    def facts(self, incident_id: str) -> Sequence[Fact]:
        """Oldest first, those that later ones replaced included."""
        return [Fact(*row) for row in self.rows(_FACTS, {"incident_id": incident_id})]

    def keep_file(self, file: KeptFile) -> None:
        """Keep a file under its digest; once is enough."""
        self.write(self.statements.keep_file, vars(file))

    def kept_file(self, digest: str) -> KeptFile | None:
        """A file with its content."""
        row = self.row(_KEPT_FILE, {"digest": digest})
        return KeptFile(*row) if row else None

    def keeps_file(self, digest: str) -> bool:
        """Whether its content is here, without reading it."""
        return self.row(_KEPT, {"digest": digest}) is not None

    def minute(self, minute_id: str) -> Minute | None:
        """One minute."""
        row = self.row(_MINUTE_BY_ID, {"id": minute_id})
        return Minute(*row) if row else None

    def minute_from(self, source_key: str) -> Minute | None:
        """The minute that was made of this message or line."""
        row = self.row(_MINUTE_BY_KEY, {"key": source_key})
        return Minute(*row) if row else None

    def minutes(self, incident_id: str) -> Sequence[Minute]:
        """Oldest first."""
        return [Minute(*row) for row in self.rows(_MINUTES, {"incident_id": incident_id})]

    def minute_changes(self, minute_id: str) -> Sequence[MinuteChange]:
        """Oldest first."""
        return [MinuteChange(*row) for row in self.rows(_CHANGES, {"minute_id": minute_id})]

    def due_minutes(self) -> Sequence[Minute]:
        """Those whose owner is to be reminded now."""
        return [Minute(*row) for row in self.rows(_DUE_MINUTES)]

    def meetings(self, incident_id: str) -> Sequence[Meeting]:
        """Oldest first."""
        return [Meeting(*row) for row in self.rows(_MEETINGS, {"incident_id": incident_id})]

    def open_meeting(self, incident_id: str) -> Meeting | None:
        """The one meeting that is proposed or going on."""
        row = self.row(_OPEN_MEETING, {"incident_id": incident_id})
        return Meeting(*row) if row else None

    def escalation(self, escalation_id: str) -> Escalation | None:
        """One level of an escalation."""
        row = self.row(_ESCALATION_BY_ID, {"id": escalation_id})
        return Escalation(*row) if row else None

    def escalations(self, run_id: str) -> Sequence[Escalation]:
        """Of one run, in the order in which they are due."""
        return [Escalation(*row) for row in self.rows(_ESCALATIONS, {"run_id": run_id})]

    def due_escalations(self) -> Sequence[Escalation]:
        """Levels whose people are to be told now."""
        return [Escalation(*row) for row in self.rows(_DUE_ESCALATIONS)]

    def looked_at_escalations(self) -> Sequence[Escalation]:
        """Levels whose pager is to be asked now whether somebody acknowledged."""
        return [Escalation(*row) for row in self.rows(_LOOKS)]

    def due_updates(self) -> Sequence[str]:
        """Ids of open incidents of which people are to hear now."""
        return [row[0] for row in self.rows(_UPDATES)]

    def thread(self, incident_id: str, medium: str, address: str) -> Thread | None:
        """The message that an incident's others hang on, in one place."""
        row = self.row(_THREAD_OF, {"incident_id": incident_id, "medium": medium, "address": address})
        return Thread(*row) if row else None

    def threads(self, incident_id: str) -> Sequence[Thread]:
        """All places where an incident is told."""
        return [Thread(*row) for row in self.rows(_THREADS, {"incident_id": incident_id})]

    def thread_at(self, medium: str, address: str, ref: str) -> Thread | None:
        """The thread that hangs on this message."""
        row = self.row(_THREAD_AT, {"medium": medium, "address": address, "ref": ref})
        return Thread(*row) if row else None

    def pace(self, medium: str, address: str) -> Pace | None:
        """When the next message may go there; None: at any time."""
        row = self.row(_PACE_OF, {"medium": medium, "address": address})
        return Pace(*row) if row else None

    def next_told(self) -> datetime | None:
        """The earliest moment at which somebody is to be reminded, called or told; None: nobody."""
        row = self.row(_NEXT)
        return row[0] if row else None
