"""Action items, questions and decisions as notices tell of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bot.domain.minutes import Minute, MinuteKind
from bot.domain.times import format_time


def item_facts(minute: Minute, now: datetime) -> dict[str, Any]:
    """What a notice may say of one minute: plain JSON, empty where nobody said it."""
    return {
        "id": minute.id,
        "kind": str(minute.kind),
        "text": minute.text,
        "owner": minute.owner or "",
        "due_at": format_time(minute.due_at) if minute.due_at else "",
        "due_text": minute.due_text,
        "overdue": minute.is_overdue(now),
        "status": str(minute.status),
        "by": minute.by,
        "answer": minute.answer,
        "options": list(minute.options),
        "reason": minute.reason,
        "evidence": minute.evidence or "",
        "source_link": str(minute.source.get("link") or ""),
    }


def promises(minutes: Iterable[Minute]) -> list[Minute]:
    """What is still to be done, and what still has no answer."""
    return [one for one in minutes if one.is_open and one.kind is not MinuteKind.DECISION]
