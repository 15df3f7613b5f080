"""The tables of postmortems: one row each, and beside it every word that somebody wrote, said or signed."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, text

from bot.adapters.sql.column_types import Choice, Key, Moment, Names, Prose
from bot.adapters.sql.table_shapes import number, partial, table
from bot.domain.postmortems import ChangeVerdict, PostmortemState, Section

# See tables.py: statements must use the same words as the index.
POSTMORTEM_REMINDED = text("remind_at IS NOT NULL")

postmortems = table(
    "postmortems",
    Column("incident_id", Key, ForeignKey("incidents.id"), primary_key=True),
    Column("service", Key, nullable=False, index=True),
    Column("opened_at", Moment, nullable=False),
    Column("state", Choice(PostmortemState), nullable=False),
    Column("owner", Prose),
    Column("due_at", Moment),
    Column("remind_at", Moment),
    Column("reminders", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("reviewed_at", Moment),
    partial("postmortems_reminded", "remind_at", where=POSTMORTEM_REMINDED),
)

section_texts = table(
    "postmortem_texts",
    number(),
    Column("incident_id", Key, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("section", Choice(Section), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("text", Prose, nullable=False),
    Column("by", Prose, nullable=False),
    Column("at", Moment, nullable=False),
)

comments = table(
    "postmortem_comments",
    number(),
    Column("id", Key, nullable=False, unique=True),
    Column("incident_id", Key, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("by", Prose, nullable=False),
    Column("text", Prose, nullable=False),
    Column("section", Choice(Section)),
)

lessons = table(
    "postmortem_lessons",
    Column("id", Key, primary_key=True),
    Column("incident_id", Key, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("by", Prose, nullable=False),
    Column("text", Prose, nullable=False),
    Column("diff", Prose, nullable=False),
    Column("verdict", Choice(ChangeVerdict), nullable=False),
    Column("faults", Names, nullable=False),
    Column("base", Names, nullable=False),
    Column("withdrawn_by", Prose),
    Column("withdrawn_at", Moment),
)

sign_offs = table(
    "postmortem_sign_offs",
    number(),
    Column("incident_id", Key, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("role", Key, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("by", Prose, nullable=False),
    Column("at", Moment, nullable=False),
)
