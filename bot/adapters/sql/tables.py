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

from bot.adapters.sql.column_types import NUMBER, Choice, Json, Key, Moment, Names, Prose, Traces
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
    Column("id", Key, primary_key=True),
    Column("source", Key, nullable=False),
    Column("dedup_key", Key, nullable=False),
    Column("accepted_at", Moment, nullable=False),
    Column("disposition", Choice(Disposition), nullable=False),
    Column("alerts", Integer, nullable=False),
    Column("body", LargeBinary),
    Column("headers", Json, nullable=False),
    Column("problem", Prose),
    Column("replayed_as", Key),
    Column("replay_of", Key),
    Column("actor", Prose),
    Column("incident_ids", Names, nullable=False),
    Column("run_ids", Names, nullable=False),
    UniqueConstraint("source", "dedup_key"),
    partial("events_dead_letters", "id", where=DEAD_LETTER),
)

alert_states = table(
    "alert_states",
    Column("source", Key, primary_key=True),
    Column("identity", Key, primary_key=True),
    Column("status", Choice(AlertStatus)),
    Column("starts_at", Moment),
    Column("resolved_starts_at", Moment),
    Column("event_id", Key, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("count", Integer, nullable=False),
    Column("incident_ids", Names, nullable=False),
    Column("run_ids", Names, nullable=False),
    **ITS_OWN_INDEX,
)

services = table(
    "services",
    Column("name", Key, primary_key=True),
    Column("halted_at", Moment),
    Column("halted_by", Prose),
    Column("halt_reason", Prose),
    Column("hands_off_until", Moment),
    Column("hands_off_by", Prose),
    Column("hands_off_reason", Prose),
    Column("release_id", Key),
)

automation = table(
    "automation",
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("on", Boolean, nullable=False),
    Column("changed_by", Prose),
    Column("changed_at", Moment),
    Column("reason", Prose),
)

releases = table(
    "releases",
    Column("id", Key, primary_key=True),
    Column("service", Key, nullable=False),
    Column("incumbent", Prose, nullable=False),
    Column("candidate", Prose, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("status", Choice(ReleaseStatus), nullable=False),
    Column("ended_at", Moment),
    Column("author", Prose),
    Column("stage", Prose),
    Column("resumes_as", Choice(ReleaseStatus)),
    Column("declared", Prose),
    Index(None, "service", "opened_at"),
)

incidents = table(
    "incidents",
    Column("id", Key, primary_key=True),
    Column("place", Key, nullable=False),  # service and environment; the latter comes from a label of any length
    Column("service", Key, nullable=False),
    Column("environment", Prose, nullable=False),
    Column("severity", Choice(Severity), nullable=False),
    Column("title", Prose, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("status", Choice(IncidentStatus), nullable=False),
    Column("release_id", Key),
    Column("event_id", Key),
    Column("previous_id", Key),
    Column("resolved_at", Moment),
    Column("revision", Integer, nullable=False),
    Column("alert_count", Integer, nullable=False),
    Column("owner", Prose),
    Column("offered_to", Prose),
    Column("update_due_at", Moment),
    Column("update_asked_at", Moment),
    Column("drill", Boolean, nullable=False, server_default=text("false")),
    partial("incidents_update_due", "update_due_at", where=UPDATE_DUE),
    partial("incidents_by_place_resolved_at", "place", "resolved_at", where=RESOLVED_INCIDENT),
    Index(None, "service", "id"),
    partial("incidents_one_open_per_place", "service", "place", where=OPEN_INCIDENT, unique=True),
)

decisions = table(
    "decisions",
    number(),
    Column("id", Key, nullable=False, unique=True),
    Column("event_id", Key, ForeignKey("events.id"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("verdict", Choice(Verdict), nullable=False),
    Column("reason", Prose, nullable=False),
    Column("actor", Prose, nullable=False),
    Column("service", Key),
    Column("environment", Prose),
    Column("severity", Choice(Severity)),
    Column("criterion", Prose),
    Column("playbook", Key),
    Column("authority", Prose),
    Column("policy_digest", Key),
    Column("incident_id", Key, ForeignKey("incidents.id"), index=True),
    Column("run_id", Key, ForeignKey("runs.id")),
    Column("trace", Traces, nullable=False),
    Column("alert", Json, nullable=False),
)

timeline = table(
    "timeline",
    number(),
    Column("id", Key, nullable=False, unique=True),
    Column("incident_id", Key, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("kind", Key, nullable=False),
    Column("text", Prose, nullable=False),
    Column("actor", Prose),
    Column("run_id", Key),
    Column("link", Prose),
    Column("data", Json, nullable=False),
    # With the column of its condition, for SQLite looks the row up where that is not in the index.
    partial("timeline_turning_points", "incident_id", "kind", "at", "data", where=TURNING_POINT),
)

notices = table(
    "notices",
    Column("id", Key, primary_key=True),
    Column("service", Key, nullable=False),
    Column("audience", Key, nullable=False),
    Column("name", Key, nullable=False),
    Column("cause", Key, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("facts", Json, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("incident_id", Key, ForeignKey("incidents.id"), index=True),
    Column("run_id", Key, ForeignKey("runs.id")),
    Column("medium", Key, nullable=False),
    Column("status", Choice(NoticeStatus), nullable=False),
    Column("subject", Prose, nullable=False),
    Column("body", Prose, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("error", Prose, nullable=False),
    Column("sent_at", Moment),
    Column("held_by", Key),
    Column("held_until", Moment),
    Column("address", Prose, nullable=False, server_default=""),
    Column("attempted_at", Moment),
    Column("tried", Names, nullable=False, server_default="[]"),
    Column("ref", Prose, nullable=False, server_default=""),
    Column("posted_in", Prose, nullable=False, server_default=""),
    Column("link", Prose),
    Column("refresh_at", Moment),
    partial("notices_unsent", "due_at", where=UNSENT),
    partial("notices_refreshed", "refresh_at", where=REFRESHED),
)

accesses = table(
    "accesses",
    Column("digest", Key, primary_key=True),
    Column("kind", Choice(AccessKind), nullable=False),
    Column("name", Prose, nullable=False),
    Column("role", Choice(Role), nullable=False),
    Column("csrf", Prose, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", NUMBER, Identity(), primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("actor", Prose, nullable=False),
    Column("action", Prose, nullable=False),
    Column("subject", Prose, nullable=False),
    Column("data", Json, nullable=False),
    Column("erased", Integer, nullable=False, server_default=text("0")),  # how often something of it was erased
    Index(None, "subject"),
    implicit_returning=False,
    sqlite_autoincrement=True,  # the number of a row that was deleted is never given again
)

audit_seals = table(
    "audit_seals",
    Column("position", NUMBER, primary_key=True, autoincrement=False),
    Column("audit_id", NUMBER, nullable=False, unique=True),
    Column("hash", Key, nullable=False),
    Column("previous", Key, nullable=False),
    Column("row_digest", Key),  # none where it was chained before digests were kept
)
