"""Reading the append-only trail, its signed heads, and where those were sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, select, update

from bot.adapters.sql.audit_tables import audit_anchors, audit_heads
from bot.adapters.sql.column_types import MOMENT
from bot.adapters.sql.statements import columns_of
from bot.adapters.sql.tables import audit, audit_seals
from bot.adapters.sql.work import Work
from bot.domain.audit_anchors import Anchor, AnchorStatus
from bot.domain.audit_trail import SignedHead
from bot.domain.records import AuditEntry

_ENTRY = (audit.c.id, *columns_of(audit, AuditEntry))
_ENTRIES = (
    select(*_ENTRY)
    .where(audit.c.id > bindparam("after"))
    .order_by(audit.c.id)
    .limit(bindparam("most", type_=audit.c.id.type))
)
_HEAD = select(audit_heads).order_by(audit_heads.c.position.desc()).limit(1)
_NEWS = (
    select(audit_seals.c.position)
    .join(audit, audit.c.id == audit_seals.c.audit_id)
    .where(
        audit_seals.c.position > bindparam("after"),
        audit.c.action.not_like("audit.anchor%"),
        audit.c.action.not_like("notice.%"),
    )
    .limit(1)
)
_WAITING = select(func.min(audit.c.at, type_=MOMENT)).where(
    audit.c.id > select(func.coalesce(func.max(audit_seals.c.audit_id), 0)).scalar_subquery()
)
_ANCHOR = columns_of(audit_anchors, Anchor)
_FAIL = (
    update(audit_anchors)
    .where(
        audit_anchors.c.target == bindparam("the_target"),
        audit_anchors.c.slot == bindparam("the_slot"),
        audit_anchors.c.status == AnchorStatus.SENT,
    )
    .values(status=AnchorStatus.FAILED)
)


class AuditQueries(Work):
    """Who did what."""

    def audit_entries(self, *, limit: int, after: int = 0) -> Sequence[tuple[int, AuditEntry]]:
        """Oldest first with their row numbers."""
        rows = self.rows(_ENTRIES, {"after": after, "most": limit})
        return [(row[0], AuditEntry(*row[1:])) for row in rows]

    def audit_entries_of(
        self,
        *,
        limit: int,
        after: int = 0,
        subject: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[tuple[int, AuditEntry]]:
        """The same, of one subject and of a span of time; `until` is not part of it. A subject may be given without
        its kind."""
        statement = select(*_ENTRY).where(audit.c.id > after).order_by(audit.c.id).limit(limit)
        if subject is not None:
            named = audit.c.subject == subject
            statement = statement.where(
                named if ":" in subject else audit.c.subject.endswith(f":{subject}", autoescape=True)
            )
        if since is not None:
            statement = statement.where(audit.c.at >= since)
        if until is not None:
            statement = statement.where(audit.c.at < until)
        return [(row[0], AuditEntry(*row[1:])) for row in self.rows(statement)]

    def audit_head(self) -> SignedHead | None:
        """The newest signed head."""
        row = self.row(_HEAD)
        return SignedHead(*row) if row else None

    def audit_has_news(self, after: int) -> bool:
        """Whether the chain has rows after this position, besides those about anchors and notices themselves."""
        return self.row(_NEWS, {"after": after}) is not None

    def audit_waiting_since(self) -> datetime | None:
        """When the oldest entry was written that is not chained yet; rows that committed late are left out."""
        moment: datetime | None = self.row(_WAITING)[0]
        return moment

    def begin_anchor(self, anchor: Anchor) -> bool:
        """Insert it unless this place has one of this interval already, and whether it was inserted."""
        return self.count(self.statements.begin_anchor, vars(anchor)) > 0

    def fail_anchor(self, anchor: Anchor) -> bool:
        """Mark one that counted as sent; False where somebody else did so first."""
        return self.count(_FAIL, {"the_target": anchor.target, "the_slot": anchor.slot}) > 0

    def last_anchors(self) -> Mapping[str, Anchor]:
        """The newest of each place, whatever came of it."""
        newest = (
            select(audit_anchors.c.target, func.max(audit_anchors.c.slot).label("slot"))
            .group_by(audit_anchors.c.target)
            .subquery()
        )
        here = (newest.c.target == audit_anchors.c.target) & (newest.c.slot == audit_anchors.c.slot)
        return {row.target: Anchor(*row) for row in self.rows(select(*_ANCHOR).join(newest, here))}

    def anchored_positions(self) -> Mapping[str, int]:
        """The highest position that surely stands at each place."""
        statement = (
            select(audit_anchors.c.target, func.max(audit_anchors.c.position))
            .where(audit_anchors.c.status == AnchorStatus.SENT)
            .group_by(audit_anchors.c.target)
        )
        return {row[0]: row[1] for row in self.rows(statement)}
