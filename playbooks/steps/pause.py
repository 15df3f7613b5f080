"""The step `pause`: let some time go by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from bot.domain.fields import Duration
from bot.domain.outcomes import Outcome
from bot.domain.times import format_duration, format_time, parse_time
from bot.plugins import StepContext, StepParams


def _bounded(value: timedelta) -> timedelta:
    if not timedelta(0) < value <= timedelta(days=7):
        raise ValueError("a pause lasts more than 0s and 7d at most")
    return value


class PauseParams(StepParams):
    """`for`: how long."""

    length: Annotated[Duration, Field(alias="for"), AfterValidator(_bounded)]


class Pause:
    """Wait, without holding a worker. The time runs from the first start; gives out `seconds`."""

    name: ClassVar[str] = "pause"
    summary: ClassVar[str] = "Let some time go by"
    Params: ClassVar[type[StepParams]] = PauseParams

    def acts(self, raw: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """Nothing is touched."""
        return False

    def plan(self, params: PauseParams) -> Sequence[str]:
        """How long."""
        return [f"Wait for {format_duration(params.length)}"]

    def perform(self, params: PauseParams, ctx: StepContext) -> Outcome:
        """Wait, or find that the time is over."""
        begun = parse_time(ctx.state["begun"]) if "begun" in ctx.state else ctx.now
        left = params.length - (ctx.now - begun)
        if left > timedelta(0):
            words = f"waits for {format_duration(params.length)}"
            return Outcome.wait(left, state={"begun": format_time(begun)}, why=words)
        return Outcome.done(seconds=round((ctx.now - begun).total_seconds(), 3))
