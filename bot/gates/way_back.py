"""The gate `way_back`: the incumbent can be restored, by what its place says of it, before the candidate goes on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import StrictStr

from bot.asking.answers import ANSWER, Headers, Url, judge, tells_nothing
from bot.domain.conditions import Compile, Truth
from bot.domain.errors import BadInput
from bot.domain.excerpts import excerpt, hidden, hidden_bytes, secrets_of
from bot.domain.gates import Figure, Judgement
from bot.domain.strict_json import parse_json, storable
from bot.domain.web_addresses import shown_url
from bot.gate_plugins import Fetched, GateContext, GateParams, Measured
from bot.plugins import Call, ConditionField

_MOST_BYTES = 128 * 1024
_DIGEST = re.compile(r"[a-z0-9]{2,20}:[0-9a-f]{32,128}")


class WayBackParams(GateParams):
    """`url`, `headers`, and `available`: a condition over `status`, `body`, `headers`, `text` and `incumbent`."""

    url: Url
    headers: Headers
    available: Annotated[StrictStr, ConditionField((*ANSWER, "incumbent"))]


class WayBack:
    """Passes where the incumbent can be restored and, where the answer has `digests`, is the one in the manifest.

    No whole answer, a redirect, 401, 403, 407, 408, 425, 429 and 5xx say nothing of it and are unknown, and so is a
    condition that cannot be judged, a digest that is missing and one of another kind. Nothing is changed.
    """

    name: ClassVar[str] = "way_back"
    summary: ClassVar[str] = "The incumbent can be restored, and is the one that the manifest names"
    Params: ClassVar[type[GateParams]] = WayBackParams

    def title(self, params: WayBackParams) -> str:
        """What is asked, and what has to hold."""
        return f"way back: {excerpt(params.available, 120)}"

    def collect(self, params: WayBackParams, ctx: GateContext) -> Measured:
        """One read. `facts`: `status`, `text`, `is_json`, `cut`, `headers`, `incumbent`, `artifacts` (wanted)."""
        secrets = secrets_of(params.headers)
        query = f"GET {shown_url(params.url)}"
        incumbent = ctx.release.get("incumbent")
        if not incumbent:
            return Measured(query=query, problem="the release names no incumbent to go back to")
        call = Call("GET", params.url, params.headers, timeout=ctx.timeout, max_bytes=_MOST_BYTES)
        reply = ctx.http.request(call)
        if reply.status is None:
            return Measured(query=query, problem=hidden(f"no answer: {reply.error}", secrets))
        wanted = ctx.manifest.get("incumbent_artifacts")
        facts = {
            "status": reply.status,
            "headers": {"content-type": storable(reply.headers.get("content-type", "")[:200])},
            "text": storable(hidden(reply.text, secrets)),
            "is_json": reply.body is not None,
            "cut": reply.error,
            "incumbent": str(incumbent),
            "artifacts": {str(key): str(one) for key, one in wanted.items()} if isinstance(wanted, Mapping) else {},
        }
        media = reply.headers.get("content-type", "").partition(";")[0].strip() or "application/octet-stream"
        kept = Fetched("way_back", media[:100], hidden_bytes(reply.raw, secrets), shown_url(params.url))
        return Measured(facts, query=query, fetched=(kept,) if reply.raw else ())

    def judge(self, params: WayBackParams, measured: Measured, compile: Compile) -> Judgement:  # noqa: A002
        """The status, then the condition, then the digests."""
        facts = measured.facts
        status, incumbent, said = facts["status"], facts["incumbent"], excerpt(facts["text"])
        figure = Figure("status", float(status))
        if tells_nothing(status):
            return Judgement.unknown(f"status {status}: {said}".rstrip(": "), figure)
        if facts["cut"]:
            return Judgement.unknown(f"the answer is not whole: {facts['cut']}", figure)
        body = _body(facts)
        answer = {"status": status, "body": body, "headers": dict(facts["headers"]), "text": facts["text"]}
        found = judge(params.available, {**answer, "incumbent": incumbent}, compile)
        if found.truth is Truth.UNKNOWN:
            return Judgement.unknown(f"`{params.available}` cannot be judged ({found.why}): {said}", figure)
        if found.truth is Truth.NO:
            return Judgement.failed(f"the incumbent {incumbent} cannot be restored: {said}", figure)
        return _compared(f"the incumbent {incumbent} can be restored", facts["artifacts"], body, figure)


def _compared(what: str, wanted: Mapping[str, str], body: Any, figure: Figure) -> Judgement:
    """Held against the digests of the manifest, where the answer has some."""
    there = body.get("digests") if isinstance(body, Mapping) else None
    if there is None:
        return Judgement.passed(f"{what}; its answer names no digests", figure)
    if not wanted:
        return Judgement.passed(f"{what}; the manifest names no digests of it", figure)
    seen = {
        name: _same(digest, there.get(name)) if isinstance(there, Mapping) else None for name, digest in wanted.items()
    }
    same = Figure("artifacts as before", float(sum(one is True for one in seen.values())), f"at least {len(wanted)}")
    if wrong := sorted(name for name, one in seen.items() if one is False):
        why = f"{what}, but it is another one: {', '.join(map(repr, wrong[:5]))} differs from the manifest"
        return Judgement.failed(why, figure, same)
    if unseen := sorted(name for name, one in seen.items() if one is None):
        why = f"{what}, but these digests are missing or of another kind: {', '.join(map(repr, unseen[:5]))}"
        return Judgement.unknown(why, figure, same)
    return Judgement.passed(f"{what}, and all {len(wanted)} of its artifacts are those of the manifest", figure, same)


def _same(wanted: str, there: object) -> bool | None:
    """None where the two cannot be compared."""
    if not isinstance(there, str) or _DIGEST.fullmatch(there.lower()) is None:
        return None
    one, other = wanted.lower(), there.lower()
    return one == other if one.partition(":")[0] == other.partition(":")[0] else None


def _body(facts: Mapping[str, Any]) -> Any:
    if not facts["is_json"]:
        return None
    try:
        return parse_json(facts["text"].encode())
    except BadInput:
        return None
