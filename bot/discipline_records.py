"""What a unit of work knows of how restorations went."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bot.domain.discipline import Attempt, DrillReminder, Practice


class DisciplineRecords(Protocol):
    """The part of a transaction that reads how long restorations took, and who was reminded to practise them."""

    def attempts(self, *, since: datetime, service: str | None = None) -> Sequence[Attempt]:
        """Drills and real rollbacks that ended, oldest first: all from `since` on, and of those before only the last of
        each playbook and outcome. Whether a person was needed is told of drills; of real rollbacks see `helped`."""
        ...

    def practices(self, service: str | None = None) -> Sequence[Practice]:
        """For each playbook and environment that drills were ever planned for: the first slot and the next drill."""
        ...

    def helped(self, run_ids: Collection[str]) -> frozenset[str]:
        """Those of these runs that a person asked for, approved, answered, or had to help."""
        ...

    def drill_reminders(self, service: str | None = None) -> Sequence[DrillReminder]:
        """What people were last reminded of."""
        ...
