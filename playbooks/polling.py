"""Looking again and again until something has held long enough; shared by the steps that wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from bot.domain.conditions import Truth
from bot.domain.fields import Duration
from bot.domain.outcomes import Outcome
from bot.domain.times import format_duration, format_time, parse_time
from bot.plugins import StepContext, StepParams

_SHORTEST = timedelta(milliseconds=50)


def _bounded(value: timedelta) -> timedelta:
    if not _SHORTEST <= value <= timedelta(days=7):
        raise ValueError("a duration between 50ms and 7d is needed")
    return value


class WaitParams(StepParams):
    """`for`: how long it must hold without a break. `timeout`: for the whole wait. `every`: between two looks."""

    hold: Annotated[Duration, Field(alias="for")] = timedelta(0)
    timeout: Annotated[Duration, AfterValidator(_bounded)] = timedelta(minutes=5)
    every: Annotated[Duration, AfterValidator(_bounded)] = timedelta(seconds=5)

    @model_validator(mode="after")
    def _can_succeed(self) -> Self:
        if self.hold > self.timeout:
            raise ValueError("`for` is longer than `timeout`: it could never succeed")
        return self

    @property
    def pace(self) -> str:
        """The wait in words."""
        hold = f"has held for {format_duration(self.hold)}" if self.hold else "holds"
        return f"every {format_duration(self.every)} until it {hold}, {format_duration(self.timeout)} at most"


@dataclass(frozen=True)
class Sight:
    """What one look saw. Unknown stands for no data as well."""

    truth: Truth
    seen: str
    output: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Record:
    """What is kept between two looks; times are those of the run, so that a restart of the worker changes nothing."""

    polls: int
    since: datetime | None
    at: datetime | None

    @classmethod
    def read(cls, state: Mapping[str, Any]) -> Self:
        since, at = (parse_time(state[key]) if state.get(key) else None for key in ("since", "at"))
        return cls(polls=int(state.get("polls", 0)), since=since, at=at)

    def after(self, sight: Sight, params: WaitParams, ctx: StepContext) -> Self:
        since = (self.since or ctx.now) if sight.truth is Truth.YES else None
        if since is not None and self.at is not None and ctx.now - self.at > params.every * 3 + ctx.timeout:
            # Nobody looked for a while (no worker was there), so nobody knows that it held meanwhile.
            since = ctx.now
        return type(self)(polls=self.polls + 1, since=since, at=ctx.now)

    def written(self, seen: str) -> dict[str, Any]:
        times = {"since": self.since and format_time(self.since), "at": self.at and format_time(self.at)}
        return {"polls": self.polls, "seen": seen, **times}


def after_look(params: WaitParams, ctx: StepContext, sight: Sight) -> Outcome:
    """What one look leads to: done once it has held long enough, else wait, and at the timeout failed or unknown.

    The timeout runs from the step's first start. Data that says no fails; no data at the end is unknown.
    """
    record = _Record.read(ctx.state).after(sight, params, ctx)
    held = ctx.now - record.since if record.since else timedelta(0)
    waited = ctx.now - ctx.first_started_at
    output = {
        **sight.output,
        "polls": record.polls,
        "held_seconds": round(held.total_seconds(), 3),
        "waited_seconds": round(waited.total_seconds(), 3),
    }
    if sight.truth is Truth.YES and held >= params.hold:
        return Outcome.done(**output)
    if waited >= params.timeout:
        return _too_late(params, sight, held, output)
    left = [params.every, params.timeout - waited]
    if sight.truth is Truth.YES:
        left.append(params.hold - held)
    return Outcome.wait(max(min(left), _SHORTEST), state=record.written(sight.seen), why=sight.seen)


def _too_late(params: WaitParams, sight: Sight, held: timedelta, output: Mapping[str, Any]) -> Outcome:
    within = f"within {format_duration(params.timeout)}"
    if sight.truth is Truth.UNKNOWN:
        return Outcome.unknown(f"it cannot be told {within}: {sight.seen}", **output)
    if sight.truth is Truth.YES:
        wanted, so_far = format_duration(params.hold), f"{held.total_seconds():.1f}s"
        return Outcome.failed(f"it did not hold for {wanted} {within}, only for the last {so_far}", **output)
    return Outcome.failed(f"it did not hold {within}; last seen: {sight.seen}", **output)
