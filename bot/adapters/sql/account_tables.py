"""The table of signs of life: one row for each part of Andon, kept anew all the time."""

from __future__ import annotations

from sqlalchemy import Column

from bot.adapters.sql.column_types import KEY, MOMENT, PROSE
from bot.adapters.sql.table_shapes import table

pulses = table(
    "pulses",
    Column("part", KEY, primary_key=True),
    Column("at", MOMENT),
    Column("by", PROSE, nullable=False),
    Column("due_at", MOMENT),
    Column("problem", PROSE, nullable=False),
    Column("told_at", MOMENT),
)
