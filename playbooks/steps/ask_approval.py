"""The step `ask_approval`: wait until a person of a role says yes or no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StrictStr

from bot.domain.fields import Duration
from bot.domain.outcomes import Ask, Outcome
from bot.domain.records import ApprovalStatus
from bot.domain.times import format_duration, format_time
from bot.plugins import RoleField, StepContext, StepParams


class AskApprovalParams(StepParams):
    """`role` of the policy, `question`, `expires` (15m), and what `then`: hold (default) or escalate."""

    role: Annotated[StrictStr, RoleField()]
    question: Annotated[StrictStr, Field(min_length=1, max_length=500)]
    expires: Duration = timedelta(minutes=15)
    then: Literal["hold", "escalate"] = "hold"


class AskApproval:
    """Ask a role and wait, without holding a worker. Gives out `by` and `at`; a no is a failure.

    After `expires` the question is escalated or held; the run keeps waiting, and the question can still be answered.
    """

    name: ClassVar[str] = "ask_approval"
    summary: ClassVar[str] = "Ask a person of a role, and go on after a yes"
    Params: ClassVar[type[StepParams]] = AskApprovalParams

    def acts(self, raw: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """Nothing outside is touched."""
        return False

    def plan(self, params: AskApprovalParams) -> Sequence[str]:
        """Who is asked what."""
        return [f"Ask {params.role}: {params.question} (for {format_duration(params.expires)}, then {params.then})"]

    def perform(self, params: AskApprovalParams, ctx: StepContext) -> Outcome:
        """Ask, or take the answer."""
        answer = ctx.approval
        if answer is None or answer.is_open:
            return Outcome.waits_for(Ask(params.role, params.question, params.expires, params.then))
        who = answer.answered_by or "nobody"
        at = format_time(answer.answered_at) if answer.answered_at else None
        if answer.status is ApprovalStatus.APPROVED:
            return Outcome.done(by=who, at=at)
        if answer.status is ApprovalStatus.REJECTED:
            return Outcome.failed(f"{who} said no", by=who, at=at)
        return Outcome.failed(f"the question to {params.role} was withdrawn")
