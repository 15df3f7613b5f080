"""Minutes: what people decided, asked and promised, each traceable to where it was said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from bot.domain.errors import Refused

LONGEST_NOTICE_AHEAD = timedelta(hours=24)
REMIND_AGAIN = timedelta(hours=24)


class MinuteKind(StrEnum):
    """What was said."""

    DECISION = "decision"
    ACTION_ITEM = "action_item"
    QUESTION = "question"


class MinuteStatus(StrEnum):
    """`suggested` was heard but not said for certain: it counts for nothing until somebody confirms it."""

    SUGGESTED = "suggested"
    OPEN = "open"
    DONE = "done"
    """A decision that stands, an action item that is done, a question that was answered."""
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Minute:
    """One decision, action item or question of an incident."""

    id: str
    incident_id: str
    service: str
    kind: MinuteKind
    status: MinuteStatus
    text: str
    """A decision's choice, what is to be done, what is asked."""
    by: str
    """Who decided, promised, or asked."""
    at: datetime
    owner: str | None = None
    """Who does it, or who is to answer."""
    due_at: datetime | None = None
    due_text: str = ""
    """The words that `due_at` was read from."""
    options: tuple[str, ...] = ()
    reason: str = ""
    answer: str = ""
    """What was answered; of a decision, the option chosen where it is said apart from its text."""
    answered_by: str | None = None
    """Who answered it, or did it."""
    ended_at: datetime | None = None
    evidence: str | None = None
    """A link."""
    source: Mapping[str, Any] = field(default_factory=dict)
    """Where it was said: `medium`, `channel`, `ts`, `line`, `quote`, `link`, as far as there are such."""
    source_key: str | None = None
    """The same for the same message or line, so that nothing is recorded twice."""
    meeting_id: str | None = None
    remind_at: datetime | None = None
    reminders: int = 0
    """How often its owner was reminded since it was due."""
    revision: int = 1

    @property
    def is_open(self) -> bool:
        """An action item to be done, or a question without an answer."""
        return self.status is MinuteStatus.OPEN

    def is_overdue(self, now: datetime) -> bool:
        """Open and past its time."""
        return self.is_open and self.due_at is not None and self.due_at <= now

    def changed(self, **values: Any) -> Self:
        """The next revision; refused where it was withdrawn."""
        if self.status is MinuteStatus.WITHDRAWN:
            raise Refused(f"This {self.kind.replace('_', ' ')} was withdrawn", next="record it anew")
        return replace(self, **values, revision=self.revision + 1)

    def ended(self, status: MinuteStatus, now: datetime, **values: Any) -> Self:
        """Done, answered or withdrawn: nobody is reminded any more."""
        return self.changed(status=status, ended_at=now, remind_at=None, **values)

    def scheduled(self, due_at: datetime | None, due_text: str, now: datetime) -> Self:
        """With another date; reminders begin anew."""
        remind_at = first_reminder(due_at, now) if due_at else None
        return self.changed(due_at=due_at, due_text=due_text, remind_at=remind_at, reminders=0)

    def reminded(self, now: datetime) -> Self:
        """After a reminder: the next is when it is due, then each day until it is done."""
        is_late = self.due_at is None or now >= self.due_at
        next_at = now + REMIND_AGAIN if is_late else self.due_at
        return replace(self, remind_at=next_at, reminders=self.reminders + (1 if is_late else 0))

    def silent(self) -> Self:
        """Nobody is to be reminded of it any more."""
        return replace(self, remind_at=None)


def first_reminder(due_at: datetime, now: datetime) -> datetime:
    """A day ahead; half-way where less time than two days is left; never before now."""
    ahead = min(LONGEST_NOTICE_AHEAD, (due_at - now) / 2)
    return max(now, due_at - ahead)


@dataclass(frozen=True)
class MinuteChange:
    """One row of a minute's history: what was changed, by whom, from what to what."""

    minute_id: str
    at: datetime
    by: str
    what: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
