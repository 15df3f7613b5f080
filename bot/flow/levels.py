"""Levels of an escalation in a transaction: planned with a question, pulled forward, answered, ended."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.escalations import Escalation, EscalationStatus, levels_of
from bot.domain.policies import Policy
from bot.domain.records import Approval
from bot.domain.runs import Run
from bot.ports import Ids, Transaction

ESCALATED = "escalated"
"""The notice that calls somebody."""


def plan_levels(ids: Ids, policy: Policy, run: Run, approval_id: str | None, now: datetime) -> list[Escalation]:
    """Whom to call, and when, as long as this question has no answer; nobody for a drill or outside an incident.

    `approval_id` is None where the run needs a person."""
    if run.incident_id is None or run.drill:
        return []
    return levels_of(
        policy,
        incident_id=run.incident_id,
        run_id=run.id,
        approval_id=approval_id,
        now=now,
        new_id=lambda: ids.new("esc"),
    )


def pull_next(tx: Transaction, run_id: str, now: datetime) -> int | None:
    """The next level that nobody was told of is due at once; its number, or None where there is none left."""
    waiting = [one for one in tx.escalations(run_id) if one.status is EscalationStatus.DUE]
    if not waiting:
        return None
    number = min(one.level for one in waiting)
    tx.save(*(one.due(now) for one in waiting if one.level == number and one.due_at > now))
    return number


def call_on(tx: Transaction, approval: Approval, now: datetime) -> int | None:
    """An approval expired: the next level that nobody was told of is due at once, also where somebody had said that
    they look at it, because they did not answer; those after it follow at their distance. Its number, or None."""
    untold = [one for one in tx.escalations(approval.run_id) if one.approval_id == approval.id and one.told_at is None]
    if not untold:
        return None
    number = min(one.level for one in untold)
    begin = min(one.due_at for one in untold if one.level == number)
    tx.save(*(one.due(min(one.due_at, now) if one.level == number else _later(one, now - begin)) for one in untold))
    return number


def _later(level: Escalation, moved: timedelta) -> datetime:
    """A level that still waits keeps its time; one that had been given up keeps its distance."""
    return level.due_at if level.status is EscalationStatus.DUE else level.due_at + max(moved, timedelta(0))


def end_levels(tx: Transaction, run_id: str, now: datetime) -> None:
    """Its question was answered, or it moved on: nobody is called any more, and pages are ended."""
    ending = [one for one in tx.escalations(run_id) if one.status is not EscalationStatus.OVER]
    tx.save(*(one.over(now) for one in ending))
    if any(one.told_at for one in ending):
        tx.retell(now, (ESCALATED,), run_id=run_id)  # what was asked there is asked no more


def answer_levels(
    tx: Transaction, run_id: str, by: str, now: datetime, *, of: Escalation | None = None
) -> list[Escalation]:
    """Somebody looks at it: those who were told are answered for (`of`: only this level, by its pager); the later
    ones are not called, and other pages are ended. The answered ones."""
    answered = []
    for one in tx.escalations(run_id):
        if one.status is EscalationStatus.TOLD and (of is None or one.id == of.id):
            answered.append(one.acknowledged(by, now, by_page=of is not None and one.is_page))
            tx.save(answered[-1])
        elif one.is_open and (one.status is EscalationStatus.DUE or one.is_page):
            tx.save(one.over(now))
    return answered
