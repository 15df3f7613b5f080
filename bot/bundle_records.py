"""What a unit of work reads for bundles: every record about one subject, and the audit trail about it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from bot.domain.audit_trail import SignedHead
    from bot.domain.bundles import AuditRow, Batch, Seal
    from bot.domain.events import Event

R = TypeVar("R")


class BundleRecords(Protocol):
    """The part of a transaction that bundles are read from. Nothing of it is in a hurry."""

    def all_of(self, kind: type[R], field: str, value: str) -> Iterator[R]:
        """Every record of this kind whose field has this value, oldest first, read page by page."""
        ...

    def events_with_bodies(self, ids: Sequence[str]) -> Iterator[Event]:
        """These events, by id, as they came in; read part by part."""
        ...

    def run_ids_of(self, field: str, value: str) -> Sequence[str]:
        """Ids of the runs of an incident (`incident_id`) or a release (`release_id`), oldest first."""
        ...

    def acted_before(self, place: tuple[str, str], at: datetime) -> datetime | None:
        """The newest first action of an automatic rollback at this place that began before a moment."""
        ...

    def observed(self, release_id: str) -> Iterator[Batch]:
        """The batches of observations that came in for a release, without their contents, in order of arrival."""
        ...

    def chain_to_head(self, position: int) -> tuple[SignedHead, Iterator[Seal]] | None:
        """The first signed head at or behind a position, and the links from there to it; None where there is none."""
        ...

    def audit_about(self, subjects: Collection[str]) -> Iterator[AuditRow]:
        """Rows of the audit trail about these subjects, in the order of their numbers, with their seals."""
        ...
