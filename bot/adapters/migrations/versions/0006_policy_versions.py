"""Policies and playbooks that were in force, with who wrote and who read them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "policy_versions",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("first_in_force_at", MOMENT, nullable=False),
        sa.Column("in_force_since", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("commit", sa.Text()),
        sa.Column("committed_at", MOMENT),
        sa.Column("author", sa.Text()),
        sa.Column("reviewer", sa.Text()),
        sa.Column("is_reviewed", sa.Boolean(), nullable=False),
        sa.Column("dirty", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("previous", KEY),
        sa.Column("diff", sa.Text(), nullable=False),
        sa.Column("reminded_at", MOMENT),
        sa.PrimaryKeyConstraint("kind", "name", "digest", name="policy_versions_pkey"),
    )
    where = sa.text("ended_at IS NULL")
    op.create_index(
        "policy_versions_one_in_force",
        "policy_versions",
        ["kind", "name"],
        unique=True,
        sqlite_where=where,
        postgresql_where=where,
    )
