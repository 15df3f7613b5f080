"""Tables of runs and of all that hangs on them: plans, steps, leases, fences, approvals, watches."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, text

from bot.adapters.sql.column_types import JSON, KEY, MOMENT, NUMBER, PROSE, choice
from bot.adapters.sql.table_shapes import ITS_OWN_INDEX, partial, table
from bot.domain.records import ApprovalStatus
from bot.domain.runs import RunStatus, WaitingFor
from bot.domain.step_states import StepStatus
from bot.domain.watches import WatchState

# See tables.py: statements must use the same words as the index.
ACTIVE_RUN = text("status IN ('queued', 'running', 'waiting', 'needs_human')")
ASKED = text("status = 'asked'")
TRIED_FOR_REAL = text("NOT drill AND status IN ('succeeded', 'failed')")

runs = table(
    "runs",
    Column("id", KEY, primary_key=True),
    Column("service", KEY, nullable=False),
    Column("environment", KEY, nullable=False),
    Column("playbook_name", KEY, nullable=False),
    Column("plan_hash", KEY, nullable=False),
    Column("accepted_at", MOMENT, nullable=False),
    Column("deadline", MOMENT, nullable=False),
    Column("status", choice(RunStatus), nullable=False),
    Column("incident_id", KEY, ForeignKey("incidents.id")),
    Column("event_id", KEY, ForeignKey("events.id")),
    Column("release_id", KEY),
    Column("criterion", PROSE),
    Column("requested_by", PROSE),
    Column("authority", PROSE, nullable=False),
    Column("approved_by", PROSE),
    Column("drill", Boolean, nullable=False),
    Column("undoing", Boolean, nullable=False),
    Column("waiting_for", choice(WaitingFor)),
    Column("wake_at", MOMENT),
    Column("first_action_at", MOMENT),
    Column("finished_at", MOMENT),
    Column("breached_at", MOMENT),
    Column("error", PROSE, nullable=False),
    Column("version", Integer, nullable=False),
    Index(None, "incident_id"),
    Index(None, "service", "environment", "first_action_at"),
    partial("runs_one_active_per_place", "service", "environment", where=ACTIVE_RUN, unique=True),
    partial("runs_tried_for_real", "service", "finished_at", where=TRIED_FOR_REAL),
)

run_plans = table(
    "run_plans",
    Column("run_id", KEY, ForeignKey("runs.id"), primary_key=True),
    Column("playbook", JSON, nullable=False),
    Column("facts", JSON, nullable=False),
)

run_steps = table(
    "run_steps",
    Column("run_id", KEY, ForeignKey("runs.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("id", KEY, nullable=False),
    Column("use", KEY, nullable=False),
    Column("status", choice(StepStatus), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("interruptions", Integer, nullable=False),
    Column("started_at", MOMENT),
    Column("finished_at", MOMENT),
    Column("output", JSON, nullable=False),
    Column("error", PROSE, nullable=False),
    Column("state", JSON, nullable=False),
    Column("undoes", KEY),
    **ITS_OWN_INDEX,
)

leases = table(
    "leases",
    Column("run_id", KEY, ForeignKey("runs.id"), primary_key=True),
    Column("owner", KEY, nullable=False),
    Column("fence", NUMBER, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
    **ITS_OWN_INDEX,
)

fences = table(
    "fences",
    Column("service", KEY, primary_key=True),
    Column("environment", KEY, primary_key=True),
    Column("fence", NUMBER, nullable=False),
    **ITS_OWN_INDEX,
)

approvals = table(
    "approvals",
    Column("id", KEY, primary_key=True),
    Column("run_id", KEY, ForeignKey("runs.id"), nullable=False),
    Column("role", PROSE, nullable=False),
    Column("question", PROSE, nullable=False),
    Column("plan_hash", KEY, nullable=False),
    Column("asked_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
    Column("then", PROSE, nullable=False),
    Column("step_id", KEY),
    Column("requested_by", PROSE),
    Column("status", choice(ApprovalStatus), nullable=False),
    Column("answered_by", PROSE),
    Column("answered_at", MOMENT),
    Column("answered_as", PROSE),
    Index(None, "run_id"),
    partial("approvals_asked", "expires_at", where=ASKED),
)

watches = table(
    "watches",
    Column("incident_id", KEY, ForeignKey("incidents.id"), primary_key=True),
    Column("service", KEY, nullable=False),
    Column("environment", KEY, nullable=False),
    Column("run_id", KEY, nullable=False),
    Column("restored_at", MOMENT, nullable=False),
    Column("begun_at", MOMENT, nullable=False),
    Column("looked_at", MOMENT, nullable=False),
    Column("window_seconds", Float, nullable=False),
    Column("alerts", Integer, nullable=False),
    Column("state", choice(WatchState), nullable=False),
    Column("held_seconds", Float, nullable=False),
    Column("good_at", MOMENT),
    Column("unknowns", Integer, nullable=False),
    Column("problem", PROSE, nullable=False),
    Column("told", PROSE, nullable=False),
    Column("stable_at", MOMENT),
    Column("metrics", JSON, nullable=False),
)
