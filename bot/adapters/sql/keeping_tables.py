"""The table of legal holds."""

from __future__ import annotations

from sqlalchemy import Column

from bot.adapters.sql.column_types import KEY, MOMENT, PROSE, choice
from bot.adapters.sql.table_shapes import table
from bot.domain.keeping import HoldKind

holds = table(
    "holds",
    Column("id", KEY, primary_key=True),
    Column("kind", choice(HoldKind), nullable=False),
    Column("subject", KEY, nullable=False),
    Column("reason", PROSE, nullable=False),
    Column("by", PROSE, nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("released_at", MOMENT),
    Column("released_by", PROSE),
    Column("release_reason", PROSE, nullable=False),
)
