"""Fewer pages for an alert and a claim: small tables of SQLite are one tree, open incidents are in no index of ends."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

THEIR_OWN_INDEX = ("alert_states", "run_steps", "leases", "fences")
RESOLVED = sa.text("status = 'resolved'")


def upgrade() -> None:
    index = "incidents_by_place_resolved_at"
    op.drop_index(index, "incidents")
    op.create_index(index, "incidents", ["place", "resolved_at"], sqlite_where=RESOLVED, postgresql_where=RESOLVED)
    if op.get_bind().dialect.name == "sqlite":
        for table in THEIR_OWN_INDEX:
            without_rowid(table)


def without_rowid(table: str) -> None:
    """Make the table anew; nothing refers to it, and it has no index besides its key.
    https://www.sqlite.org/withoutrowid.html"""
    connection = op.get_bind()
    declared = connection.execute(sa.text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": table}).scalar()
    _, columns = str(declared).split("(", 1)
    connection.exec_driver_sql(f"CREATE TABLE anew ({columns} WITHOUT ROWID")
    connection.exec_driver_sql(f"INSERT INTO anew SELECT * FROM {table}")  # noqa: S608 - the names are above
    connection.exec_driver_sql(f"DROP TABLE {table}")
    connection.exec_driver_sql(f"ALTER TABLE anew RENAME TO {table}")
