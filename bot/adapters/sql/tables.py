"""The tables: one per record, columns named as the record's fields."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
    text,
)

from bot.adapters.sql.column_types import JSON, KEY, MOMENT, NAMES, NUMBER, PROSE, TRACES, choice
from bot.adapters.sql.table_shapes import ITS_OWN_INDEX, metadata, number, partial, table
from bot.domain.access import AccessKind
from bot.domain.decisions import Verdict
from bot.domain.events import AlertStatus, Disposition, Role
from bot.domain.incidents import IncidentStatus, Severity
from bot.domain.records import NoticeStatus
from bot.domain.releases import ReleaseStatus

# Conditions of partial indexes. A statement must use the same words, or the databases do not see that the index serves.
DEAD_LETTER = text("disposition = 'dead_letter'")
OPEN_INCIDENT = text("status <> 'resolved'")
RESOLVED_INCIDENT = text("status = 'resolved'")
UPDATE_DUE = text("update_due_at IS NOT NULL")
UNSENT = text("status IN ('due', 'failed')")
REFRESHED = text("refresh_at IS NOT NULL")
TURNING_POINT = text("kind IN ('halt', 'endorsed') AND data = '{}'")
"""Lines that say when promotion was halted, or the restored state accepted; a halt that found one has data."""

events = table(
    "events",
    Column("id", KEY, primary_key=True),
    Column("source", KEY, nullable=False),
    Column("dedup_key", KEY, nullable=False),
    Column("accepted_at", MOMENT, nullable=False),
    Column("disposition", choice(Disposition), nullable=False),
    Column("alerts", Integer, nullable=False),
    Column("body", LargeBinary),
    Column("headers", JSON, nullable=False),
    Column("problem", PROSE),
    Column("replayed_as", KEY),
    Column("replay_of", KEY),
    Column("actor", PROSE),
    Column("incident_ids", NAMES, nullable=False),
    Column("run_ids", NAMES, nullable=False),
    UniqueConstraint("source", "dedup_key"),
    partial("events_dead_letters", "id", where=DEAD_LETTER),
)

alert_states = table(
    "alert_states",
    Column("source", KEY, primary_key=True),
    Column("identity", KEY, primary_key=True),
    Column("status", choice(AlertStatus)),
    Column("starts_at", MOMENT),
    Column("resolved_starts_at", MOMENT),
    Column("event_id", KEY, nullable=False),
    Column("seen_at", MOMENT, nullable=False),
    Column("count", Integer, nullable=False),
    Column("incident_ids", NAMES, nullable=False),
    Column("run_ids", NAMES, nullable=False),
    **ITS_OWN_INDEX,
)

services = table(
    "services",
    Column("name", KEY, primary_key=True),
    Column("halted_at", MOMENT),
    Column("halted_by", PROSE),
    Column("halt_reason", PROSE),
    Column("hands_off_until", MOMENT),
    Column("hands_off_by", PROSE),
    Column("hands_off_reason", PROSE),
    Column("release_id", KEY),
)

automation = table(
    "automation",
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("on", Boolean, nullable=False),
    Column("changed_by", PROSE),
    Column("changed_at", MOMENT),
    Column("reason", PROSE),
)

releases = table(
    "releases",
    Column("id", KEY, primary_key=True),
    Column("service", KEY, nullable=False),
    Column("incumbent", PROSE, nullable=False),
    Column("candidate", PROSE, nullable=False),
    Column("opened_at", MOMENT, nullable=False),
    Column("status", choice(ReleaseStatus), nullable=False),
    Column("ended_at", MOMENT),
    Column("author", PROSE),
    Column("stage", PROSE),
    Column("resumes_as", choice(ReleaseStatus)),
    Column("declared", PROSE),
    Index(None, "service", "opened_at"),
)

incidents = table(
    "incidents",
    Column("id", KEY, primary_key=True),
    Column("place", KEY, nullable=False),  # service and environment; the latter comes from a label of any length
    Column("service", KEY, nullable=False),
    Column("environment", PROSE, nullable=False),
    Column("severity", choice(Severity), nullable=False),
    Column("title", PROSE, nullable=False),
    Column("opened_at", MOMENT, nullable=False),
    Column("status", choice(IncidentStatus), nullable=False),
    Column("release_id", KEY),
    Column("event_id", KEY),
    Column("previous_id", KEY),
    Column("resolved_at", MOMENT),
    Column("revision", Integer, nullable=False),
    Column("alert_count", Integer, nullable=False),
    Column("owner", PROSE),
    Column("offered_to", PROSE),
    Column("update_due_at", MOMENT),
    Column("update_asked_at", MOMENT),
    Column("drill", Boolean, nullable=False, server_default=text("false")),
    Column("by_alert", Boolean, nullable=False, server_default=text("false")),
    Column("began_at", MOMENT),
    partial("incidents_update_due", "update_due_at", where=UPDATE_DUE),
    partial("incidents_by_place_resolved_at", "place", "resolved_at", where=RESOLVED_INCIDENT),
    Index(None, "service", "id"),
    partial("incidents_one_open_per_place", "service", "place", where=OPEN_INCIDENT, unique=True),
)

decisions = table(
    "decisions",
    number(),
    Column("id", KEY, nullable=False, unique=True),
    Column("event_id", KEY, ForeignKey("events.id"), nullable=False, index=True),
    Column("at", MOMENT, nullable=False),
    Column("verdict", choice(Verdict), nullable=False),
    Column("reason", PROSE, nullable=False),
    Column("actor", PROSE, nullable=False),
    Column("service", KEY),
    Column("environment", PROSE),
    Column("severity", choice(Severity)),
    Column("criterion", PROSE),
    Column("playbook", KEY),
    Column("authority", PROSE),
    Column("policy_digest", KEY),
    Column("incident_id", KEY, ForeignKey("incidents.id"), index=True),
    Column("run_id", KEY, ForeignKey("runs.id")),
    Column("trace", TRACES, nullable=False),
    Column("alert", JSON, nullable=False),
)

timeline = table(
    "timeline",
    number(),
    Column("id", KEY, nullable=False, unique=True),
    Column("incident_id", KEY, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("at", MOMENT, nullable=False),
    Column("kind", KEY, nullable=False),
    Column("text", PROSE, nullable=False),
    Column("actor", PROSE),
    Column("run_id", KEY),
    Column("link", PROSE),
    Column("data", JSON, nullable=False),
    # With the column of its condition, for SQLite looks the row up where that is not in the index.
    partial("timeline_turning_points", "incident_id", "kind", "at", "data", where=TURNING_POINT),
)

notices = table(
    "notices",
    Column("id", KEY, primary_key=True),
    Column("service", KEY, nullable=False),
    Column("audience", KEY, nullable=False),
    Column("name", KEY, nullable=False),
    Column("cause", KEY, nullable=False),
    Column("due_at", MOMENT, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("incident_id", KEY, ForeignKey("incidents.id"), index=True),
    Column("run_id", KEY, ForeignKey("runs.id")),
    Column("medium", KEY, nullable=False),
    Column("status", choice(NoticeStatus), nullable=False),
    Column("subject", PROSE, nullable=False),
    Column("body", PROSE, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("error", PROSE, nullable=False),
    Column("sent_at", MOMENT),
    Column("held_by", KEY),
    Column("held_until", MOMENT),
    Column("address", PROSE, nullable=False, server_default=""),
    Column("attempted_at", MOMENT),
    Column("tried", NAMES, nullable=False, server_default="[]"),
    Column("ref", PROSE, nullable=False, server_default=""),
    Column("posted_in", PROSE, nullable=False, server_default=""),
    Column("link", PROSE),
    Column("refresh_at", MOMENT),
    partial("notices_unsent", "due_at", where=UNSENT),
    partial("notices_refreshed", "refresh_at", where=REFRESHED),
)

accesses = table(
    "accesses",
    Column("digest", KEY, primary_key=True),
    Column("kind", choice(AccessKind), nullable=False),
    Column("name", PROSE, nullable=False),
    Column("role", choice(Role), nullable=False),
    Column("csrf", PROSE, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", NUMBER, Identity(), primary_key=True, autoincrement=True),
    Column("at", MOMENT, nullable=False),
    Column("actor", PROSE, nullable=False),
    Column("action", PROSE, nullable=False),
    Column("subject", PROSE, nullable=False),
    Column("data", JSON, nullable=False),
    Column("erased", Integer, nullable=False, server_default=text("0")),  # how often something of it was erased
    Index(None, "subject"),
    implicit_returning=False,
    sqlite_autoincrement=True,  # the number of a row that was deleted is never given again
)

audit_seals = table(
    "audit_seals",
    Column("position", NUMBER, primary_key=True, autoincrement=False),
    Column("audit_id", NUMBER, nullable=False, unique=True),
    Column("hash", KEY, nullable=False),
    Column("previous", KEY, nullable=False),
    Column("row_digest", KEY),  # none where it was chained before digests were kept
)
