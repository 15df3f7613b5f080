"""The table of policies and playbooks that were in force."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, text

from bot.adapters.sql.column_types import KEY, MOMENT, PROSE, choice
from bot.adapters.sql.table_shapes import partial, table
from bot.domain.policy_versions import FileKind

# See tables.py: statements must use the same words as the index.
IN_FORCE = text("ended_at IS NULL")

policy_versions = table(
    "policy_versions",
    Column("kind", choice(FileKind), primary_key=True),
    Column("name", KEY, primary_key=True),
    Column("digest", KEY, primary_key=True),
    Column("text", PROSE, nullable=False),
    Column("first_in_force_at", MOMENT, nullable=False),
    Column("in_force_since", MOMENT, nullable=False),
    Column("ended_at", MOMENT),
    Column("commit", PROSE),
    Column("committed_at", MOMENT),
    Column("author", PROSE),
    Column("reviewer", PROSE),
    Column("is_reviewed", Boolean, nullable=False),
    Column("dirty", Boolean, nullable=False),
    Column("why", PROSE, nullable=False),
    Column("previous", KEY),
    Column("diff", PROSE, nullable=False),
    Column("reminded_at", MOMENT),
    partial("policy_versions_one_in_force", "kind", "name", where=IN_FORCE, unique=True),
)
