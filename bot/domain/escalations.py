"""Escalations: whom to call when a question stays without an answer, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from bot.domain.pages import PAGERS
from bot.domain.policies import Policy

_OFTEN, _OFTEN_FOR = timedelta(seconds=15), timedelta(minutes=10)
_SELDOM = timedelta(minutes=1)


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
    """When to ask the pager next whether somebody acknowledged; once it is not open any more: when to end its page."""

    @property
    def is_open(self) -> bool:
        """Somebody is still to be told, or was and has not answered."""
        return self.status in (EscalationStatus.DUE, EscalationStatus.TOLD)

    @property
    def is_page(self) -> bool:
        """A paging service calls whoever is on duty, instead of Andon calling the members of a role."""
        return self.notify in PAGERS

    def told(self, now: datetime, look_at: datetime | None) -> Self:
        """Its people were told."""
        return replace(self, status=EscalationStatus.TOLD, told_at=now, look_at=look_at)

    def acknowledged(self, by: str, now: datetime, *, by_page: bool = False) -> Self:
        """Somebody looks at it; later levels are not called. Its page is ended unless it was answered there."""
        return replace(
            self,
            status=EscalationStatus.ACKNOWLEDGED,
            acknowledged_by=by,
            acknowledged_at=now,
            look_at=None if by_page else self._page_ends(now),
        )

    def over(self, now: datetime) -> Self:
        """Nobody needs to be called any more; a page that went out is to be ended."""
        return replace(self, status=EscalationStatus.OVER, look_at=self._page_ends(now))

    def due(self, at: datetime) -> Self:
        """Its people are to be told then, whatever was said of it before."""
        return replace(self, status=EscalationStatus.DUE, due_at=at, look_at=None)

    def looked(self, look_at: datetime | None) -> Self:
        """To be looked at again then; None: never."""
        return replace(self, look_at=look_at)

    def next_look(self, now: datetime) -> datetime:
        """Every 15 s for the first 10 minutes, when most pages are answered, then every minute."""
        return now + (_OFTEN if self.told_at is None or now - self.told_at < _OFTEN_FOR else _SELDOM)

    def _page_ends(self, now: datetime) -> datetime | None:
        return now if self.is_page and self.told_at is not None else None


def levels_of(
    policy: Policy, *, incident_id: str, run_id: str, approval_id: str | None, now: datetime, new_id: Callable[[], str]
) -> list[Escalation]:
    """The levels of the policy for one question: a row for its role, and one for its pager where it has both."""
    return [
        Escalation(
            id=new_id(),
            incident_id=incident_id,
            run_id=run_id,
            approval_id=approval_id,
            level=number,
            notify=notify,
            due_at=now + step.after,
        )
        for number, step in enumerate(policy.escalation)
        for notify in dict.fromkeys(filter(None, (step.notify, step.page)))
    ]
