"""What is shown of people's words: minutes, meetings and the report, as plain JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from bot.domain.incidents import Incident
from bot.domain.meetings import Meeting
from bot.domain.minutes import Minute, MinuteChange, MinuteKind, MinuteStatus
from bot.domain.report_facts import FIELDS, Fact, newest, spoken
from bot.domain.times import format_time
from bot.flow import people_shapes, shapes
from bot.ports import Transaction

DECIDED = "decided"
"""The verdict of what a team decided."""


def item_view(minute: Minute, now: datetime) -> people_shapes.ItemView:
    """One decision, action item or question."""
    link = minute.source.get("link")
    return {
        "id": minute.id,
        "incident_id": minute.incident_id,
        "kind": str(minute.kind),
        "status": str(minute.status),
        "text": minute.text,
        "by": minute.by,
        "at": format_time(minute.at),
        "owner": minute.owner,
        "due_at": _time(minute.due_at),
        "due_text": minute.due_text,
        "overdue": minute.kind is not MinuteKind.DECISION and minute.is_overdue(now),
        "options": list(minute.options),
        "reason": minute.reason,
        "answer": minute.answer,
        "answered_by": minute.answered_by,
        "ended_at": _time(minute.ended_at),
        "evidence": minute.evidence,
        "source": dict(minute.source),
        "source_link": str(link) if link else None,
        "meeting_id": minute.meeting_id,
        "remind_at": _time(minute.remind_at),
        "reminders": minute.reminders,
        "revision": minute.revision,
    }


def item_detail(tx: Transaction, minute: Minute, now: datetime) -> people_shapes.ItemDetail:
    """The same with its history."""
    return {**item_view(minute, now), "history": [_change_view(one) for one in tx.minute_changes(minute.id)]}


def _change_view(change: MinuteChange) -> people_shapes.ItemChangeView:
    return {
        "at": format_time(change.at),
        "by": change.by,
        "what": change.what,
        "before": dict(change.before),
        "after": dict(change.after),
    }


def items_of(minutes: Iterable[Minute], kind: MinuteKind, now: datetime) -> list[people_shapes.ItemView]:
    """Those of a kind that count, oldest first."""
    counts = (MinuteStatus.OPEN, MinuteStatus.DONE)
    return [item_view(one, now) for one in minutes if one.kind is kind and one.status in counts]


def items_that_are(minutes: Iterable[Minute], status: MinuteStatus, now: datetime) -> list[people_shapes.ItemView]:
    """Those in a state, whatever their kind, oldest first."""
    return [item_view(one, now) for one in minutes if one.status is status]


def team_decisions(minutes: Iterable[Minute], incident: Incident) -> list[shapes.DecisionView]:
    """What people decided, in the shape of everything that was decided."""
    return [
        _team_decision(one, incident)
        for one in minutes
        if one.kind is MinuteKind.DECISION and one.status is MinuteStatus.DONE
    ]


def _team_decision(minute: Minute, incident: Incident) -> shapes.DecisionView:
    choice = f": {minute.answer}" if minute.answer else ""
    why = f" (because: {minute.reason})" if minute.reason else ""
    nothing: dict[str, Any] = dict.fromkeys(("severity", "criterion", "playbook", "authority", "policy_digest"))
    link = minute.source.get("link")
    return {
        **nothing,  # type: ignore[typeddict-item]
        "kind": "decision",
        "id": minute.id,
        "event_id": str(minute.source.get("event") or ""),
        "at": format_time(minute.at),
        "verdict": DECIDED,
        "reason": f"{minute.text}{choice}{why}",
        "actor": minute.by,
        "service": minute.service,
        "environment": incident.environment,
        "incident_id": minute.incident_id,
        "run_id": None,
        "trace": [],
        "alert": {},
        "text": minute.text,
        "options": list(minute.options),
        "choice": minute.answer,
        "why": minute.reason,
        "evidence": minute.evidence,
        "source_link": str(link) if link else None,
    }


def meeting_view(meeting: Meeting) -> people_shapes.MeetingView:
    """One meeting."""
    return {
        "id": meeting.id,
        "incident_id": meeting.incident_id,
        "uid": meeting.uid,
        "sequence": meeting.sequence,
        "status": str(meeting.status),
        "starts_at": format_time(meeting.starts_at),
        "ends_at": format_time(meeting.ends_at),
        "called_by": meeting.called_by,
        "called_at": format_time(meeting.called_at),
        "started_at": _time(meeting.started_at),
        "ended_at": _time(meeting.ended_at),
        "invitees": list(meeting.invitees),
        "link": meeting.link,
    }


def report_view(facts: Sequence[Fact]) -> dict[str, people_shapes.ReportFieldView]:
    """What counts of the report now, by field, in the order in which it is asked."""
    return {
        name: {
            "label": FIELDS[name].label,
            "value": fact.value,
            "text": spoken(name, fact.value),
            "source": fact.source,
            "by": fact.by,
            "at": format_time(fact.at),
            "asked": fact.asked,
        }
        for name, fact in newest(list(facts)).items()
    }


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None
