"""Signs of life of Andon's own parts, one row each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "pulses",
        sa.Column("part", KEY, nullable=False),
        sa.Column("at", MOMENT),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("told_at", MOMENT),
        sa.PrimaryKeyConstraint("part", name="pulses_pkey"),
    )
