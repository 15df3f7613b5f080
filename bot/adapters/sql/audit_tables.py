"""The tables beside the audit trail: its signed heads, what was erased of it, and where heads were sent."""

from __future__ import annotations

from sqlalchemy import Column, Index, UniqueConstraint

from bot.adapters.sql.column_types import KEY, MOMENT, NUMBER, PROSE, choice
from bot.adapters.sql.table_shapes import number, table
from bot.domain.audit_anchors import AnchorStatus

audit_heads = table(
    "audit_heads",
    Column("position", NUMBER, primary_key=True, autoincrement=False),
    Column("hash", KEY, nullable=False),
    Column("at", KEY, nullable=False),  # as it was signed, to the letter
    Column("key_id", KEY, nullable=False),
    Column("previous", KEY, nullable=False),
    Column("signature", KEY, nullable=False),
)

audit_erasures = table(
    "audit_erasures",
    number(),
    Column("audit_id", NUMBER, nullable=False),
    Column("entry_id", NUMBER, nullable=False),
    Column("before", KEY, nullable=False),
    Column("after", KEY, nullable=False),
    UniqueConstraint("audit_id", "entry_id"),
    Index(None, "entry_id", "audit_id"),
)

audit_anchors = table(
    "audit_anchors",
    Column("target", KEY, primary_key=True),
    Column("slot", MOMENT, primary_key=True),
    Column("position", NUMBER, nullable=False),
    Column("hash", KEY, nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("status", choice(AnchorStatus), nullable=False),
    Column("problem", PROSE, nullable=False),
    Column("notice_id", KEY),
)
