"""What a unit of work knows of drills."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bot.domain.drills import Drill, DrillState


class DrillRecords(Protocol):
    """The part of a transaction that keeps drills."""

    def plan_drill(self, drill: Drill) -> bool:
        """Insert it unless its claim is taken, and whether it was inserted: of many clocks one plans a slot."""
        ...

    def drill(self, drill_id: str) -> Drill | None: ...
    def drills(
        self,
        *,
        limit: int,
        before: str | None = None,
        service: str | None = None,
        states: Collection[DrillState] = (),
    ) -> Sequence[Drill]:
        """Newest first by id; `before` is the id of the last one seen. No states: all."""
        ...

    def drills_due(self) -> Sequence[str]:
        """Ids of those not ended whose `wake_at` has come, by the database's clock; the earliest first."""
        ...

    def planned_drills(self) -> Sequence[Drill]:
        """All whose time has not come, or that nobody has started yet; those that start first, first."""
        ...

    def drills_to_advance(self) -> Sequence[str]:
        """Ids of those that a worker should take now, by the database's clock: planned and due, or running with a
        `wake_at` that has come; the earliest first."""
        ...

    def running_drill(self, service: str, environment: str) -> Drill | None:
        """The one that is at this place now."""
        ...

    def last_slot(self, schedule: str) -> datetime | None:
        """The latest slot of a schedule that was ever planned."""
        ...

    def latest_drill(self, schedule: str) -> Drill | None:
        """The drill of a schedule's latest slot; of several of one slot, the one that was planned last."""
        ...

    def drill_of_run(self, run_id: str) -> Drill | None:
        """The drill that a run belongs to, as injection, restoration or cleaning."""
        ...

    def drill_of_incident(self, incident_id: str) -> Drill | None:
        """The drill that opened an incident."""
        ...
