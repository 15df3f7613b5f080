"""The gate `synthetic`: reviewed inputs get the expected outputs from the candidate's endpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlencode

from pydantic import Field, StrictInt, StrictStr

from bot.asking.answers import ANSWER, Headers, Url, answer_facts, tells_nothing
from bot.domain.conditions import Compile, Truth
from bot.domain.errors import BadInput
from bot.domain.excerpts import excerpt, hidden, hidden_json, secrets_of
from bot.domain.fields import PositiveDuration
from bot.domain.gates import Figure, Judgement
from bot.domain.strict_json import storable
from bot.domain.times import format_duration
from bot.domain.web_addresses import shown_url
from bot.evidence.suites import Case, Match, held_against, read_suite
from bot.gate_plugins import Fetched, FileField, GateContext, GateParams, Measured
from bot.plugins import Call, ConditionField, Reply

_FOLDER = "suites"
_MOST_ANSWER = 64 * 1024
_MOST_KEPT = 4 * 1024 * 1024
"""Bytes of all answers together."""
_LISTED = 20
_GIVES_UP_AFTER = 3
"""So many calls in a row without any answer: the endpoint is down, and the rest is not asked."""
_SHORTEST = timedelta(milliseconds=1)


class SyntheticParams(GateParams):
    """`suite` (a name in `suites/`), `url`, `method` (POST), `headers`, `read`, `max_failures` (0), `min_cases` (1),
    `latency_at_most`.

    `read` is a condition text over `status`, `body`, `headers` and `text` that takes out of an answer what is held
    against the expectation, such as `body.predictions[0]`; unset: the whole body. With GET an input is an object whose
    members are sent as the query.
    """

    suite: Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=64), FileField(_FOLDER)]
    url: Url
    method: Literal["GET", "POST"] = "POST"
    headers: Headers
    read: Annotated[StrictStr, ConditionField(ANSWER)] | None = None
    max_failures: Annotated[StrictInt, Field(ge=0)] = 0
    min_cases: Annotated[StrictInt, Field(ge=1)] = 1
    latency_at_most: PositiveDuration | None = None


@dataclass(frozen=True)
class _Judged:
    """One case with what came of it."""

    name: str
    match: Match
    row: Mapping[str, Any]


class SyntheticGate:
    """More wrong answers than `max_failures` fail; a case without an answer, or too few cases, are unknown.

    One call a case, one after the other, all under the gate's one deadline. 4xx is a wrong answer, unless a
    `condition` of the case wants it; no answer, a redirect, 401, 403, 407, 408, 425, 429 and 5xx are none. An answer
    slower than `latency_at_most` is wrong.
    """

    name: ClassVar[str] = "synthetic"
    summary: ClassVar[str] = "Reviewed inputs get the expected outputs from the candidate"
    Params: ClassVar[type[GateParams]] = SyntheticParams

    def title(self, params: SyntheticParams) -> str:
        """The suite, and how many may be wrong."""
        return f"suite {params.suite}: at most {params.max_failures} wrong"

    def collect(self, params: SyntheticParams, ctx: GateContext) -> Measured:
        """Ask. `facts`: `cases` in their order, each with `name`, `expect`, `tolerance`, and `value`, `status` and
        `seconds` or a `problem`."""
        query = f"suites/{params.suite} against {params.method} {shown_url(params.url)}"
        cases = read_suite(ctx.files.read(_FOLDER, params.suite))
        rows, raw = _asked(params, cases, ctx)
        lines = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in raw)
        kept = Fetched("synthetic", "application/x-ndjson", lines.encode(), shown_url(params.url))
        return Measured({"cases": rows}, query=query, fetched=(kept,) if raw else ())

    def judge(self, params: SyntheticParams, measured: Measured, compile: Compile) -> Judgement:  # noqa: A002
        """Count, and list the first twenty that are wrong and the first twenty that cannot be told."""
        judged = [_judged(params, row, compile) for row in measured.facts["cases"]]
        wrong = [one for one in judged if one.match.truth is Truth.NO]
        untold = [one for one in judged if one.match.truth is Truth.UNKNOWN]
        figures = _figures(params, judged, wrong, untold)
        details = {"failures": _listed(wrong), "unanswered": _listed(untold)}
        if len(wrong) > params.max_failures:
            why = f"{len(wrong)} of {len(judged)} answers are wrong, at most {params.max_failures} may be"
            return Judgement.failed(f"{why}; first {wrong[0].name}: {wrong[0].match.why}", *figures, **details)
        if untold:
            why = f"{len(untold)} of {len(judged)} cases have no answer that can be judged"
            return Judgement.unknown(f"{why}; first {untold[0].name}: {untold[0].match.why}", *figures, **details)
        if len(judged) < params.min_cases:
            why = f"the suite has {len(judged)} cases, at least {params.min_cases} are needed"
            return Judgement.unknown(why, *figures, **details)
        right = len(judged) - len(wrong)
        return Judgement.passed(f"{right} of {len(judged)} answers are as expected", *figures, **details)


def _asked(
    params: SyntheticParams, cases: Sequence[Case], ctx: GateContext
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What is judged and what is kept, case by case."""
    rows: list[dict[str, Any]] = []
    raw: list[dict[str, Any]] = []
    left, silent, room = ctx.timeout, 0, _MOST_KEPT
    secrets = secrets_of(params.headers)
    for case in cases:
        row = {"name": case.name, "expect": {case.operator: case.wanted}, "tolerance": case.tolerance}
        if stop := _stop(left, silent, room):
            rows.append({**row, "problem": stop})
            continue
        reply = ctx.http.request(_call(params, case, left))
        left -= timedelta(seconds=reply.seconds)
        silent = 0 if reply.status is not None else silent + 1
        text = storable(hidden(reply.text, secrets))
        room -= len(text)
        raw.append({"name": case.name, "status": reply.status, "seconds": reply.seconds, "text": text})
        rows.append({**row, **hidden_json(_looked(params, case, reply, ctx.compile), secrets)})
    return rows, raw


