"""The table of policies and playbooks that were in force."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, text

from bot.adapters.sql.column_types import Choice, Key, Moment, Prose
from bot.adapters.sql.table_shapes import partial, table
from bot.domain.policy_versions import FileKind

# See tables.py: statements must use the same words as the index.
IN_FORCE = text("ended_at IS NULL")

policy_versions = table(
    "policy_versions",
    Column("kind", Choice(FileKind), primary_key=True),
    Column("name", Key, primary_key=True),
    Column("digest", Key, primary_key=True),
    Column("text", Prose, nullable=False),
    Column("first_in_force_at", Moment, nullable=False),
    Column("in_force_since", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("commit", Prose),
    Column("committed_at", Moment),
    Column("author", Prose),
    Column("reviewer", Prose),
    Column("is_reviewed", Boolean, nullable=False),
    Column("dirty", Boolean, nullable=False),
    Column("why", Prose, nullable=False),
    Column("previous", Key),
    Column("diff", Prose, nullable=False),
    Column("reminded_at", Moment),
    partial("policy_versions_one_in_force", "kind", "name", where=IN_FORCE, unique=True),
)
