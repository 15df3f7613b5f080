"""The table of legal holds."""

from __future__ import annotations

from sqlalchemy import Column

from bot.adapters.sql.column_types import Choice, Key, Moment, Prose
from bot.adapters.sql.table_shapes import table
from bot.domain.keeping import HoldKind

holds = table(
    "holds",
    Column("id", Key, primary_key=True),
    Column("kind", Choice(HoldKind), nullable=False),
    Column("subject", Key, nullable=False),
    Column("reason", Prose, nullable=False),
    Column("by", Prose, nullable=False),
    Column("at", Moment, nullable=False),
    Column("released_at", Moment),
    Column("released_by", Prose),
    Column("release_reason", Prose, nullable=False),
)
