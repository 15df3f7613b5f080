"""Runs and the records that name them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _fences()
    _runs()
    _timeline()
    _approvals()
    _decisions()
    _leases()
    _notices()
    _run_plans()
    _run_steps()
    _refuse_other_plans()


def _refuse_other_plans() -> None:
    # People approve exactly the plan that they were shown.
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER run_plans_no_update BEFORE UPDATE ON run_plans "
            "BEGIN SELECT RAISE(ABORT, 'run_plans is append-only'); END"
        )
        return
    op.execute(
        "CREATE TRIGGER run_plans_no_update BEFORE UPDATE ON run_plans FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def _fences() -> None:
    op.create_table(
        "fences",
        sa.Column("service", KEY, nullable=False),
        sa.Column("environment", KEY, nullable=False),
        sa.Column("fence", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("service", "environment", name="fences_pkey"),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", KEY, nullable=False),
        sa.Column("service", KEY, nullable=False),
        sa.Column("environment", KEY, nullable=False),
        sa.Column("playbook_name", KEY, nullable=False),
        sa.Column("plan_hash", KEY, nullable=False),
        sa.Column("accepted_at", MOMENT, nullable=False),
        sa.Column("deadline", MOMENT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("incident_id", KEY),
        sa.Column("event_id", KEY),
        sa.Column("release_id", KEY),
        sa.Column("criterion", sa.Text()),
        sa.Column("requested_by", sa.Text()),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text()),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("undoing", sa.Boolean(), nullable=False),
        sa.Column("waiting_for", sa.Text()),
        sa.Column("wake_at", MOMENT),
        sa.Column("first_action_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.Column("breached_at", MOMENT),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="runs_event_id_fkey"),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="runs_incident_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="runs_pkey"),
    )
    op.create_index("runs_by_incident_id", "runs", ["incident_id"])
    op.create_index(
        "runs_by_service_environment_first_action_at", "runs", ["service", "environment", "first_action_at"]
    )
    op.create_index(
        "runs_one_active_per_place",
        "runs",
        ["service", "environment"],
        unique=True,
        sqlite_where=sa.text("status IN ('queued', 'running', 'waiting', 'needs_human')"),
        postgresql_where=sa.text("status IN ('queued', 'running', 'waiting', 'needs_human')"),
    )


def _timeline() -> None:
    op.create_table(
        "timeline",
        sa.Column("number", NUMBER, sa.Identity(), autoincrement=True, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text()),
        sa.Column("run_id", KEY),
        sa.Column("link", sa.Text()),
        sa.Column("data", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="timeline_incident_id_fkey"),
        sa.PrimaryKeyConstraint("number", name="timeline_pkey"),
        sa.UniqueConstraint("id", name="timeline_id_key"),
    )
    op.create_index("timeline_by_incident_id", "timeline", ["incident_id"])


def _approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", KEY, nullable=False),
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("plan_hash", KEY, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("then", sa.Text(), nullable=False),
        sa.Column("step_id", KEY),
        sa.Column("requested_by", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.Text()),
        sa.Column("answered_at", MOMENT),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="approvals_run_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="approvals_pkey"),
    )
    op.create_index(
        "approvals_asked",
        "approvals",
        ["expires_at"],
        sqlite_where=sa.text("status = 'asked'"),
        postgresql_where=sa.text("status = 'asked'"),
    )
    op.create_index("approvals_by_run_id", "approvals", ["run_id"])


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("number", NUMBER, sa.Identity(), autoincrement=True, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("service", KEY),
        sa.Column("environment", sa.Text()),
        sa.Column("severity", sa.Text()),
        sa.Column("criterion", sa.Text()),
        sa.Column("playbook", KEY),
        sa.Column("authority", sa.Text()),
        sa.Column("policy_digest", KEY),
        sa.Column("incident_id", KEY),
        sa.Column("run_id", KEY),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="decisions_event_id_fkey"),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="decisions_incident_id_fkey"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="decisions_run_id_fkey"),
        sa.PrimaryKeyConstraint("number", name="decisions_pkey"),
        sa.UniqueConstraint("id", name="decisions_id_key"),
    )
    op.create_index("decisions_by_event_id", "decisions", ["event_id"])
    op.create_index("decisions_by_incident_id", "decisions", ["incident_id"])


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("owner", KEY, nullable=False),
        sa.Column("fence", NUMBER, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="leases_run_id_fkey"),
        sa.PrimaryKeyConstraint("run_id", name="leases_pkey"),
    )


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", KEY, nullable=False),
        sa.Column("service", KEY, nullable=False),
        sa.Column("audience", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("cause", KEY, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("incident_id", KEY),
        sa.Column("run_id", KEY),
        sa.Column("medium", KEY, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("sent_at", MOMENT),
        sa.Column("held_by", KEY),
        sa.Column("held_until", MOMENT),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="notices_incident_id_fkey"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="notices_run_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="notices_pkey"),
    )
    op.create_index("notices_by_incident_id", "notices", ["incident_id"])
    op.create_index(
        "notices_unsent",
        "notices",
        ["due_at"],
        sqlite_where=sa.text("status IN ('due', 'failed')"),
        postgresql_where=sa.text("status IN ('due', 'failed')"),
    )


def _run_plans() -> None:
    op.create_table(
        "run_plans",
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="run_plans_run_id_fkey"),
        sa.PrimaryKeyConstraint("run_id", name="run_plans_pkey"),
    )


def _run_steps() -> None:
    op.create_table(
        "run_steps",
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("use", KEY, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("interruptions", sa.Integer(), nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.Column("output", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("undoes", KEY),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="run_steps_run_id_fkey"),
        sa.PrimaryKeyConstraint("run_id", "position", name="run_steps_pkey"),
    )
