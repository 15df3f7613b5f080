"""Indexes of the measures hold the columns of their own conditions: SQLite looks the row up where they do not."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TURNING_POINT = sa.text("kind IN ('halt', 'endorsed') AND data = '{}'")
RESTORED = sa.text("how = 'rollback'")


def upgrade() -> None:
    again("timeline_turning_points", "timeline", ["incident_id", "kind", "at", "data"], TURNING_POINT)
    again("live_versions_restored", "live_versions", ["run_id", "how"], RESTORED)


def again(name: str, table: str, columns: list[str], where: Any) -> None:
    op.drop_index(name, table)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
