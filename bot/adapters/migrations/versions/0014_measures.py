"""Indexes over the moments that the process is measured by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TURNING_POINT = sa.text("kind IN ('halt', 'endorsed') AND data = '{}'")
RESTORED = sa.text("how = 'rollback'")


def upgrade() -> None:
    op.create_index(
        "timeline_turning_points",
        "timeline",
        ["incident_id", "kind", "at"],
        sqlite_where=TURNING_POINT,
        postgresql_where=TURNING_POINT,
    )
    op.create_index(
        "live_versions_restored", "live_versions", ["run_id"], sqlite_where=RESTORED, postgresql_where=RESTORED
    )
