"""The newest look at what each environment of a service says that it serves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "live_reads",
        sa.Column("service", KEY, nullable=False),
        sa.Column("environment", KEY, nullable=False),
        sa.Column("read_at", MOMENT, nullable=False),
        sa.Column("version", sa.Text()),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("moved_at", MOMENT),
        sa.Column("reads", sa.Integer(), nullable=False),
        sa.Column("unreleased", sa.Text()),
        sa.Column("unreleased_since", MOMENT),
        sa.Column("owed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("service", "environment", name="live_reads_pkey"),
    )
