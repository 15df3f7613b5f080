"""Drills, one row each, and which incidents are rehearsals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "drills",
        sa.Column("id", KEY, nullable=False),
        sa.Column("claim", KEY, nullable=False),
        sa.Column("service", KEY, nullable=False),
        sa.Column("environment", KEY, nullable=False),
        sa.Column("playbook", KEY, nullable=False),
        sa.Column("schedule", KEY, nullable=False),
        sa.Column("slot", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("objective_seconds", sa.Float(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("wake_at", MOMENT),
        sa.Column("requested_by", sa.Text()),
        sa.Column("surprise", sa.Boolean(), nullable=False),
        sa.Column("reminded", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text()),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text()),
        sa.Column("incident_id", KEY),
        sa.Column("event_id", KEY),
        sa.Column("inject_run_id", KEY),
        sa.Column("run_id", KEY),
        sa.Column("cleanup_run_id", KEY),
        sa.Column("started_at", MOMENT),
        sa.Column("injected_at", MOMENT),
        sa.Column("detected_at", MOMENT),
        sa.Column("decided_at", MOMENT),
        sa.Column("first_action_at", MOMENT),
        sa.Column("restored_at", MOMENT),
        sa.Column("verified_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("human", sa.Boolean()),
        sa.PrimaryKeyConstraint("id", name="drills_pkey"),
        sa.UniqueConstraint("claim", name="drills_claim_key"),
    )
    op.create_index("drills_by_service_id", "drills", ["service", "id"])
    op.create_index("drills_by_schedule_slot", "drills", ["schedule", "slot"])
    op.create_index("drills_by_incident_id", "drills", ["incident_id"])
    _partial("drills_awaited", ["wake_at"], "wake_at IS NOT NULL")
    running = "state IN ('injecting', 'restoring', 'cleaning')"
    _partial("drills_one_per_place", ["service", "environment"], running, unique=True)
    op.add_column("incidents", sa.Column("drill", sa.Boolean(), nullable=False, server_default=sa.text("false")))


def _partial(name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, "drills", columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
