"""The tables of postmortems: one row each, and beside it every word that somebody wrote, said or signed."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, text

from bot.adapters.sql.column_types import KEY, MOMENT, NAMES, PROSE, choice
from bot.adapters.sql.table_shapes import number, partial, table
from bot.domain.postmortems import ChangeVerdict, PostmortemState, Section

# See tables.py: statements must use the same words as the index.
POSTMORTEM_REMINDED = text("remind_at IS NOT NULL")

postmortems = table(
    "postmortems",
    Column("incident_id", KEY, ForeignKey("incidents.id"), primary_key=True),
    Column("service", KEY, nullable=False, index=True),
    Column("opened_at", MOMENT, nullable=False),
    Column("state", choice(PostmortemState), nullable=False),
    Column("owner", PROSE),
    Column("due_at", MOMENT),
    Column("remind_at", MOMENT),
    Column("reminders", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("reviewed_at", MOMENT),
    partial("postmortems_reminded", "remind_at", where=POSTMORTEM_REMINDED),
)

section_texts = table(
    "postmortem_texts",
    number(),
    Column("incident_id", KEY, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("section", choice(Section), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("text", PROSE, nullable=False),
    Column("by", PROSE, nullable=False),
    Column("at", MOMENT, nullable=False),
)

comments = table(
    "postmortem_comments",
    number(),
    Column("id", KEY, nullable=False, unique=True),
    Column("incident_id", KEY, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("at", MOMENT, nullable=False),
    Column("by", PROSE, nullable=False),
    Column("text", PROSE, nullable=False),
    Column("section", choice(Section)),
)

lessons = table(
    "postmortem_lessons",
    Column("id", KEY, primary_key=True),
    Column("incident_id", KEY, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("at", MOMENT, nullable=False),
    Column("by", PROSE, nullable=False),
    Column("text", PROSE, nullable=False),
    Column("diff", PROSE, nullable=False),
    Column("verdict", choice(ChangeVerdict), nullable=False),
    Column("faults", NAMES, nullable=False),
    Column("base", NAMES, nullable=False),
    Column("withdrawn_by", PROSE),
    Column("withdrawn_at", MOMENT),
)

sign_offs = table(
    "postmortem_sign_offs",
    number(),
    Column("incident_id", KEY, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("role", KEY, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("by", PROSE, nullable=False),
    Column("at", MOMENT, nullable=False),
)
