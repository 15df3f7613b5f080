"""The table of drills."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, text

from bot.adapters.sql.column_types import JSON, KEY, MOMENT, NAMES, PROSE, choice
from bot.adapters.sql.table_shapes import partial, table
from bot.domain.drills import DrillEvent, DrillState

# See tables.py: statements must use the same words as the index.
AWAITED = text("wake_at IS NOT NULL")
RUNNING_DRILL = text("state IN ('injecting', 'restoring', 'cleaning')")
ATTEMPTED_DRILL = text("state IN ('passed', 'failed', 'aborted', 'missed')")

drills = table(
    "drills",
    Column("id", KEY, primary_key=True),
    Column("claim", KEY, nullable=False, unique=True),
    Column("service", KEY, nullable=False),
    Column("environment", KEY, nullable=False),
    Column("playbook", KEY, nullable=False),
    Column("schedule", KEY, nullable=False),
    Column("slot", MOMENT, nullable=False),
    Column("due_at", MOMENT, nullable=False),
    Column("objective_seconds", Float, nullable=False),
    Column("state", choice(DrillState), nullable=False),
    Column("wake_at", MOMENT),
    Column("requested_by", PROSE),
    Column("surprise", Boolean, nullable=False),
    Column("reminded", NAMES, nullable=False),
    Column("rule", JSON, nullable=False),
    Column("verdict", choice(DrillEvent)),
    Column("why", PROSE, nullable=False),
    Column("actor", PROSE),
    Column("incident_id", KEY),
    Column("event_id", KEY),
    Column("inject_run_id", KEY),
    Column("run_id", KEY),
    Column("cleanup_run_id", KEY),
    Column("started_at", MOMENT),
    Column("injected_at", MOMENT),
    Column("detected_at", MOMENT),
    Column("decided_at", MOMENT),
    Column("first_action_at", MOMENT),
    Column("restored_at", MOMENT),
    Column("verified_at", MOMENT),
    Column("ended_at", MOMENT),
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
    Column("service", KEY, primary_key=True),
    Column("environment", KEY, primary_key=True),
    Column("playbook", KEY, primary_key=True),
    Column("trouble", KEY, nullable=False),
    Column("told_at", MOMENT, nullable=False),
)
