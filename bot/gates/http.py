"""The gate `http`: one call, and what its answer says of the candidate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StrictStr

from bot.asking.answers import ANSWER, Expect, Headers, Url, judge, tells_nothing
from bot.domain.conditions import Compile, Truth
from bot.domain.errors import BadInput
from bot.domain.excerpts import excerpt, hidden, hidden_bytes, secrets_of
from bot.domain.gates import Figure, GateVerdict, Judgement
from bot.domain.strict_json import parse_json, storable
from bot.domain.web_addresses import shown_url
from bot.gate_plugins import Fetched, GateContext, GateParams, Measured
from bot.plugins import Call, ConditionField, Reply

_MOST_BYTES = 128 * 1024
_MOST_HEADERS = 50
_NOT_KEPT = frozenset({"set-cookie", "authorization", "proxy-authorization"})


class HttpParams(GateParams):
    """`method` (GET, or POST), `url`, `headers`, a body as `json`, what to `expect` (any 2xx), and `verdict`.

    `verdict` is a condition text over `status`, `body`, `headers` and `text` that gives "pass", "fail" or "unknown".
    """

    method: Literal["GET", "POST"] = "GET"
    url: Url
    headers: Headers
    json_: Annotated[Any, Field(alias="json")] = None
    expect: Expect = Expect()
    verdict: Annotated[StrictStr, ConditionField(ANSWER)] | None = None


class HttpGate:
    """Passes where the answer has an expected status, holds the condition, and the `verdict` says so.

    No whole answer, a redirect, 401, 403, 407, 408, 425, 429 and 5xx say nothing of the candidate and are unknown,
    unless `expect` names that very status. Any other status that was not expected fails.
    """

    name: ClassVar[str] = "http"
    summary: ClassVar[str] = "One HTTP call whose answer is as expected"
    Params: ClassVar[type[GateParams]] = HttpParams

    def title(self, params: HttpParams) -> str:
        """The call, and what is expected."""
        wanted = params.verdict or params.expect.condition or "the expected status"
        return f"{_asked(params)}: {excerpt(wanted, 120)}"

    def collect(self, params: HttpParams, ctx: GateContext) -> Measured:
        """One call. `facts`: `status`, `headers` (cookies left out), `text`, `is_json`, `cut`, `seconds`."""
        secrets = secrets_of(params.headers)
        reply = ctx.http.request(
            Call(
                params.method,
                params.url,
                params.headers,
                json=params.json_,
                timeout=ctx.timeout,
                max_bytes=_MOST_BYTES,
            )
        )
        query = _asked(params)
        if reply.status is None:
            return Measured(query=query, problem=hidden(f"no answer: {reply.error}", secrets))
        facts = {
            "status": reply.status,
            "headers": _headers(reply, secrets),
            "text": storable(hidden(reply.text, secrets)),
            "is_json": reply.body is not None,
            "cut": reply.error,
            "seconds": reply.seconds,
        }
        media = reply.headers.get("content-type", "").partition(";")[0].strip() or "application/octet-stream"
        kept = Fetched("http", media[:100], hidden_bytes(reply.raw, secrets), shown_url(params.url))
        return Measured(facts, query=query, fetched=(kept,) if reply.raw else ())

    def judge(self, params: HttpParams, measured: Measured, compile: Compile) -> Judgement:  # noqa: A002
        """The status, then the condition, then the verdict."""
        facts = measured.facts
        status, said = facts["status"], excerpt(facts["text"])
        figures = (Figure("status", float(status), _wanted(params)), Figure("seconds", facts["seconds"], unit="s"))
        if not params.expect.wants(status):
            why = f"status {status}: {said}".rstrip(": ")
            return Judgement.unknown(why, *figures) if tells_nothing(status) else Judgement.failed(why, *figures)
        if params.expect.condition is None and params.verdict is None:
            return Judgement.passed(f"status {status}", *figures)
        if facts["cut"]:
            return Judgement.unknown(f"the answer is not whole: {facts['cut']}", *figures)
        answer = _answer(facts)
        if params.expect.condition is not None:
            finding = judge(params.expect.condition, answer, compile)
            if finding.truth is Truth.NO:
                return Judgement.failed(f"`{params.expect.condition}` does not hold: {said}", *figures)
            if finding.truth is Truth.UNKNOWN:
                why = f"`{params.expect.condition}` cannot be judged ({finding.why}): {said}"
                return Judgement.unknown(why, *figures)
        return _concluded(params, answer, said, figures, compile)


def _concluded(
    params: HttpParams,
    answer: Mapping[str, Any],
    said: str,
    figures: tuple[Figure, ...],
    compile_: Compile,
) -> Judgement:
    if params.verdict is None:
        return Judgement.passed(f"`{params.expect.condition}` holds: {said}", *figures)
    try:
        word = compile_(params.verdict, frozenset(answer)).value(answer)
    except ValueError as error:
        return Judgement.unknown(f"`{params.verdict}` is no condition: {error}", *figures)
    if not isinstance(word, str) or word not in tuple(GateVerdict):
        shown = "nothing" if word is None else excerpt(repr(word), 60)
        return Judgement.unknown(f'`{params.verdict}` gives {shown}, not "pass", "fail" or "unknown": {said}', *figures)
    return Judgement(GateVerdict(word), f"the answer says {word}: {said}", figures)


def _asked(params: HttpParams) -> str:
    return f"{params.method} {shown_url(params.url)}"


def _wanted(params: HttpParams) -> str:
    wanted = params.expect.status
    if wanted is None:
        return "any 2xx"
    return str(wanted) if isinstance(wanted, int) else " or ".join(str(one) for one in wanted)


def _headers(reply: Reply, secrets: tuple[str, ...]) -> dict[str, str]:
    kept = [(name, value) for name, value in sorted(reply.headers.items()) if name not in _NOT_KEPT]
    return {name: storable(hidden(value, secrets)[:1000]) for name, value in kept[:_MOST_HEADERS]}


def _answer(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What conditions read, made again from what was kept."""
    body = None
    if facts["is_json"]:
        try:
            body = parse_json(facts["text"].encode())
        except BadInput:
            body = None
    return {"status": facts["status"], "body": body, "headers": dict(facts["headers"]), "text": facts["text"]}
