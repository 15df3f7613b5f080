"""Tables of what people say and promise, of whom to call, and of where notices stand."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, text

from bot.adapters.sql.column_types import JSON, KEY, MOMENT, NAMES, PROSE, choice
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
    Column("id", KEY, nullable=False, unique=True),
    Column("incident_id", KEY, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("field", KEY, nullable=False),
    Column("value", JSON),
    Column("source", PROSE, nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("by", PROSE),
    Column("revision", Integer, nullable=False),
    Column("asked", PROSE),
)

meetings = table(
    "meetings",
    Column("id", KEY, primary_key=True),
    Column("incident_id", KEY, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("service", KEY, nullable=False),
    Column("uid", PROSE, nullable=False),
    Column("status", choice(MeetingStatus), nullable=False),
    Column("starts_at", MOMENT, nullable=False),
    Column("ends_at", MOMENT, nullable=False),
    Column("called_by", PROSE, nullable=False),
    Column("called_at", MOMENT, nullable=False),
    Column("invitees", NAMES, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("started_at", MOMENT),
    Column("ended_at", MOMENT),
    Column("link", PROSE),
    partial("meetings_one_open_per_incident", "incident_id", where=OPEN_MEETING, unique=True),
)

minutes = table(
    "minutes",
    Column("id", KEY, primary_key=True),
    Column("incident_id", KEY, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("service", KEY, nullable=False),
    Column("kind", choice(MinuteKind), nullable=False),
    Column("status", choice(MinuteStatus), nullable=False),
    Column("text", PROSE, nullable=False),
    Column("by", PROSE, nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("owner", PROSE),
    Column("due_at", MOMENT),
    Column("due_text", PROSE, nullable=False),
    Column("options", NAMES, nullable=False),
    Column("reason", PROSE, nullable=False),
    Column("answer", PROSE, nullable=False),
    Column("answered_by", PROSE),
    Column("ended_at", MOMENT),
    Column("evidence", PROSE),
    Column("source", JSON, nullable=False),
    Column("source_key", KEY, unique=True),
    Column("meeting_id", KEY, ForeignKey("meetings.id")),
    Column("remind_at", MOMENT),
    Column("reminders", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    partial("minutes_reminded", "remind_at", where=REMINDED),
)

minute_changes = table(
    "minute_changes",
    number(),
    Column("minute_id", KEY, ForeignKey("minutes.id"), nullable=False, index=True),
    Column("at", MOMENT, nullable=False),
    Column("by", PROSE, nullable=False),
    Column("what", KEY, nullable=False),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
)

escalations = table(
    "escalations",
    Column("id", KEY, primary_key=True),
    Column("incident_id", KEY, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("run_id", KEY, ForeignKey("runs.id"), nullable=False),
    Column("approval_id", KEY),
    Column("level", Integer, nullable=False),
    Column("notify", PROSE, nullable=False),
    Column("due_at", MOMENT, nullable=False),
    Column("status", choice(EscalationStatus), nullable=False),
    Column("told_at", MOMENT),
    Column("acknowledged_by", PROSE),
    Column("acknowledged_at", MOMENT),
    Column("look_at", MOMENT),
    Index(None, "run_id"),
    partial("escalations_untold", "due_at", where=UNTOLD),
    partial("escalations_looked_at", "look_at", where=LOOKED_AT),
)

threads = table(
    "threads",
    Column("incident_id", KEY, ForeignKey("incidents.id"), primary_key=True),
    Column("medium", KEY, primary_key=True),
    Column("address", KEY, primary_key=True),
    Column("ref", PROSE, nullable=False),
    Column("subject", PROSE, nullable=False),
    Column("link", PROSE),
    # By the message that began it: what is written in a Slack thread belongs to its incident.
    Index("threads_by_message", "medium", "address", "ref"),
)

lanes = table(
    "lanes",
    Column("medium", KEY, primary_key=True),
    Column("address", KEY, primary_key=True),
    Column("next_at", MOMENT, nullable=False),
)

kept_files = table(
    "kept_files",
    Column("sha256", KEY, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("at", MOMENT, nullable=False),
)