def _stop(left: timedelta, silent: int, room: int) -> str:
    if silent >= _GIVES_UP_AFTER:
        return f"not asked: {silent} calls in a row got no answer"
    if left < _SHORTEST:
        return "not asked: the time of the gate was over"
    return "" if room > 0 else "not asked: the answers before it were too long together"


def _call(params: SyntheticParams, case: Case, left: timedelta) -> Call:
    if params.method == "POST":
        # As text, since a call whose JSON is null has no body.
        headers = {"content-type": "application/json", **params.headers}
        body = json.dumps(case.input, separators=(",", ":"))
        return Call("POST", params.url, headers, text=body, timeout=left, max_bytes=_MOST_ANSWER)
    if not isinstance(case.input, dict) or not all(_is_plain(one) for one in case.input.values()):
        raise BadInput(f"The input of case {case.name!r} is no object of texts and numbers", why="GET sends a query")
    members = [(key, value if isinstance(value, str) else json.dumps(value)) for key, value in case.input.items()]
    asked = urlencode(members)
    mark = "&" if "?" in params.url else "?"
    return Call("GET", f"{params.url}{mark}{asked}", params.headers, timeout=left, max_bytes=_MOST_ANSWER)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def _looked(params: SyntheticParams, case: Case, reply: Reply, compile_: Compile) -> dict[str, Any]:
    if reply.status is None or reply.error:
        return {"problem": reply.error or "no answer"}
    found = {"status": reply.status, "seconds": reply.seconds}
    if tells_nothing(reply.status):
        return {**found, "problem": f"status {reply.status}: {excerpt(reply.text)}".rstrip(": ")}
    if not 200 <= reply.status < 300 and case.operator != "condition":
        return {**found, "value": excerpt(reply.text, 300), "refused": True}
    if params.read is None:
        return {**found, "value": storable(reply.text) if reply.body is None else reply.body}
    try:
        value = compile_(params.read, frozenset(ANSWER)).value(answer_facts(reply))
        # Whatever is no plain JSON (a time, an infinity) could not be kept, nor judged again.
        plain = json.loads(json.dumps(value, allow_nan=False))
    except (ValueError, TypeError):
        plain = None
    if plain is None:
        # Not to be told from a null, which must not match an expected null.
        return {**found, "problem": f"`{params.read}` finds nothing in the answer: {excerpt(reply.text)}"}
    return {**found, "value": plain}


def _judged(params: SyntheticParams, row: Mapping[str, Any], compile_: Compile) -> _Judged:
    return _Judged(row["name"], _match(params, row, compile_), row)


def _match(params: SyntheticParams, row: Mapping[str, Any], compile_: Compile) -> Match:
    if "problem" in row:
        return Match(Truth.UNKNOWN, row["problem"])
    if row.get("refused"):
        return Match(Truth.NO, f"it was refused with status {row['status']}")
    ((operator, wanted),) = row["expect"].items()
    case = Case(row["name"], None, operator, wanted, row["tolerance"])
    match = held_against(case, row["value"], row["status"], compile_)
    most = params.latency_at_most
    if match.truth is Truth.YES and most is not None and row["seconds"] > most.total_seconds():
        return Match(Truth.NO, f"it is right, but took {row['seconds']:.3f} s; {format_duration(most)} at most")
    return match


def _figures(
    params: SyntheticParams, judged: Sequence[_Judged], wrong: Sequence[_Judged], untold: Sequence[_Judged]
) -> tuple[Figure, ...]:
    figures = [
        Figure("failures", float(len(wrong)), f"at most {params.max_failures}", n=len(judged)),
        Figure("answered", float(len(judged) - len(untold)), f"at least {params.min_cases}", n=len(judged)),
    ]
    seconds = [one.row["seconds"] for one in judged if "seconds" in one.row]
    if seconds:
        most = params.latency_at_most
        threshold = f"at most {format_duration(most)}" if most else ""
        figures.append(Figure("slowest", max(seconds), threshold, n=len(seconds), unit="s"))
    return tuple(figures)


def _listed(found: Sequence[_Judged]) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "why": one.match.why,
            "expected": excerpt(json.dumps(one.row["expect"], ensure_ascii=False), 300),
            "got": excerpt(json.dumps(one.row.get("value"), ensure_ascii=False, default=str), 300),
        }
        for one in found[:_LISTED]
    ]
