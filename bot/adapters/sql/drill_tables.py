"""The table of drills."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, text

from bot.adapters.sql.column_types import Choice, Json, Key, Moment, Names, Prose
from bot.adapters.sql.table_shapes import partial, table
from bot.domain.drills import DrillEvent, DrillState

# See tables.py: statements must use the same words as the index.
AWAITED = text("wake_at IS NOT NULL")
RUNNING_DRILL = text("state IN ('injecting', 'restoring', 'cleaning')")
ATTEMPTED_DRILL = text("state IN ('passed', 'failed', 'aborted', 'missed')")

drills = table(
    "drills",
    Column("id", Key, primary_key=True),
    Column("claim", Key, nullable=False, unique=True),
    Column("service", Key, nullable=False),
    Column("environment", Key, nullable=False),
    Column("playbook", Key, nullable=False),
    Column("schedule", Key, nullable=False),
    Column("slot", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("objective_seconds", Float, nullable=False),
    Column("state", Choice(DrillState), nullable=False),
    Column("wake_at", Moment),
    Column("requested_by", Prose),
    Column("surprise", Boolean, nullable=False),
    Column("reminded", Names, nullable=False),
    Column("rule", Json, nullable=False),
    Column("verdict", Choice(DrillEvent)),
    Column("why", Prose, nullable=False),
    Column("actor", Prose),
    Column("incident_id", Key),
    Column("event_id", Key),
    Column("inject_run_id", Key),
    Column("run_id", Key),
    Column("cleanup_run_id", Key),
    Column("started_at", Moment),
    Column("injected_at", Moment),
    Column("detected_at", Moment),
    Column("decided_at", Moment),
    Column("first_action_at", Moment),
    Column("restored_at", Moment),
    Column("verified_at", Moment),
    Column("ended_at", Moment),
    Column("human", Boolean),
    Index(None, "service", "id"),
    Index(None, "schedule", "slot"),
    Index(None, "incident_id"),
    partial("drills_awaited", "wake_at", where=AWAITED),
    partial("drills_one_per_place", "service", "environment", where=RUNNING_DRILL, unique=True),
    partial("drills_attempted", "service", "ended_at", where=ATTEMPTED_DRILL),
)

drill_reminders = table(
    "drill_reminders",
    Column("service", Key, primary_key=True),
    Column("environment", Key, primary_key=True),
    Column("playbook", Key, primary_key=True),
    Column("trouble", Key, nullable=False),
    Column("told_at", Moment, nullable=False),
)
