"""What a unit of work knows of postmortems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bot.domain.postmortems import Lesson, Postmortem, PostmortemComment, PostmortemState, SectionText, SignOff


class PostmortemRecords(Protocol):
    """The part of a transaction that keeps postmortems, their words and their sign-offs; additions go by `add`."""

    def postmortem(self, incident_id: str) -> Postmortem | None:
        """Of this incident; None where none was begun and none is due."""
        ...

    def postmortems(
        self, *, limit: int, before: str | None = None, service: str | None = None, state: PostmortemState | None = None
    ) -> Sequence[Postmortem]:
        """Newest incident first; `before` is the incident of the last one seen."""
        ...

    def due_postmortems(self) -> Sequence[Postmortem]:
        """Those of which somebody is to be reminded now, by the database's clock."""
        ...

    def section_texts(self, incident_id: str) -> Sequence[SectionText]:
        """Oldest first, those that later ones replaced included."""
        ...

    def postmortem_comments(self, incident_id: str) -> Sequence[PostmortemComment]:
        """Oldest first."""
        ...

    def lessons(self, incident_id: str) -> Sequence[Lesson]:
        """Oldest first, those that were withdrawn included."""
        ...

    def sign_offs(self, incident_id: str) -> Sequence[SignOff]:
        """Oldest first, those for earlier words included."""
        ...
