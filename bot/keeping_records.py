"""What a unit of work knows of the audit trail's heads, and of how long records are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bot.domain.audit_anchors import Anchor
    from bot.domain.audit_trail import SignedHead
    from bot.domain.keeping import Hold
    from bot.domain.records import AuditEntry


class KeepingRecords(Protocol):
    """The part of a transaction that keeps heads, anchors, legal holds and erasures."""

    def audit_entries_of(
        self,
        *,
        limit: int,
        after: int = 0,
        subject: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[tuple[int, AuditEntry]]:
        """Oldest first with their row numbers; `until` is not part of the span. A subject may lack its kind."""
        ...

    def audit_head(self) -> SignedHead | None:
        """The newest signed head."""
        ...

    def audit_has_news(self, after: int) -> bool:
        """Whether the chain has rows after this position, besides those about anchors and notices themselves."""
        ...

    def audit_waiting_since(self) -> datetime | None:
        """When the oldest entry was written that is not chained yet; rows that committed late are left out."""
        ...

    def begin_anchor(self, anchor: Anchor) -> bool:
        """Insert it unless this place has one of this interval already, and whether it was inserted."""
        ...

    def fail_anchor(self, anchor: Anchor) -> bool:
        """Mark one that counted as sent; False where somebody else did so first."""
        ...

    def last_anchors(self) -> Mapping[str, Anchor]:
        """The newest of each place, whatever came of it."""
        ...

    def anchored_positions(self) -> Mapping[str, int]:
        """The highest position that surely stands at each place."""
        ...

    def holds(self) -> Sequence[Hold]:
        """Legal holds, all there ever were, oldest first."""
        ...

    def hold(self, hold_id: str) -> Hold | None:
        """By its id."""
        ...
