"""What is shown of a run: its steps, its approvals, its worker, and the orders that it allows now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.domain.records import Approval
from bot.domain.runs import Lease, Run, RunEvent
from bot.domain.step_states import StepState
from bot.domain.times import format_time
from bot.domain.words import Word
from bot.flow import shapes
from bot.ports import Transaction

RUN_WORDS: dict[Word, RunEvent] = {
    Word.APPROVE: RunEvent.APPROVE,
    Word.REJECT: RunEvent.REJECT,
    Word.CANCEL: RunEvent.CANCEL,
    Word.RETRY: RunEvent.RETRY,
    Word.DONE: RunEvent.DONE,
    Word.UNDO: RunEvent.UNDO,
    Word.TAKE_OVER: RunEvent.TAKE_OVER,
}
"""Orders about a run and the move that each asks for."""


def run_view(tx: Transaction, run: Run) -> shapes.RunView:
    """A run with its steps, its approvals and the worker that holds it."""
    seconds = (run.finished_at - run.accepted_at).total_seconds() if run.finished_at else None
    approvals = tx.approvals(run.id)
    return {
        "id": run.id,
        "playbook": run.playbook.name,
        "kind": str(run.kind),
        "summary": run.playbook.summary,
        "service": run.service,
        "environment": run.environment,
        "status": str(run.status),
        "drill": run.drill,
        "plan_hash": run.plan_hash,
        "accepted_at": format_time(run.accepted_at),
        "first_action_at": _time(run.first_action_at),
        "finished_at": _time(run.finished_at),
        "deadline": format_time(run.deadline),
        "breached_at": _time(run.breached_at),
        "seconds_to_first_action": run.seconds_to_first_action,
        "seconds": seconds,
        "waiting_for": str(run.waiting_for) if run.waiting_for else None,
        "wake_at": _time(run.wake_at),
        "incident_id": run.incident_id,
        "event_id": run.event_id,
        "release_id": run.release_id,
        "criterion": run.criterion,
        "authority": run.authority,
        "requested_by": run.requested_by,
        "approved_by": run.approved_by,
        "approvals": [approval_view(one) for one in approvals],
        "may": _allowed_orders(run, approvals),
        "undoing": run.undoing,
        "error": run.error,
        "lease": None if run.is_ended else _lease_view(tx.lease(run.id)),
        "steps": [step_view(step) for step in run.steps],
    }


def _allowed_orders(run: Run, approvals: Sequence[Approval]) -> list[str]:
    asked = any(one.is_open for one in approvals)
    answers = (RunEvent.APPROVE, RunEvent.REJECT)
    return [str(word) for word, event in RUN_WORDS.items() if run.allows(event) and (asked or event not in answers)]


def step_view(step: StepState) -> shapes.StepView:
    """How far one step is."""
    return {
        "id": step.id,
        "use": step.use,
        "status": str(step.status),
        "tries": step.tries,
        "interruptions": step.interruptions,
        "started_at": _time(step.started_at),
        "finished_at": _time(step.finished_at),
        "output": dict(step.output),
        "error": step.error,
        "undoes": step.undoes,
    }


def approval_view(approval: Approval) -> shapes.ApprovalView:
    """A question to a role and its answer."""
    return {
        "id": approval.id,
        "run_id": approval.run_id,
        "role": approval.role,
        "question": approval.question,
        "plan_hash": approval.plan_hash,
        "status": str(approval.status),
        "step_id": approval.step_id,
        "asked_at": format_time(approval.asked_at),
        "expires_at": format_time(approval.expires_at),
        "then": approval.then,
        "requested_by": approval.requested_by,
        "answered_by": approval.answered_by,
        "answered_at": _time(approval.answered_at),
    }


def _lease_view(lease: Lease | None) -> shapes.LeaseView | None:
    if lease is None:
        return None
    return {"owner": lease.owner, "fence": lease.fence, "expires_at": format_time(lease.expires_at)}


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None
