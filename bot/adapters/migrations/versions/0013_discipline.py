"""What people were reminded to practise, and the indexes by which restorations are measured."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "drill_reminders",
        sa.Column("service", KEY, nullable=False),
        sa.Column("environment", KEY, nullable=False),
        sa.Column("playbook", KEY, nullable=False),
        sa.Column("trouble", KEY, nullable=False),
        sa.Column("told_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("service", "environment", "playbook", name="drill_reminders_pkey"),
    )
    attempted = "state IN ('passed', 'failed', 'aborted', 'missed')"
    _partial("drills_attempted", "drills", ["service", "ended_at"], attempted)
    tried = "NOT drill AND status IN ('succeeded', 'failed')"
    _partial("runs_tried_for_real", "runs", ["service", "finished_at"], tried)


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)
