"""The tables beside the audit trail: its signed heads, what was erased of it, and where heads were sent."""

from __future__ import annotations

from sqlalchemy import Column, Index, UniqueConstraint

from bot.adapters.sql.column_types import NUMBER, Choice, Key, Moment, Prose
from bot.adapters.sql.table_shapes import number, table
from bot.domain.audit_anchors import AnchorStatus

audit_heads = table(
    "audit_heads",
    Column("position", NUMBER, primary_key=True, autoincrement=False),
    Column("hash", Key, nullable=False),
    Column("at", Key, nullable=False),  # as it was signed, to the letter
    Column("key_id", Key, nullable=False),
    Column("previous", Key, nullable=False),
    Column("signature", Key, nullable=False),
)

audit_erasures = table(
    "audit_erasures",
    number(),
    Column("audit_id", NUMBER, nullable=False),
    Column("entry_id", NUMBER, nullable=False),
    Column("before", Key, nullable=False),
    Column("after", Key, nullable=False),
    UniqueConstraint("audit_id", "entry_id"),
    Index(None, "entry_id", "audit_id"),
)

audit_anchors = table(
    "audit_anchors",
    Column("target", Key, primary_key=True),
    Column("slot", Moment, primary_key=True),
    Column("position", NUMBER, nullable=False),
    Column("hash", Key, nullable=False),
    Column("at", Moment, nullable=False),
    Column("status", Choice(AnchorStatus), nullable=False),
    Column("problem", Prose, nullable=False),
    Column("notice_id", Key),
)
