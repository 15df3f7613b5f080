"""Escalations: whom to call when a question stays without an answer, and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self


class EscalationStatus(StrEnum):
    """States of one level of an escalation."""

    DUE = "due"
    TOLD = "told"
    ACKNOWLEDGED = "acknowledged"
    """Somebody of that level said that they look at it."""
    OVER = "over"
    """The question was answered, or its run moved on."""


@dataclass(frozen=True)
class Escalation:
    """One level of the policy's `escalation`, for one question of one run."""

    id: str
    incident_id: str
    run_id: str
    approval_id: str | None
    """None: the run needs a person."""
    level: int
    """From 0, as in the policy."""
    notify: str
    """A role, or the name of a pager."""
    due_at: datetime
    status: EscalationStatus = EscalationStatus.DUE
    told_at: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    look_at: datetime | None = None
    """When to ask the pager next whether somebody acknowledged."""

    @property
    def is_open(self) -> bool:
        """Somebody is still to be told, or was and has not answered."""
        return self.status in (EscalationStatus.DUE, EscalationStatus.TOLD)

    def told(self, now: datetime, look_at: datetime | None) -> Self:
        """Its people were told."""
        return replace(self, status=EscalationStatus.TOLD, told_at=now, look_at=look_at)

    def acknowledged(self, by: str, now: datetime) -> Self:
        """Somebody looks at it; later levels are not called."""
        return replace(
            self, status=EscalationStatus.ACKNOWLEDGED, acknowledged_by=by, acknowledged_at=now, look_at=None
        )

    def over(self) -> Self:
        """Nobody needs to be called any more."""
        return replace(self, status=EscalationStatus.OVER, look_at=None)
