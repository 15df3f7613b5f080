"""Postmortems, with comments and sign-offs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "postmortems",
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("service", KEY, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("due_at", MOMENT),
        sa.Column("remind_at", MOMENT),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("reviewed_at", MOMENT),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="postmortems_incident_id_fkey"),
        sa.PrimaryKeyConstraint("incident_id", name="postmortems_pkey"),
    )
    op.create_index("postmortems_by_service", "postmortems", ["service"])
    condition = sa.text("remind_at IS NOT NULL")
    op.create_index(
        "postmortems_reminded", "postmortems", ["remind_at"], sqlite_where=condition, postgresql_where=condition
    )
    _words(
        "postmortem_texts",
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    _words(
        "postmortem_comments",
        sa.Column("id", KEY, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("section", sa.Text()),
        sa.UniqueConstraint("id", name="postmortem_comments_id_key"),
    )
    op.create_table(
        "postmortem_lessons",
        sa.Column("id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("diff", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("faults", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("withdrawn_by", sa.Text()),
        sa.Column("withdrawn_at", MOMENT),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="postmortem_lessons_incident_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="postmortem_lessons_pkey"),
    )
    op.create_index("postmortem_lessons_by_incident_id", "postmortem_lessons", ["incident_id"])
    _words(
        "postmortem_sign_offs",
        sa.Column("role", KEY, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )


def _words(name: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("number", NUMBER, sa.Identity(), nullable=False, autoincrement=True),
        sa.Column("incident_id", KEY, nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=f"{name}_incident_id_fkey"),
        sa.PrimaryKeyConstraint("number", name=f"{name}_pkey"),
    )
    op.create_index(f"{name}_by_incident_id", name, ["incident_id"])
