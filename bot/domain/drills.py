"""Drills: planned rehearsals of a playbook away from production, and every move that one can make. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from bot.domain.errors import Refused

DRILL_SOURCE = "drill"
"""The source of the alert that a drill posts at the front door."""


class DrillState(StrEnum):
    """States of a drill; see DRILL_MOVES."""

    PLANNED = "planned"
    """Its time has not come."""
    INJECTING = "injecting"
    """The stated failure mode is brought about."""
    RESTORING = "restoring"
    """Its alert is in; the playbook runs, or waits for somebody."""
    CLEANING = "cleaning"
    """Its verdict is known; what was injected is taken back."""
    PASSED = "passed"
    FAILED = "failed"
    ABORTED = "aborted"
    """It could not be carried out, so nothing was proven."""
    MISSED = "missed"
    """Its time went by."""
    SKIPPED = "skipped"
    """Somebody said no, with a reason."""
    WITHDRAWN = "withdrawn"
    """The policy no longer has it."""

    @property
    def is_ended(self) -> bool:
        """Nothing moves it any more."""
        return self in _ENDED

    @property
    def is_running(self) -> bool:
        """It is at its service and environment now."""
        return self in RUNNING


RUNNING = frozenset({DrillState.INJECTING, DrillState.RESTORING, DrillState.CLEANING})
_ENDED = frozenset(DrillState) - RUNNING - {DrillState.PLANNED}


class DrillEvent(StrEnum):
    """What can happen to a drill."""

    START = "start"
    INJECTED = "injected"
    CLEAN = "clean"
    """Nothing more is measured: take back what was injected."""
    PASS = "pass"  # noqa: S105 - a word for an outcome
    FAIL = "fail"
    ABORT = "abort"
    MISS = "miss"
    SKIP = "skip"
    WITHDRAW = "withdraw"


_S, _E = DrillState, DrillEvent

DRILL_MOVES: Mapping[tuple[DrillState, DrillEvent], DrillState] = {
    (_S.PLANNED, _E.START): _S.INJECTING,
    (_S.PLANNED, _E.MISS): _S.MISSED,
    (_S.PLANNED, _E.SKIP): _S.SKIPPED,
    (_S.PLANNED, _E.WITHDRAW): _S.WITHDRAWN,
    (_S.INJECTING, _E.INJECTED): _S.RESTORING,
    (_S.INJECTING, _E.CLEAN): _S.CLEANING,
    (_S.RESTORING, _E.CLEAN): _S.CLEANING,
    (_S.CLEANING, _E.PASS): _S.PASSED,
    (_S.CLEANING, _E.FAIL): _S.FAILED,
    (_S.CLEANING, _E.ABORT): _S.ABORTED,
}
"""Every move there is; a pair that is absent is refused. An ended drill never moves again."""


@dataclass(frozen=True)
class Drill:
    """One rehearsal: planned for a slot of its schedule, or asked for. All moments are measured, none is assumed."""

    id: str
    claim: str
    """Unique: `schedule@slot`, so that each slot has one drill however many clocks there are; else `asked:<id>`."""
    service: str
    environment: str
    playbook: str
    schedule: str
    """Which entry of the policy; empty where it was asked for."""
    slot: datetime
    """The moment of the schedule, or of the request."""
    due_at: datetime
    """When it is to start: the slot, unless somebody moved it."""
    objective_seconds: float
    state: DrillState = DrillState.PLANNED
    wake_at: datetime | None = None
    """When something is due for it next: a reminder, its start, the end of its patience. None: nothing."""
    requested_by: str | None = None
    surprise: bool = False
    reminded: tuple[str, ...] = ()
    """The reminders that were sent, as durations before its start."""
    rule: Mapping[str, Any] = field(default_factory=dict)
    """The policy's entry as it was carried out."""
    verdict: DrillEvent | None = None
    """What it will end as once it is cleaned up: pass, fail or abort."""
    why: str = ""
    """Why it failed, was aborted, missed or skipped."""
    actor: str | None = None
    """Who skipped or moved it."""
    incident_id: str | None = None
    event_id: str | None = None
    inject_run_id: str | None = None
    run_id: str | None = None
    """The run that restored."""
    cleanup_run_id: str | None = None
    started_at: datetime | None = None
    injected_at: datetime | None = None
    detected_at: datetime | None = None
    decided_at: datetime | None = None
    first_action_at: datetime | None = None
    restored_at: datetime | None = None
    """Its last acting step was done."""
    verified_at: datetime | None = None
    """What was restored was measured to be good."""
    ended_at: datetime | None = None
    human: bool | None = None
    """Whether a person was needed; None while that is not known."""

    @property
    def is_ended(self) -> bool:
        """Nothing moves it any more."""
        return self.state.is_ended

    @property
    def passed(self) -> bool | None:
        """Its verdict; None where it has none."""
        return {DrillState.PASSED: True, DrillState.FAILED: False, DrillState.ABORTED: False}.get(self.state)

    @property
    def seconds_to_restore(self) -> float | None:
        """From the failure being there (its alert, where nothing was injected) to the proof that it is over."""
        begun = self.injected_at or self.detected_at
        if begun is None or self.verified_at is None:
            return None
        return (self.verified_at - begun).total_seconds()

    @property
    def objective(self) -> timedelta:
        """Within which it is to be restored and verified."""
        return timedelta(seconds=self.objective_seconds)

    def moved(self, event: DrillEvent, now: datetime, *, why: str = "", actor: str | None = None) -> Self:
        """The drill after the event; raises Refused where the table has no such move."""
        target = DRILL_MOVES.get((self.state, event))
        if target is None:
            raise Refused(
                f"Drill {self.id} is {self.state}: it cannot {event}", next="look at it with `andon drills show`"
            )
        return replace(
            self,
            state=target,
            why=why or self.why,
            actor=actor or self.actor,
            started_at=now if event is DrillEvent.START else self.started_at,
            ended_at=now if target.is_ended else None,
            wake_at=None if target.is_ended else self.wake_at,
        )
