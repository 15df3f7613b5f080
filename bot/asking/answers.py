"""HTTP answers: addresses and headers as parameters, what is expected of an answer, and what it amounts to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictInt, StrictStr

from bot.domain.conditions import Compile, Finding, Truth
from bot.domain.excerpts import excerpt
from bot.domain.web_addresses import checked_url
from bot.plugins import ConditionField, Reply, StepParams, UrlField

ANSWER = ("status", "body", "headers", "text")
"""What a condition over an answer may read; `body` is null where the answer is no JSON."""


def _checked_status(value: int) -> int:
    if not 100 <= value <= 599:
        raise ValueError("an HTTP status is between 100 and 599")
    return value


Url = Annotated[StrictStr, UrlField(), AfterValidator(checked_url)]
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


def said_expect(expect: Expect) -> str:
    """What an answer must be, in words."""
    if expect.status is None:
        status = "any status from 200 to 299"
    elif isinstance(expect.status, int):
        status = f"status {expect.status}"
    else:
        status = f"status {' or '.join(str(one) for one in expect.status)}"
    return f"{status}, and {expect.condition}" if expect.condition else status


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


def is_server_fault(status: int) -> bool:
    """The server lost its way; what it did before that is not known."""
    return status == 408 or status >= 500


def tells_nothing(status: int) -> bool:
    """Whether a status says only that nobody answered for the thing asked about: it is elsewhere (3xx), the asker is
    not let in (401, 403, 407), the server is busy (425, 429) or lost its way (408, 5xx)."""
    return status < 200 or 300 <= status < 400 or status in (401, 403, 407, 425, 429) or is_server_fault(status)
