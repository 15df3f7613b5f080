"""The gate `prometheus`: a query's number holds a condition, now or over a whole window."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, StrictStr, model_validator

from bot.asking.answers import Headers, Url
from bot.domain.conditions import Compile, Finding, Truth
from bot.domain.excerpts import excerpt, hidden, hidden_bytes, secrets_of
from bot.domain.fields import PositiveDuration
from bot.domain.gates import Figure, Judgement
from bot.domain.times import format_duration, format_time
from bot.domain.web_addresses import shown_url
from bot.evidence.prometheus import (
    MOST_POINTS,
    NoData,
    Range,
    instant_url,
    range_url,
    read_data,
    read_point,
    read_series,
    refuse_old,
)
from bot.gate_plugins import Fetched, GateContext, GateParams, Measured
from bot.plugins import Call, ConditionField, Reply

_SECOND = timedelta(seconds=1)
_COARSE = 60
"""How many steps a window has at least where none is given."""


def _whole_seconds(value: timedelta) -> timedelta:
    if value < _SECOND or value % _SECOND:
        raise ValueError("whole seconds are needed here, 1s at least")
    return value


_Seconds = Annotated[PositiveDuration, AfterValidator(_whole_seconds)]


class PrometheusParams(GateParams):
    """`prometheus` (base URL), `query`, `condition` over `value`, `headers`, `max_age` (2m).

    With `window` the condition must hold at each `step` of it (a sixtieth or less unless given); without, now.
    """

    prometheus: Url
    query: Annotated[StrictStr, Field(min_length=1, max_length=4000)]
    condition: Annotated[StrictStr, ConditionField(("value",))]
    window: _Seconds | None = None
    step: _Seconds | None = None
    max_age: _Seconds = timedelta(minutes=2)
    headers: Headers

    @model_validator(mode="after")
    def _has_a_grid(self) -> Self:
        if self.window is None:
            if self.step is not None:
                raise ValueError("`step` goes with `window`")
            return self
        if self.window % self.pace:
            raise ValueError("`window` is a whole number of `step`s")
        if self.window // self.pace >= MOST_POINTS:
            raise ValueError(f"`window` has {MOST_POINTS - 1} `step`s at most")
        return self

    @property
    def pace(self) -> timedelta:
        """Between two evaluations in the window."""
        if self.step is not None or self.window is None:
            return self.step or _SECOND
        # The coarsest whole number of seconds that divides the window into sixty steps or more.
        seconds = int(self.window.total_seconds())
        most = max(1, math.ceil(seconds / _COARSE))
        return timedelta(seconds=next(one for one in range(most, 0, -1) if seconds % one == 0))


class PrometheusGate:
    """Nothing but one series of fresh, finite numbers can pass.

    An empty result, several series, NaN, infinity, an error, a warning, a stale sample and a hole in the window are
    unknown; but a number in the window that breaks the condition fails, whatever else is missing.
    """

    name: ClassVar[str] = "prometheus"
    summary: ClassVar[str] = "A Prometheus query's number holds a condition, now or over a whole window"
    Params: ClassVar[type[GateParams]] = PrometheusParams

    def title(self, params: PrometheusParams) -> str:
        """The condition, the query and the window."""
        return f"{params.condition} for {_asked(params, 120)}"

    def collect(self, params: PrometheusParams, ctx: GateContext) -> Measured:
        """One query. `facts`: `points` as [seconds, value or null where it is no number], `expected`."""
        query = _asked(params, 4000)
        window = None if params.window is None else Range.ending(ctx.now, params.window, params.pace)
        if window is None:
            url = instant_url(params.prometheus, params.query, params.max_age)
        else:
            url = range_url(params.prometheus, params.query, window, params.max_age)
        reply = ctx.http.request(Call("GET", url, params.headers, timeout=ctx.timeout))
        fetched = _kept(params, reply)
        try:
            data = read_data(reply.status, reply.body, reply.text, reply.error)
            if window is None:
                point = read_point(data)
                refuse_old(point.at, ctx.now, params.max_age)
                points = [point]
            else:
                points = list(read_series(data, window))
        except NoData as error:
            why = hidden(f"no data: {error}", secrets_of(params.headers))
            return Measured(query=query, fetched=fetched, problem=why)
        pairs = [[one.at, one.value if math.isfinite(one.value) else None] for one in points]
        facts = {"points": pairs, "expected": window.points if window else 1, "asked_at": format_time(ctx.now)}
        return Measured(facts, query=query, fetched=fetched)

    def judge(self, params: PrometheusParams, measured: Measured, compile: Compile) -> Judgement:  # noqa: A002
        """The condition at every point: one that breaks it fails; then whatever cannot be told is unknown."""
        facts = measured.facts
        values = [value for _, value in facts["points"] if value is not None]
        figures = _figures(params, values)
        findings = _findings(params.condition, values, compile)
        broken = [value for value, found in zip(values, findings, strict=True) if found.truth is Truth.NO]
        seen = _seen(params, values)
        if broken:
            often = f" at {len(broken)} of {len(values)} points" if params.window else ""
            return Judgement.failed(f"`{params.condition}` does not hold{often}: {seen}", *figures)
        if unclear := next((found.why for found in findings if found.truth is Truth.UNKNOWN), None):
            return Judgement.unknown(f"`{params.condition}` cannot be judged ({unclear}): {seen}", *figures)
        if missing := int(facts["expected"]) - len(values):
            what = f"{missing} of {facts['expected']} points are missing or no number" if params.window else "no number"
            return Judgement.unknown(f"no data: {what}", *figures, missing=missing)
        return Judgement.passed(f"`{params.condition}` holds: {seen}", *figures)


def _findings(text: str, values: list[float], compile_: Compile) -> list[Finding]:
    """What the condition says of each value; it is compiled once, since a window has many."""
    try:
        condition = compile_(text, frozenset({"value"}))
    except ValueError as error:
        return [Finding(Truth.UNKNOWN, str(error))] * len(values)
    return [condition.judge({"value": value}) for value in values]


def _asked(params: PrometheusParams, most: int) -> str:
    query = excerpt(params.query, most)
    if params.window is None:
        return query
    return f"{query} over {format_duration(params.window)}, every {format_duration(params.pace)}"


def _kept(params: PrometheusParams, reply: Reply) -> tuple[Fetched, ...]:
    if not reply.raw:
        return ()
    content = hidden_bytes(reply.raw, secrets_of(params.headers))
    return (Fetched("prometheus", "application/json", content, shown_url(params.prometheus)),)


def _figures(params: PrometheusParams, values: list[float]) -> tuple[Figure, ...]:
    if not values:
        return (Figure("samples", 0.0),)
    named: Mapping[str, Any] = {"last": values[-1], "min": min(values), "max": max(values)}
    judged = [Figure(name, value, params.condition, n=len(values)) for name, value in named.items()]
    return (*judged, Figure("samples", float(len(values))))


def _seen(params: PrometheusParams, values: list[float]) -> str:
    if not values:
        return "no number"
    if params.window is None:
        return f"{values[-1]:g} now"
    return f"{min(values):g} to {max(values):g} over {format_duration(params.window)}, {values[-1]:g} at its end"
