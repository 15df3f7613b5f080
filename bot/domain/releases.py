"""Releases and services: what is on its way to production, and whether it may go on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self


class ReleaseStatus(StrEnum):
    """How far a release got; while it is in flight, `stage` says where."""

    IN_FLIGHT = "in_flight"
    LIVE = "live"
    """The candidate serves everybody and is still being watched."""
    WATCHED = "watched"
    """It was watched for as long as its policy says; nobody has accepted it yet."""
    ENDORSED = "endorsed"
    HALTED = "halted"
    ROLLED_BACK = "rolled_back"
    ABANDONED = "abandoned"

    @property
    def is_over(self) -> bool:
        """Rolled back or abandoned: the candidate is not what this service is on its way to any more."""
        return self in (ReleaseStatus.ROLLED_BACK, ReleaseStatus.ABANDONED)


@dataclass(frozen=True)
class Release:
    """One candidate on its way past one incumbent. Versions are text."""

    id: str
    service: str
    incumbent: str
    candidate: str
    opened_at: datetime
    status: ReleaseStatus = ReleaseStatus.IN_FLIGHT
    ended_at: datetime | None = None
    author: str | None = None
    """Who made the candidate, where it is known: that person alone never lifts a halt of it."""
    stage: str | None = None
    """Where it is in flight; None where its policy has no stages, and once it has passed them."""
    resumes_as: ReleaseStatus | None = None
    """What it was before a halt."""
    declared: str | None = None
    """The pair of versions that the policy named when this release was made, so that only a new pair makes another."""

    @property
    def is_in_flight(self) -> bool:
        """Neither rolled back nor abandoned: its candidate may be serving, in part or to all."""
        return not self.status.is_over

    @property
    def state(self) -> str:
        """What people call it: the stage it is in, else its status; `registered` before anything began."""
        if self.status is not ReleaseStatus.IN_FLIGHT:
            return str(self.status)
        return self.stage or "registered"

    def rolled_back(self, now: datetime) -> Self:
        """The release after its incumbent was restored."""
        return replace(self, status=ReleaseStatus.ROLLED_BACK, ended_at=now, resumes_as=None)

    def with_halt(self, halted: bool) -> Self:
        """The release while its service is halted, or after the halt was lifted."""
        if not self.is_in_flight or halted == (self.status is ReleaseStatus.HALTED):
            return self
        if halted:
            return replace(self, status=ReleaseStatus.HALTED, resumes_as=self.status)
        return replace(self, status=self.resumes_as or ReleaseStatus.IN_FLIGHT, resumes_as=None)

    def at(self, status: ReleaseStatus, stage: str | None, now: datetime) -> Self:
        """The release one step further on its way, or abandoned."""
        return replace(self, status=status, stage=stage, ended_at=now if status.is_over else None, resumes_as=None)


@dataclass(frozen=True)
class Service:
    """What the bot remembers of a service besides its policy. A halt stays until it is lifted."""

    name: str
    halted_at: datetime | None = None
    halted_by: str | None = None
    halt_reason: str | None = None
    hands_off_until: datetime | None = None
    hands_off_by: str | None = None
    hands_off_reason: str | None = None
    release_id: str | None = None

    @property
    def is_halted(self) -> bool:
        """Promotion is frozen."""
        return self.halted_at is not None

    def is_hands_off(self, now: datetime) -> bool:
        """Automation is paused for this service."""
        return self.hands_off_until is not None and self.hands_off_until > now

    def halted(self, by: str, reason: str, now: datetime) -> Self:
        """The service after a halt; a second halt keeps the first one's time and name."""
        return self if self.is_halted else replace(self, halted_at=now, halted_by=by, halt_reason=reason)

    def lifted(self) -> Self:
        """The service after its halt was lifted."""
        return replace(self, halted_at=None, halted_by=None, halt_reason=None)


@dataclass(frozen=True)
class Automation:
    """The switch for everything: off means no automatic rollback anywhere; people still can."""

    on: bool = True
    changed_by: str | None = None
    changed_at: datetime | None = None
    reason: str | None = None


AUTOMATION_ON = Automation()
"""As it is until somebody turns it off."""
