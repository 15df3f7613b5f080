"""The table of signs of life: one row for each part of Andon, kept anew all the time."""

from __future__ import annotations

from sqlalchemy import Column

from bot.adapters.sql.column_types import Key, Moment, Prose
from bot.adapters.sql.table_shapes import table

pulses = table(
    "pulses",
    Column("part", Key, primary_key=True),
    Column("at", Moment),
    Column("by", Prose, nullable=False),
    Column("due_at", Moment),
    Column("problem", Prose, nullable=False),
    Column("told_at", Moment),
)
