"""What steps share about HTTP: addresses and headers as parameters, and what to think of an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictInt, StrictStr

from bot.domain.conditions import Compile, Finding, Truth
from bot.domain.outcomes import Outcome
from bot.plugins import ConditionField, Reply, StepContext, StepParams, UrlField

ANSWER = ("status", "body", "headers", "text")
"""What a condition over an answer may read; `body` is null where the answer is no JSON."""
MOST_BODY = 8 * 1024
"""Bytes of an answer's body that a step gives out."""
MOST_PATIENCE = timedelta(seconds=60)
"""The longest pause that a server may ask for."""


def _checked_url(value: str) -> str:
    if not value.lower().startswith(("http://", "https://")):
        raise ValueError("an address starts with http:// or https://")
    if "@" in value.split("//", 1)[1].split("/", 1)[0]:
        raise ValueError("an address holds no user name and no password: put credentials into a header")
    return value


def _checked_status(value: int) -> int:
    if not 100 <= value <= 599:
        raise ValueError("an HTTP status is between 100 and 599")
    return value


Url = Annotated[StrictStr, UrlField(), AfterValidator(_checked_url)]
Status = Annotated[StrictInt, AfterValidator(_checked_status)]
Headers = Annotated[Mapping[str, StrictStr], Field(default_factory=dict, max_length=50)]


class Expect(StepParams):
    """What an answer must be: a status (one, or a list; any 2xx when not given), and what a condition says of it."""

    status: Status | Annotated[tuple[Status, ...], Field(min_length=1)] | None = None
    condition: Annotated[StrictStr, ConditionField(ANSWER)] | None = None

    def wants(self, status: int) -> bool:
        """Whether it is an expected status."""
        if self.status is None:
            return 200 <= status < 300
        return status == self.status if isinstance(self.status, int) else status in self.status


@dataclass(frozen=True)
class Verdict:
    """What an answer amounts to, in words."""

    truth: Truth
    why: str


def judge_answer(expect: Expect, reply: Reply, compile_: Compile) -> Verdict:
    """No answer is unknown; a status that was not expected is no; otherwise what the condition says."""
    if reply.status is None:
        return Verdict(Truth.UNKNOWN, reply.error)
    if not expect.wants(reply.status):
        return Verdict(Truth.NO, f"status {reply.status}: {excerpt(reply.text)}".rstrip(": "))
    if expect.condition is None:
        return Verdict(Truth.YES, f"status {reply.status}")
    finding = judge(expect.condition, answer_facts(reply), compile_)
    word = {Truth.YES: "holds", Truth.NO: "does not hold", Truth.UNKNOWN: "cannot be judged"}[finding.truth]
    why = f"`{expect.condition}` {word}" + (f" ({finding.why})" if finding.why else "")
    return Verdict(finding.truth, f"status {reply.status}, {why}: {excerpt(reply.text)}".rstrip(": "))


def judge(condition: str, facts: Mapping[str, Any], compile_: Compile) -> Finding:
    """What a condition says; unknown with the reason also where the text is no condition over these facts."""
    try:
        return compile_(condition, frozenset(facts)).judge(facts)
    except ValueError as error:
        return Finding(Truth.UNKNOWN, str(error))


def answer_facts(reply: Reply) -> dict[str, Any]:
    """What a condition over an answer reads."""
    return {"status": reply.status, "body": reply.body, "headers": dict(reply.headers), "text": reply.text}


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


def is_server_fault(status: int) -> bool:
    """The server lost its way; what it did before that is not known."""
    return status == 408 or status >= 500


def excerpt(text: str, most: int = 200) -> str:
    """The beginning of a text, on one line."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: most * 4]).split())
    return line if len(line) <= most else f"{line[:most]}…"


def _retry_after(value: str, now: datetime) -> timedelta | None:
    value = value.strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=max(1, int(value[:9])))
    try:
        return max(parsedate_to_datetime(value) - now, timedelta(seconds=1))
    except (ValueError, TypeError):
        return None
