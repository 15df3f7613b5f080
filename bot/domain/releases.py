"""Releases and services: what is on its way to production, and whether it may go on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self


class ReleaseStatus(StrEnum):
    """How far a release got. Stages and gates add to this later."""

    IN_FLIGHT = "in_flight"
    HALTED = "halted"
    ROLLED_BACK = "rolled_back"
    ABANDONED = "abandoned"


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

    @property
    def is_in_flight(self) -> bool:
        """Neither rolled back nor abandoned."""
        return self.status in (ReleaseStatus.IN_FLIGHT, ReleaseStatus.HALTED)

    def rolled_back(self, now: datetime) -> Self:
        """The release after its incumbent was restored."""
        return replace(self, status=ReleaseStatus.ROLLED_BACK, ended_at=now)

    def with_halt(self, halted: bool) -> Self:
        """The release while its service is halted, or after the halt was lifted."""
        if not self.is_in_flight:
            return self
        return replace(self, status=ReleaseStatus.HALTED if halted else ReleaseStatus.IN_FLIGHT)


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
