"""What a notice says that asks for a yes or no, the same for a run's own question and for a step's."""

from __future__ import annotations

from typing import Any

from bot.domain.policies import Policy
from bot.domain.records import Approval
from bot.domain.runs import Run
from bot.domain.times import format_time
from bot.flow import offers


def question_facts(run: Run, approval: Approval, policy: Policy | None) -> dict[str, Any]:
    """The question, whom it is put to, until when, and the buttons that answer it."""
    members = list(policy.members(approval.role)) if policy else []
    return {
        "question": approval.question,
        "role": approval.role,
        "members": members,
        "mentions": members,
        "expires_at": format_time(approval.expires_at),
        "approval": approval.id,
        "buttons": offers.for_approval(run, approval),
    }
