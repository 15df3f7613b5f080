"""A minute, and a meeting, as notices tell it: one set of facts each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bot.domain.meetings import Meeting
from bot.domain.minutes import Minute, MinuteKind, MinuteStatus
from bot.domain.times import format_time

LONGEST_QUOTED = 200

LABELS: Mapping[MinuteKind, str] = {
    MinuteKind.DECISION: "Decision",
    MinuteKind.ACTION_ITEM: "Action item",
    MinuteKind.QUESTION: "Question",
}


def item_facts(minute: Minute, now: datetime) -> dict[str, Any]:
    """What notices may say of a minute; plain JSON."""
    return {
        "id": minute.id,
        "kind": str(minute.kind),
        "text": minute.text,
        "owner": minute.owner or "",
        "due_at": format_time(minute.due_at) if minute.due_at else "",
        "due_text": minute.due_text,
        "overdue": minute.kind is not MinuteKind.DECISION and minute.is_overdue(now),
        "status": str(minute.status),
        "by": minute.by,
        "answer": minute.answer,
        "answered_by": minute.answered_by or "",
        "options": list(minute.options),
        "reason": minute.reason,
        "evidence": minute.evidence or "",
        "source_link": str(minute.source.get("link") or ""),
        "quote": str(minute.source.get("quote") or ""),
        "line": minute.source.get("line"),
        "why_uncertain": str(minute.source.get("why_uncertain") or ""),
    }


def meeting_facts(meeting: Meeting) -> dict[str, Any]:
    """What notices may say of a meeting, and what its calendar file is made of; plain JSON."""
    return {
        "id": meeting.id,
        "uid": meeting.uid,
        "sequence": meeting.sequence,
        "status": str(meeting.status),
        "starts_at": format_time(meeting.starts_at),
        "ends_at": format_time(meeting.ends_at),
        "started_at": format_time(meeting.started_at) if meeting.started_at else "",
        "ended_at": format_time(meeting.ended_at) if meeting.ended_at else "",
        "link": meeting.link or "",
        "called_by": meeting.called_by,
    }


def quoted(text: str) -> str:
    """A text inside a sentence, in one line and not at full length: the record has all of it."""
    line = " ".join(text.split())
    return f"“{line if len(line) <= LONGEST_QUOTED else line[: LONGEST_QUOTED - 1].rstrip() + '…'}”"


def standing(minutes: list[Minute], kind: MinuteKind) -> list[Minute]:
    """Those of a kind that count: neither withdrawn nor only suggested."""
    return [one for one in minutes if one.kind is kind and one.status in (MinuteStatus.OPEN, MinuteStatus.DONE)]


def promises(minutes: Iterable[Minute]) -> list[Minute]:
    """What is still to be done, and what still has no answer."""
    return [one for one in minutes if one.is_open and one.kind is not MinuteKind.DECISION]
