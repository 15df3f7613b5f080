"""The gate `parity`: what was deployed is, digest by digest, what was tested."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import StrictStr, model_validator

from bot.asking.answers import ANSWER, Headers, Url
from bot.domain.conditions import Compile
from bot.domain.errors import BadInput
from bot.domain.excerpts import hidden, hidden_bytes, hidden_json, secrets_of
from bot.domain.gates import Figure, GateVerdict, Judgement
from bot.domain.web_addresses import shown_url
from bot.evidence.figures import Document
from bot.evidence.kept import listing
from bot.evidence.parameters import EvidenceName
from bot.evidence.picking import missing_words, pick
from bot.evidence.sides import read_piece
from bot.gate_plugins import Fetched, GateContext, GateParams, Measured
from bot.plugins import Call, ConditionField

WHAT = 'the digests of what was deployed: {"digests": {"model": "sha256:..."}}'
_DIGEST = re.compile(r"[a-z0-9]{2,20}:[0-9a-f]{32,128}")
_MOST_EXTRA = 20


class ParityParams(GateParams):
    """What was deployed: the evidence called `evidence` (deployed), or the map that `digests` makes of what `url`
    answers."""

    evidence: EvidenceName = "deployed"
    url: Url | None = None
    digests: Annotated[StrictStr, ConditionField(ANSWER)] | None = None
    headers: Headers

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if (self.url is None) != (self.digests is None):
            raise ValueError(
                "`url` and `digests` go together: digests is an expression over body, such as body.digests"
            )
        return self


class Parity:
    """Hold every digest of the manifest's artifacts against the one that is deployed."""

    name: ClassVar[str] = "parity"
    summary: ClassVar[str] = "What is deployed is what was tested, digest by digest"
    Params: ClassVar[type[GateParams]] = ParityParams

    def title(self, params: ParityParams) -> str:
        """`deployed digests equal the tested ones`."""
        return f"deployed digests{' read from its address' if params.url else ''} equal the tested ones"

    def collect(self, params: ParityParams, ctx: GateContext) -> Measured:
        """The digests of both sides."""
        tested = ctx.manifest.get("artifacts")
        if not isinstance(tested, Mapping) or not tested:
            return Measured(
                problem="the manifest names no artifacts with their digests, so nothing says what was tested"
            )
        seen = _asked(params, ctx) if params.url else _pushed(params, ctx)
        if seen.problem:
            return seen
        deployed = seen.facts["deployed"]
        extra = sorted(str(name)[:200] for name in set(deployed) - set(tested))
        facts = {
            "tested": {str(name): str(digest) for name, digest in tested.items()},
            "deployed": {name: deployed[name] for name in tested if name in deployed},
            "extra": extra[:_MOST_EXTRA],
            "more_extra": max(0, len(extra) - _MOST_EXTRA),
            "set_aside": seen.facts.get("set_aside", []),
        }
        return Measured(facts, query=seen.query, evidence_ids=seen.evidence_ids, fetched=seen.fetched)

    def judge(self, params: ParityParams, measured: Measured, compile: Compile) -> Judgement:  # noqa: A002, ARG002
        """One that differs fails; one that was not seen is unknown; others that are there are said."""
        tested, deployed = (measured.facts.get(key) for key in ("tested", "deployed"))
        if not isinstance(tested, Mapping) or not tested or not isinstance(deployed, Mapping):
            return Judgement.unknown("nothing says what was tested, or what is deployed")
        seen = {name: _is_same(tested[name], deployed[name]) for name in tested if name in deployed}
        wrong = sorted(name for name, is_same in seen.items() if is_same is False)
        unseen = sorted(name for name in tested if seen.get(name) is None)
        same = len(tested) - len(wrong) - len(unseen)
        extra = listing(measured.facts.get("extra"))
        figure = Figure("artifacts as tested", float(same), f"at least {len(tested)}", n=len(tested), unit="artifacts")
        details = {key: measured.facts.get(key) for key in ("extra", "more_extra", "set_aside")}
        also = f"; also there: {', '.join(map(str, extra[:5]))}" if extra else ""
        if wrong:
            said = "; ".join(f"{one!r} is {deployed[one]}, tested was {tested[one]}" for one in wrong[:3])
            verdict, why = GateVerdict.FAIL, f"{len(wrong)} of {len(tested)} differ: {said}"
        elif unseen:
            said = ", ".join(repr(one) for one in unseen[:5])
            verdict, why = GateVerdict.UNKNOWN, f"not seen where it is deployed, or by another kind of digest: {said}"
        else:
            verdict, why = GateVerdict.PASS, f"all {same} artifacts are the tested ones"
        return Judgement(verdict, f"{why}{also}", (figure,), details)


def _pushed(params: ParityParams, ctx: GateContext) -> Measured:
    picked = pick(ctx.evidence(params.evidence), ctx.release)
    if picked.piece is None:
        return Measured(problem=missing_words(params.evidence, ctx.release, WHAT, picked=picked))
    found = read_piece(picked.piece)
    if not isinstance(found, Document) or not found.digests:
        raise BadInput(f"The evidence {params.evidence!r} holds no digests", next=f"push {WHAT}")
    facts = {"deployed": dict(found.digests), "set_aside": list(picked.set_aside)}
    return Measured(facts, evidence_ids=picked.ids)


def _asked(params: ParityParams, ctx: GateContext) -> Measured:
    secrets = secrets_of(params.headers)
    reply = ctx.http.request(Call("GET", str(params.url), headers=dict(params.headers), timeout=ctx.timeout))
    query = f"GET {shown_url(str(params.url))}"
    if reply.status is None or not 200 <= reply.status < 300:
        what = hidden(reply.error, secrets) if reply.status is None else f"status {reply.status}"
        return Measured(problem=f"what is deployed could not be read: {what}", query=query)
    # A server may send back what it was sent: what is judged and kept is without it.
    plain = {"body": reply.body, "headers": dict(reply.headers), "text": reply.text}
    answer = {"status": reply.status, **{name: hidden_json(value, secrets) for name, value in plain.items()}}
    try:
        found = ctx.compile(str(params.digests), frozenset(ANSWER)).value(answer)
    except ValueError as error:
        return Measured(problem=f"`digests` cannot be read: {error}", query=query)
    media = reply.headers.get("content-type", "application/octet-stream").partition(";")[0][:200]
    fetched = (Fetched(params.evidence, media, hidden_bytes(reply.raw, secrets), query),)
    if not isinstance(found, Mapping):
        words = f"`{params.digests}` gives no map of names and digests over what was answered"
        return Measured(problem=words, query=query, fetched=fetched)
    deployed = {str(name): digest for name, digest in found.items() if _is_digest(digest)}
    return Measured({"deployed": deployed}, query=query, fetched=fetched)


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value.lower()) is not None


def _is_same(tested: object, deployed: object) -> bool | None:
    """None where the two cannot be compared: one is no digest, or of another algorithm."""
    if (
        not isinstance(tested, str)
        or not isinstance(deployed, str)
        or not (_is_digest(tested) and _is_digest(deployed))
    ):
        return None
    one, other = tested.lower(), deployed.lower()
    return one == other if one.partition(":")[0] == other.partition(":")[0] else None
