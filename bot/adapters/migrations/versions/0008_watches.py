"""The watch over what a rollback restored, one row for each incident."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "watches",
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("service", KEY, nullable=False),
        sa.Column("environment", KEY, nullable=False),
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("restored_at", MOMENT, nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("looked_at", MOMENT, nullable=False),
        sa.Column("window_seconds", sa.Float(), nullable=False),
        sa.Column("alerts", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("held_seconds", sa.Float(), nullable=False),
        sa.Column("good_at", MOMENT),
        sa.Column("unknowns", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("stable_at", MOMENT),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="watches_incident_id_fkey"),
        sa.PrimaryKeyConstraint("incident_id", name="watches_pkey"),
    )
