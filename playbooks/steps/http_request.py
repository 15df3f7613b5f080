"""The step `http_request`: one call, and what its answer means."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, StrictStr, model_validator

from bot.domain.conditions import Truth
from bot.domain.outcomes import Outcome
from bot.plugins import ByHand, Call, Reply, StepContext, StepParams
from playbooks.answers import (
    Expect,
    Headers,
    Url,
    busy,
    excerpt,
    is_server_fault,
    judge_answer,
    marked,
    output_of,
    said_expect,
)

_READS = frozenset({"GET", "HEAD"})


class HttpRequestParams(StepParams):
    """`method` (GET), `url`, `headers`, a body as `json` or `text`, and what to `expect` (any 2xx)."""

    method: Annotated[StrictStr, Field(pattern=r"^(?i:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$")] = "GET"
    url: Url
    headers: Headers
    json_: Annotated[Any, Field(alias="json")] = None
    text: StrictStr | None = None
    expect: Expect = Expect()

    @model_validator(mode="after")
    def _has_one_body(self) -> Self:
        if self.json_ is not None and self.text is not None:
            raise ValueError("a request has one body: `json` or `text`")
        return self

    @property
    def reads(self) -> bool:
        """Changes nothing, so it may be repeated."""
        return self.method.upper() in _READS


class HttpRequest:
    """Make one HTTP call. Gives out `status`, `body` and `seconds`.

    Not sent, or the server says that it is busy: try later. Answered as expected: done. No answer, 408 or 5xx: a read
    is tried later, anything else is unknown. Another status, or a condition that does not hold: failed.
    """

    name: ClassVar[str] = "http_request"
    summary: ClassVar[str] = "Make one HTTP call and hold its answer against what is expected"
    Params: ClassVar[type[StepParams]] = HttpRequestParams

    def acts(self, raw: Mapping[str, Any]) -> bool:
        """GET and HEAD read; everything else acts, also a method that is not known yet."""
        method = raw.get("method", "GET")
        return not isinstance(method, str) or method.upper() not in _READS

    def plan(self, params: HttpRequestParams) -> Sequence[str]:
        """The call."""
        line = f"{params.method.upper()} {params.url}"
        if params.json_ is not None:
            line += f" with JSON {excerpt(json.dumps(params.json_, ensure_ascii=False, default=str), 400)}"
        elif params.text is not None:
            line += f" with text {excerpt(params.text, 400)}"
        return [line]

    def by_hand(self, params: HttpRequestParams) -> Sequence[ByHand]:
        """The call itself."""
        method = params.method.upper()
        call = Call(method, params.url, headers=params.headers, json=params.json_, text=params.text)
        return [ByHand(call, expect=said_expect(params.expect))]

    def perform(self, params: HttpRequestParams, ctx: StepContext) -> Outcome:
        """Make the call."""
        reply = ctx.http.request(
            Call(
                params.method.upper(),
                params.url,
                headers=marked(params.headers, ctx),
                json=params.json_,
                text=params.text,
                timeout=ctx.timeout,
            )
        )
        if reply.status is None:
            may_repeat = params.reads or not reply.was_sent
            return Outcome.try_later(reply.error) if may_repeat else Outcome.unknown(reply.error)
        if not params.expect.wants(reply.status):
            return _unexpected(params, reply, reply.status, ctx)
        verdict = judge_answer(params.expect, reply, ctx.compile)
        if verdict.truth is Truth.YES:
            return Outcome.done(**output_of(reply))
        report = Outcome.failed if verdict.truth is Truth.NO else Outcome.unknown
        return report(f"the answer is not as expected: {verdict.why}", **output_of(reply))


def _unexpected(params: HttpRequestParams, reply: Reply, status: int, ctx: StepContext) -> Outcome:
    later = busy(reply, ctx.now)
    if later is not None:
        return later
    words = f"status {status} was not expected: {excerpt(reply.text)}".rstrip(": ")
    if not is_server_fault(status):
        return Outcome.failed(words, **output_of(reply))
    return Outcome.try_later(words) if params.reads else Outcome.unknown(words, **output_of(reply))
