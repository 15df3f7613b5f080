"""The step `check_incumbent`: make sure, before anything is touched, that the way back exists and is still wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import StrictStr

from bot.domain.conditions import Finding, Truth
from bot.domain.outcomes import Outcome
from bot.plugins import ByHand, Call, ConditionField, StepContext, StepParams
from playbooks.answers import ANSWER, Headers, Url, answer_facts, busy, excerpt, is_server_fault, judge, marked

_VARIABLES = (*ANSWER, "incumbent", "candidate")
_Condition = Annotated[StrictStr, ConditionField(_VARIABLES)]


class CheckIncumbentParams(StepParams):
    """`url`, `headers`, and conditions over `status`, `body`, `headers`, `text`, `incumbent` and `candidate`.

    `available`: the incumbent can be restored. `serving` (optional): the target still runs the candidate. `already`
    (optional): the incumbent is serving, and there is nothing to do.
    """

    url: Url
    headers: Headers
    available: _Condition
    serving: _Condition | None = None
    already: _Condition | None = None


class CheckIncumbent:
    """Read the target's state and compare. Gives out `incumbent`, `candidate` and `already`.

    Not available: failed. The target no longer runs the candidate: failed, since somebody else changed it and that
    is not to be overwritten. Cannot be judged: unknown. No answer, 408, 429 or 5xx: tried later.
    """

    name: ClassVar[str] = "check_incumbent"
    summary: ClassVar[str] = "Make sure that the incumbent can be restored and that the candidate still serves"
    Params: ClassVar[type[StepParams]] = CheckIncumbentParams

    def acts(self, raw: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """It only looks."""
        return False

    def plan(self, params: CheckIncumbentParams) -> Sequence[str]:
        """The call and what is held against its answer."""
        wanted = [params.available, *([params.serving] if params.serving else [])]
        return [f"GET {params.url} and hold it against {' and '.join(f'`{one}`' for one in wanted)}"]

    def by_hand(self, params: CheckIncumbentParams) -> Sequence[ByHand]:
        """One look."""
        wanted = " and ".join([params.available, *([params.serving] if params.serving else [])])
        done = f"; nothing is to be done where {params.already}" if params.already else ""
        return [ByHand(Call("GET", params.url, headers=params.headers), expect=f"{wanted}{done}")]

    def perform(self, params: CheckIncumbentParams, ctx: StepContext) -> Outcome:
        """Look once."""
        release = ctx.facts.get("release") or {}
        incumbent, candidate = release.get("incumbent"), release.get("candidate")
        if not incumbent or not candidate:
            return Outcome.failed("there is no release in flight, so there is no incumbent to go back to")
        reply = ctx.http.request(Call("GET", params.url, headers=marked(params.headers, ctx), timeout=ctx.timeout))
        if reply.status is None:
            return Outcome.try_later(reply.error)
        if is_server_fault(reply.status) or reply.status == 429:
            words = f"status {reply.status}: {excerpt(reply.text)}".rstrip(": ")
            return busy(reply, ctx.now) or Outcome.try_later(words)
        facts = {**answer_facts(reply), "incumbent": incumbent, "candidate": candidate}
        return _compared(params, facts, ctx)


def _compared(params: CheckIncumbentParams, facts: Mapping[str, Any], ctx: StepContext) -> Outcome:
    versions = {"incumbent": facts["incumbent"], "candidate": facts["candidate"]}
    if params.already and judge(params.already, facts, ctx.compile):
        return Outcome.done(already=True, **versions)
    available = judge(params.available, facts, ctx.compile)
    if available.truth is Truth.NO:
        return Outcome.failed(f"the incumbent {facts['incumbent']} is not available", **versions)
    serving = judge(params.serving, facts, ctx.compile) if params.serving else Finding(Truth.YES)
    if serving.truth is Truth.NO:
        why = f"the target no longer runs the candidate {facts['candidate']}: somebody else changed it; not overwritten"
        return Outcome.failed(why, **versions)
    for finding, condition in ((available, params.available), (serving, params.serving)):
        if finding.truth is Truth.UNKNOWN:
            seen = f"status {facts['status']}: {excerpt(facts['text'])}".rstrip(": ")
            return Outcome.unknown(f"`{condition}` cannot be judged ({finding.why}); {seen}", **versions)
    return Outcome.done(already=False, **versions)
