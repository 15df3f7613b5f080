"""Incidents: an unplanned disruption or degradation, from first alert to closure, and how they move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from bot.domain.errors import Refused


class Severity(StrEnum):
    """How bad an incident is; SEV-1 is worst."""

    SEV_1 = "SEV-1"
    SEV_2 = "SEV-2"
    SEV_3 = "SEV-3"
    SEV_4 = "SEV-4"

    @property
    def rank(self) -> int:
        """1 is worst, 4 is mildest."""
        return int(self.value[-1])


class IncidentStatus(StrEnum):
    """States of an incident; see INCIDENT_MOVES."""

    OPEN = "open"
    HALTED = "halted"
    ROLLING_BACK = "rolling_back"
    MONITORING = "monitoring"
    STABLE = "stable"
    RESOLVED = "resolved"


class IncidentEvent(StrEnum):
    """What can happen to an incident."""

    ALERT = "alert"
    HALT = "halt"
    LIFT = "lift"
    LIFT_RESTORED = "lift_restored"
    """A lift after a rollback that succeeded: what was restored is being watched again."""
    RUN_STARTED = "run_started"
    RESTORED = "restored"
    RUN_STOPPED = "run_stopped"
    ENDORSE = "endorse"
    RESOLVE = "resolve"


_S, _E = IncidentStatus, IncidentEvent

INCIDENT_MOVES: Mapping[tuple[IncidentStatus, IncidentEvent], IncidentStatus] = {
    (_S.OPEN, _E.ALERT): _S.OPEN,
    (_S.OPEN, _E.HALT): _S.HALTED,
    (_S.OPEN, _E.LIFT): _S.OPEN,
    (_S.OPEN, _E.RUN_STARTED): _S.ROLLING_BACK,
    (_S.OPEN, _E.RESOLVE): _S.RESOLVED,
    (_S.HALTED, _E.ALERT): _S.HALTED,
    (_S.HALTED, _E.HALT): _S.HALTED,
    (_S.HALTED, _E.LIFT): _S.OPEN,
    (_S.HALTED, _E.LIFT_RESTORED): _S.MONITORING,
    (_S.HALTED, _E.RUN_STARTED): _S.ROLLING_BACK,
    (_S.HALTED, _E.RESOLVE): _S.RESOLVED,
    (_S.ROLLING_BACK, _E.ALERT): _S.ROLLING_BACK,
    # Promotion is frozen by the service's halt; the incident goes on telling that it rolls back.
    (_S.ROLLING_BACK, _E.HALT): _S.ROLLING_BACK,
    (_S.ROLLING_BACK, _E.LIFT): _S.ROLLING_BACK,
    (_S.ROLLING_BACK, _E.RUN_STARTED): _S.ROLLING_BACK,
    (_S.ROLLING_BACK, _E.RESTORED): _S.MONITORING,
    (_S.ROLLING_BACK, _E.RUN_STOPPED): _S.OPEN,
    (_S.ROLLING_BACK, _E.RESOLVE): _S.RESOLVED,
    (_S.MONITORING, _E.ALERT): _S.MONITORING,
    (_S.MONITORING, _E.HALT): _S.HALTED,
    (_S.MONITORING, _E.LIFT): _S.MONITORING,
    (_S.MONITORING, _E.RUN_STARTED): _S.ROLLING_BACK,
    (_S.MONITORING, _E.ENDORSE): _S.STABLE,
    (_S.MONITORING, _E.RESOLVE): _S.RESOLVED,
    (_S.STABLE, _E.ALERT): _S.OPEN,
    (_S.STABLE, _E.HALT): _S.HALTED,
    (_S.STABLE, _E.LIFT): _S.STABLE,
    (_S.STABLE, _E.RUN_STARTED): _S.ROLLING_BACK,
    (_S.STABLE, _E.RESOLVE): _S.RESOLVED,
}
"""Every move there is; a pair that is absent is refused. A resolved incident never moves again."""

_OVER = frozenset({IncidentStatus.STABLE, IncidentStatus.RESOLVED})
"""Nobody waits to hear more of it."""


@dataclass(frozen=True)
class Incident:
    """One incident of one service in one environment."""

    id: str
    service: str
    environment: str
    severity: Severity
    title: str
    opened_at: datetime
    status: IncidentStatus = IncidentStatus.OPEN
    release_id: str | None = None
    event_id: str | None = None
    previous_id: str | None = None
    """The resolved incident of the same service and environment that this one follows."""
    resolved_at: datetime | None = None
    revision: int = 1
    """Of the facts; grows with each change so that a notice can say which facts it tells."""
    alert_count: int = 0
    owner: str | None = None
    """Who answers for it, by id; nobody until somebody takes it or halts."""
    offered_to: str | None = None
    """Who was asked to take it over and has not said yes."""
    update_due_at: datetime | None = None
    """When people are to hear of it next, whatever happened."""
    update_asked_at: datetime | None = None
    """When its owner was asked to write that update."""
    drill: bool = False
    """Opened by a rehearsal: every message says so, and only the team hears of it."""
    by_alert: bool = False
    """A firing alert opened it, not a person or a gate."""
    began_at: datetime | None = None
    """The earliest beginning that a firing alert of the delivery that opened it gives for itself, if any gives one."""

    @property
    def is_open(self) -> bool:
        """Not resolved."""
        return self.status is not IncidentStatus.RESOLVED

    def allows(self, event: IncidentEvent) -> bool:
        """Whether the event may happen now."""
        return (self.status, event) in INCIDENT_MOVES

    def moved(self, event: IncidentEvent, now: datetime) -> Self:
        """The incident after the event; raises Refused where the table has no such move."""
        target = INCIDENT_MOVES.get((self.status, event))
        if target is None:
            raise Refused(f"Incident {self.id} is {self.status}: it cannot {event.replace('_', ' ')}")
        moved = replace(self, status=target, revision=self.revision + 1)
        if target in _OVER:
            moved = replace(moved, update_due_at=None, update_asked_at=None)
        return replace(moved, resolved_at=now, offered_to=None) if target is IncidentStatus.RESOLVED else moved

    def owned_by(self, owner: str) -> Self:
        """The incident in other hands; an offer is settled by it."""
        return replace(self, owner=owner, offered_to=None, revision=self.revision + 1)

    def offered(self, to: str) -> Self:
        """The incident after somebody was asked to take it over; an offer before that one is withdrawn by it."""
        return replace(self, offered_to=to, revision=self.revision + 1)

    def due_next(self, at: datetime | None) -> Self:
        """The incident with another time for its next update; no fact of it changes."""
        return replace(self, update_due_at=at, update_asked_at=None)

    def asked_to_update(self, now: datetime, until: datetime) -> Self:
        """The incident after somebody was asked to write its update by `until`."""
        return replace(self, update_due_at=until, update_asked_at=now)

    def with_fact(self) -> Self:
        """The incident after something more, or something else, was said of it."""
        return replace(self, revision=self.revision + 1)

    def opened_by(self, began_at: datetime | None) -> Self:
        """The incident after a firing alert of the delivery that opened it, which says that it began then."""
        known = [one for one in (self.began_at, began_at) if one is not None]
        return replace(self, by_alert=True, began_at=min(known, default=None))

    def with_alert(self, severity: Severity, now: datetime) -> Self:
        """The incident after one more alert: it can only get worse, never milder, by itself."""
        worst = min(self.severity, severity, key=lambda one: one.rank)
        return replace(self.moved(IncidentEvent.ALERT, now), severity=worst, alert_count=self.alert_count + 1)
