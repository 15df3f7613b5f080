"""The step `freeze_release`: freeze promotion of the run's service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field, StrictStr

from bot.domain.outcomes import Freeze, Outcome
from bot.plugins import StepContext, StepParams


class FreezeReleaseParams(StepParams):
    """`reason`, for the record; the run and the step are named where it is not given."""

    reason: Annotated[StrictStr, Field(max_length=500)] = ""


class FreezeRelease:
    """Freeze promotion until somebody lifts the halt. Changes Andon's own record only, so it may be repeated."""

    name: ClassVar[str] = "freeze_release"
    summary: ClassVar[str] = "Freeze promotion of the service until a person lifts the halt"
    Params: ClassVar[type[StepParams]] = FreezeReleaseParams

    def acts(self, raw: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """Nothing outside is touched."""
        return False

    def plan(self, params: FreezeReleaseParams) -> Sequence[str]:
        """What is recorded."""
        return ["Freeze promotion of the service" + (f": {params.reason}" if params.reason else "")]

    def perform(self, params: FreezeReleaseParams, ctx: StepContext) -> Outcome:
        """Ask for it; it takes effect in the commit of this outcome."""
        reason = params.reason or f"step {ctx.step_id} of run {ctx.run_id}"
        return Outcome.done(effects=(Freeze(reason),), reason=reason)
