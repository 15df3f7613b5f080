"""What steps do with answers beyond judging them: the marks of a run, what is given out, servers that are busy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from bot.asking.answers import (
    ANSWER,
    Expect,
    Headers,
    Status,
    Url,
    Verdict,
    answer_facts,
    is_server_fault,
    judge,
    judge_answer,
    said_expect,
)
from bot.domain.excerpts import excerpt
from bot.domain.outcomes import Outcome
from bot.plugins import Reply, StepContext

__all__ = [
    "ANSWER",
    "MOST_BODY",
    "MOST_PATIENCE",
    "Expect",
    "Headers",
    "Status",
    "Url",
    "Verdict",
    "answer_facts",
    "busy",
    "excerpt",
    "is_server_fault",
    "judge",
    "judge_answer",
    "marked",
    "output_of",
    "said_expect",
]

MOST_BODY = 8 * 1024
"""Bytes of an answer's body that a step gives out."""
MOST_PATIENCE = timedelta(seconds=60)
"""The longest pause that a server may ask for."""


def marked(headers: Mapping[str, str], ctx: StepContext) -> dict[str, str]:
    """Headers with the marks of the run, which nothing written in a playbook can replace."""
    marks = ctx.marks
    names = {name.lower() for name in marks}
    return {**{name: value for name, value in headers.items() if name.lower() not in names}, **marks}


def output_of(reply: Reply) -> dict[str, Any]:
    """What a step gives out of an answer: status, seconds, and the body (JSON where it is; 8 KB of text at most)."""
    body = reply.text[:MOST_BODY]
    is_cut = len(reply.text) > MOST_BODY or bool(reply.error)
    if reply.body is not None and len(json.dumps(reply.body)) <= MOST_BODY:
        body, is_cut = reply.body, False
    output = {"status": reply.status, "body": body, "seconds": round(reply.seconds, 3)}
    return {**output, "cut": True} if is_cut else output


def busy(reply: Reply, now: datetime) -> Outcome | None:
    """Try later, where the server says that it did nothing because it is busy; else None.

    429 and 425 say so by themselves (RFC 6585, RFC 8470); 503 does with a Retry-After (RFC 9110, 10.2.3).
    """
    delay = _retry_after(reply.headers.get("retry-after", ""), now)
    if reply.status in (425, 429) or (reply.status == 503 and delay is not None):
        wait = timedelta(seconds=1) if delay is None else delay
        return Outcome.try_later(f"the server is busy (status {reply.status})", min(wait, MOST_PATIENCE))
    return None


def _retry_after(value: str, now: datetime) -> timedelta | None:
    value = value.strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=max(1, int(value[:9])))
    try:
        return max(parsedate_to_datetime(value) - now, timedelta(seconds=1))
    except (ValueError, TypeError):
        return None
