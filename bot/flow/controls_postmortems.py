"""Postmortems in a report on controls: what was open, overdue or reviewed, as it stood at the end of the time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.account_records import AskedPostmortem
from bot.domain.decisions import Verdict
from bot.domain.times import format_time
from bot.domain.words import Word
from bot.ports import Transaction

_CHANGES = tuple(
    f"order.{word}"
    for word in (Word.POSTMORTEM_EDIT, Word.POSTMORTEM_LESSON, Word.POSTMORTEM_SIGN_OFF, Word.POSTMORTEM_REOPEN)
)
"""Orders that are taken only in one state: the next of them tells in which one it was before."""


def postmortems_of(tx: Transaction, since: datetime, until: datetime, known_until: datetime) -> list[dict[str, Any]]:
    """Those that were not reviewed at the end, or were reviewed within the time; the oldest first."""
    following = _following(tx, until)
    found = []
    for one in tx.postmortems_between(since, until):
        reviewed_at = _reviewed_at(tx, one, until, following)
        if reviewed_at is None or reviewed_at >= since:
            found.append(_view(one, until, known_until, reviewed_at))
    return found


def _following(tx: Transaction, until: datetime) -> Mapping[str, str]:
    """By incident, the first order after the end that changed its postmortem."""
    found: dict[str, str] = {}
    for _, row in tx.audit_between(until, datetime.max.replace(tzinfo=until.tzinfo), _CHANGES):
        if row.data.get("verdict") == Verdict.ORDER:
            found.setdefault(row.subject.partition(":")[2], row.action)
    return found


def _reviewed_at(
    tx: Transaction, one: AskedPostmortem, until: datetime, following: Mapping[str, str]
) -> datetime | None:
    """When the review that stood at the end had been made; only what is reviewed can be reopened."""
    postmortem = one.postmortem
    if following.get(postmortem.incident_id) == f"order.{Word.POSTMORTEM_REOPEN}":
        signed = [sign_off.at for sign_off in tx.sign_offs(postmortem.incident_id) if sign_off.at < until]
        return max(signed, default=None)
    at = postmortem.reviewed_at
    return at if at is not None and at < until else None


def _view(one: AskedPostmortem, until: datetime, known_until: datetime, reviewed_at: datetime | None) -> dict[str, Any]:
    postmortem = one.postmortem
    asked = one.resolved_at is not None and one.resolved_at < until
    due_at = postmortem.due_at if asked else None
    late = due_at is not None and due_at < (reviewed_at or known_until)
    state = "reviewed" if reviewed_at else "overdue" if late else "open"
    return {
        "incident": postmortem.incident_id,
        "service": postmortem.service,
        "owner": postmortem.owner,
        "opened_at": format_time(postmortem.opened_at),
        "due_at": format_time(due_at) if due_at else None,
        "state": state,
        "late": late,
        "reviewed_at": format_time(reviewed_at) if reviewed_at else None,
    }
