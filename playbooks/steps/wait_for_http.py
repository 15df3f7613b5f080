"""The step `wait_for_http`: look at an address until it answers as expected for long enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from bot.domain.outcomes import Outcome
from bot.plugins import ByHand, Call, StepContext, StepParams
from playbooks.answers import Expect, Headers, Url, judge_answer, marked, output_of, said_expect
from playbooks.polling import Sight, WaitParams, after_look


class WaitForHttpParams(WaitParams):
    """`url`, `headers`, what to `expect` (any 2xx), and the pace: `for` (0s), `timeout` (5m), `every` (5s)."""

    url: Url
    headers: Headers
    expect: Expect = Expect()


class WaitForHttp:
    """GET an address again and again until it answers as expected, for as long as `for` says.

    No answer, or a condition that cannot be judged, counts as no data: it ends what held so far, and is unknown at
    the timeout. Gives out `status`, `body`, `seconds`, `polls`, `held_seconds` and `waited_seconds`.
    """

    name: ClassVar[str] = "wait_for_http"
    summary: ClassVar[str] = "Wait until an address answers as expected, and goes on doing so"
    Params: ClassVar[type[StepParams]] = WaitForHttpParams

    def acts(self, raw: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """It only looks."""
        return False

    def plan(self, params: WaitForHttpParams) -> Sequence[str]:
        """The call and its pace."""
        return [f"GET {params.url} {params.pace}"]

    def by_hand(self, params: WaitForHttpParams) -> Sequence[ByHand]:
        """One look, to be repeated."""
        expect = f"{said_expect(params.expect)}; look {params.pace}"
        return [ByHand(Call("GET", params.url, headers=params.headers), expect=expect)]

    def perform(self, params: WaitForHttpParams, ctx: StepContext) -> Outcome:
        """Look once."""
        reply = ctx.http.request(Call("GET", params.url, headers=marked(params.headers, ctx), timeout=ctx.timeout))
        verdict = judge_answer(params.expect, reply, ctx.compile)
        output = output_of(reply) if reply.status is not None else {}
        return after_look(params, ctx, Sight(verdict.truth, verdict.why, output))
