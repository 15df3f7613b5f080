"""Tables of what people say and promise, of whom to call, and of where notices stand."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, text

from bot.adapters.sql.column_types import Choice, Json, Key, Moment, Names, Prose
from bot.adapters.sql.table_shapes import number, partial, table
from bot.domain.escalations import EscalationStatus
from bot.domain.meetings import MeetingStatus
from bot.domain.minutes import MinuteKind, MinuteStatus

# See tables.py: statements must use the same words as the index.
REMINDED = text("remind_at IS NOT NULL")
OPEN_MEETING = text("status IN ('proposed', 'started')")
UNTOLD = text("status = 'due'")
LOOKED_AT = text("look_at IS NOT NULL")

report_facts = table(
    "report_facts",
    number(),
    Column("id", Key, nullable=False, unique=True),
    Column("incident_id", Key, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("field", Key, nullable=False),
    Column("value", Json),
    Column("source", Prose, nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Prose),
    Column("revision", Integer, nullable=False),
    Column("asked", Prose),
)

meetings = table(
    "meetings",
    Column("id", Key, primary_key=True),
    Column("incident_id", Key, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("service", Key, nullable=False),
    Column("uid", Prose, nullable=False),
    Column("status", Choice(MeetingStatus), nullable=False),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("called_by", Prose, nullable=False),
    Column("called_at", Moment, nullable=False),
    Column("invitees", Names, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    Column("link", Prose),
    partial("meetings_one_open_per_incident", "incident_id", where=OPEN_MEETING, unique=True),
)

minutes = table(
    "minutes",
    Column("id", Key, primary_key=True),
    Column("incident_id", Key, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("service", Key, nullable=False),
    Column("kind", Choice(MinuteKind), nullable=False),
    Column("status", Choice(MinuteStatus), nullable=False),
    Column("text", Prose, nullable=False),
    Column("by", Prose, nullable=False),
    Column("at", Moment, nullable=False),
    Column("owner", Prose),
    Column("due_at", Moment),
    Column("due_text", Prose, nullable=False),
    Column("options", Names, nullable=False),
    Column("reason", Prose, nullable=False),
    Column("answer", Prose, nullable=False),
    Column("answered_by", Prose),
    Column("ended_at", Moment),
    Column("evidence", Prose),
    Column("source", Json, nullable=False),
    Column("source_key", Key, unique=True),
    Column("meeting_id", Key, ForeignKey("meetings.id")),
    Column("remind_at", Moment),
    Column("reminders", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    partial("minutes_reminded", "remind_at", where=REMINDED),
)

minute_changes = table(
    "minute_changes",
    number(),
    Column("minute_id", Key, ForeignKey("minutes.id"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("by", Prose, nullable=False),
    Column("what", Key, nullable=False),
    Column("before", Json, nullable=False),
    Column("after", Json, nullable=False),
)

escalations = table(
    "escalations",
    Column("id", Key, primary_key=True),
    Column("incident_id", Key, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("run_id", Key, ForeignKey("runs.id"), nullable=False),
    Column("approval_id", Key),
    Column("level", Integer, nullable=False),
    Column("notify", Prose, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("status", Choice(EscalationStatus), nullable=False),
    Column("told_at", Moment),
    Column("acknowledged_by", Prose),
    Column("acknowledged_at", Moment),
    Column("look_at", Moment),
    Index(None, "run_id"),
    partial("escalations_untold", "due_at", where=UNTOLD),
    partial("escalations_looked_at", "look_at", where=LOOKED_AT),
)

threads = table(
    "threads",
    Column("incident_id", Key, ForeignKey("incidents.id"), primary_key=True),
    Column("medium", Key, primary_key=True),
    Column("address", Key, primary_key=True),
    Column("ref", Prose, nullable=False),
    Column("subject", Prose, nullable=False),
    Column("link", Prose),
    # By the message that began it: what is written in a Slack thread belongs to its incident.
    Index("threads_by_message", "medium", "address", "ref"),
)

lanes = table(
    "lanes",
    Column("medium", Key, primary_key=True),
    Column("address", Key, primary_key=True),
    Column("next_at", Moment, nullable=False),
)

kept_files = table(
    "kept_files",
    Column("sha256", Key, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("at", Moment, nullable=False),
)
