"""Tables of runs and of all that hangs on them: plans, steps, leases, fences, approvals, watches."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, text

from bot.adapters.sql.column_types import NUMBER, Choice, Json, Key, Moment, Prose
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
    Column("id", Key, primary_key=True),
    Column("service", Key, nullable=False),
    Column("environment", Key, nullable=False),
    Column("playbook_name", Key, nullable=False),
    Column("plan_hash", Key, nullable=False),
    Column("accepted_at", Moment, nullable=False),
    Column("deadline", Moment, nullable=False),
    Column("status", Choice(RunStatus), nullable=False),
    Column("incident_id", Key, ForeignKey("incidents.id")),
    Column("event_id", Key, ForeignKey("events.id")),
    Column("release_id", Key),
    Column("criterion", Prose),
    Column("requested_by", Prose),
    Column("authority", Prose, nullable=False),
    Column("approved_by", Prose),
    Column("drill", Boolean, nullable=False),
    Column("undoing", Boolean, nullable=False),
    Column("waiting_for", Choice(WaitingFor)),
    Column("wake_at", Moment),
    Column("first_action_at", Moment),
    Column("finished_at", Moment),
    Column("breached_at", Moment),
    Column("error", Prose, nullable=False),
    Column("version", Integer, nullable=False),
    Index(None, "incident_id"),
    Index(None, "service", "environment", "first_action_at"),
    partial("runs_one_active_per_place", "service", "environment", where=ACTIVE_RUN, unique=True),
    partial("runs_tried_for_real", "service", "finished_at", where=TRIED_FOR_REAL),
)

run_plans = table(
    "run_plans",
    Column("run_id", Key, ForeignKey("runs.id"), primary_key=True),
    Column("playbook", Json, nullable=False),
    Column("facts", Json, nullable=False),
)

run_steps = table(
    "run_steps",
    Column("run_id", Key, ForeignKey("runs.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("id", Key, nullable=False),
    Column("use", Key, nullable=False),
    Column("status", Choice(StepStatus), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("interruptions", Integer, nullable=False),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column("output", Json, nullable=False),
    Column("error", Prose, nullable=False),
    Column("state", Json, nullable=False),
    Column("undoes", Key),
    **ITS_OWN_INDEX,
)

leases = table(
    "leases",
    Column("run_id", Key, ForeignKey("runs.id"), primary_key=True),
    Column("owner", Key, nullable=False),
    Column("fence", NUMBER, nullable=False),
    Column("expires_at", Moment, nullable=False),
    **ITS_OWN_INDEX,
)

fences = table(
    "fences",
    Column("service", Key, primary_key=True),
    Column("environment", Key, primary_key=True),
    Column("fence", NUMBER, nullable=False),
    **ITS_OWN_INDEX,
)

approvals = table(
    "approvals",
    Column("id", Key, primary_key=True),
    Column("run_id", Key, ForeignKey("runs.id"), nullable=False),
    Column("role", Prose, nullable=False),
    Column("question", Prose, nullable=False),
    Column("plan_hash", Key, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("then", Prose, nullable=False),
    Column("step_id", Key),
    Column("requested_by", Prose),
    Column("status", Choice(ApprovalStatus), nullable=False),
    Column("answered_by", Prose),
    Column("answered_at", Moment),
    Column("answered_as", Prose),
    Index(None, "run_id"),
    partial("approvals_asked", "expires_at", where=ASKED),
)

watches = table(
    "watches",
    Column("incident_id", Key, ForeignKey("incidents.id"), primary_key=True),
    Column("service", Key, nullable=False),
    Column("environment", Key, nullable=False),
    Column("run_id", Key, nullable=False),
    Column("restored_at", Moment, nullable=False),
    Column("begun_at", Moment, nullable=False),
    Column("looked_at", Moment, nullable=False),
    Column("window_seconds", Float, nullable=False),
    Column("alerts", Integer, nullable=False),
    Column("state", Choice(WatchState), nullable=False),
    Column("held_seconds", Float, nullable=False),
    Column("good_at", Moment),
    Column("unknowns", Integer, nullable=False),
    Column("problem", Prose, nullable=False),
    Column("told", Prose, nullable=False),
    Column("stable_at", Moment),
    Column("metrics", Json, nullable=False),
)
