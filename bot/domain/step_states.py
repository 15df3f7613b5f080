"""How far one step of one run is, as a frozen value: the intent before it acts, the outcome after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from bot.domain.outcomes import Outcome, OutcomeKind


class StepStatus(StrEnum):
    """States of one step. `started` is the intent: found without an outcome, the step was interrupted."""

    PENDING = "pending"
    STARTED = "started"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    CHECKING = "checking"
    """A person said that it is done; its check must agree before the run goes on."""


@dataclass(frozen=True)
class StepState:
    """How far one step of one run is. `undoes` names the step that this one takes back."""

    id: str
    use: str
    status: StepStatus = StepStatus.PENDING
    tries: int = 0
    interruptions: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    output: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)
    undoes: str | None = None

    @property
    def is_settled(self) -> bool:
        """Needs nothing more from a worker."""
        return self.status in (StepStatus.DONE, StepStatus.SKIPPED)

    @property
    def may_have_acted(self) -> bool:
        """Its effect is there or may be there."""
        return self.status in (StepStatus.DONE, StepStatus.UNKNOWN, StepStatus.STARTED) or (
            self.status is StepStatus.FAILED and self.tries > 0
        )

    def intended(self, now: datetime) -> Self:
        """About to be performed once more."""
        tries = self.tries if self.status in (StepStatus.WAITING, StepStatus.STARTED) else self.tries + 1
        return replace(self, status=StepStatus.STARTED, tries=tries, started_at=self.started_at or now, error="")

    def interrupted(self) -> Self:
        """Found with an intent and no outcome: counted, but not as a try."""
        return replace(self, interruptions=self.interruptions + 1)

    def with_outcome(self, outcome: Outcome, now: datetime) -> Self:
        """The step after its report."""
        status = _STATUS_OF[outcome.kind]
        ended = status in (StepStatus.DONE, StepStatus.FAILED, StepStatus.UNKNOWN)
        return replace(
            self,
            status=status,
            output=outcome.output or self.output,
            error=outcome.error,
            state=outcome.state if outcome.kind is OutcomeKind.WAIT else {} if ended else self.state,
            finished_at=now if ended else None,
        )


_STATUS_OF = {
    OutcomeKind.DONE: StepStatus.DONE,
    OutcomeKind.WAIT: StepStatus.WAITING,
    OutcomeKind.TRY_LATER: StepStatus.PENDING,
    OutcomeKind.FAILED: StepStatus.FAILED,
    OutcomeKind.UNKNOWN: StepStatus.UNKNOWN,
}
