"""The step `wait_for_metric`: measure until a number has been good for long enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, StrictStr, model_validator

from bot.domain.conditions import Truth
from bot.domain.fields import Duration
from bot.domain.outcomes import Outcome
from bot.evidence.prometheus import NoData, finite, instant_url, read_data, read_point, refuse_old
from bot.plugins import ByHand, Call, ConditionField, StepContext, StepParams
from playbooks.answers import Headers, Url, excerpt, judge, marked
from playbooks.exposition import read_samples
from playbooks.polling import Sight, WaitParams, after_look

_MOST_PAGE = 8 * 1024 * 1024


def _positive(value: timedelta) -> timedelta:
    if value < timedelta(seconds=1):
        raise ValueError("`max_age` is 1s or more")
    return value


class WaitForMetricParams(WaitParams):
    """Either `prometheus` (base URL) and `query`, or `scrape` (URL of a page), `metric` and `labels`.

    Besides: `condition` over `value`, `headers`, `max_age` (2m: samples older than that are no data), and the pace:
    `for` (0s), `timeout` (5m), `every` (5s).
    """

    prometheus: Url | None = None
    query: Annotated[StrictStr, Field(min_length=1, max_length=4000)] | None = None
    scrape: Url | None = None
    metric: Annotated[StrictStr, Field(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")] | None = None
    labels: Mapping[str, StrictStr] = Field(default_factory=dict)
    condition: Annotated[StrictStr, ConditionField(("value",))]
    headers: Headers
    max_age: Annotated[Duration, AfterValidator(_positive)] = timedelta(minutes=2)

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        by_query = self.prometheus is not None and self.query is not None
        by_page = self.scrape is not None and self.metric is not None
        asks = self.prometheus is not None or self.query is not None
        reads = self.scrape is not None or self.metric is not None or bool(self.labels)
        if by_query == by_page or (by_query and reads) or (by_page and asks):
            raise ValueError("give either `prometheus` and `query`, or `scrape` and `metric` (and `labels`)")
        return self


class WaitForMetric:
    """Measure again and again until the condition has held for as long as `for` says.

    Nothing but one fresh, finite number is data: an empty result, several series, NaN, infinity, an error, a warning
    and a stale sample are no data. No data ends what held so far, and is unknown at the timeout. Gives out `value`,
    `polls`, `held_seconds` and `waited_seconds`.
    """

    name: ClassVar[str] = "wait_for_metric"
    summary: ClassVar[str] = "Wait until a measured number is good, and stays so"
    Params: ClassVar[type[StepParams]] = WaitForMetricParams

    def acts(self, raw: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """It only looks."""
        return False

    def plan(self, params: WaitForMetricParams) -> Sequence[str]:
        """The measurement and its pace."""
        if params.prometheus is not None:
            what = f"Ask {_base(params)} for `{params.query}`"
        else:
            what = f"GET {params.scrape} and read {_wanted(params)}"
        return [f"{what}; hold it against `{params.condition}` {params.pace}"]

    def by_hand(self, params: WaitForMetricParams) -> Sequence[ByHand]:
        """One measurement, to be repeated."""
        if params.prometheus is not None:
            url, what = instant_url(params.prometheus, params.query or "", params.max_age), "the value in the answer"
        else:
            url, what = params.scrape or "", f"value, the number behind {_wanted(params)}"
        call = Call("GET", url, headers=params.headers)
        return [ByHand(call, expect=f"{what}: {params.condition}; look {params.pace}")]

    def perform(self, params: WaitForMetricParams, ctx: StepContext) -> Outcome:
        """Measure once."""
        try:
            value = _queried(params, ctx) if params.prometheus is not None else _scraped(params, ctx)
        except NoData as error:
            return after_look(params, ctx, Sight(Truth.UNKNOWN, f"no data: {error}"))
        finding = judge(params.condition, {"value": value}, ctx.compile)
        seen = f"value {value:g}" + (f" ({finding.why})" if finding.why else "")
        return after_look(params, ctx, Sight(finding.truth, seen, {"value": value}))


def _queried(params: WaitForMetricParams, ctx: StepContext) -> float:
    url = instant_url(params.prometheus or "", params.query or "", params.max_age)
    reply = ctx.http.request(Call("GET", url, marked(params.headers, ctx), timeout=ctx.timeout))
    point = read_point(read_data(reply.status, reply.body, reply.text, reply.error))
    refuse_old(point.at, ctx.now, params.max_age)
    return finite(point.value)


def _scraped(params: WaitForMetricParams, ctx: StepContext) -> float:
    headers = {"Accept": "text/plain;version=0.0.4", **marked(params.headers, ctx)}
    reply = ctx.http.request(
        Call("GET", params.scrape or "", headers, timeout=ctx.timeout, max_bytes=_MOST_PAGE),
    )
    if reply.status != 200 or reply.error:
        raise NoData(reply.error or f"status {reply.status}: {excerpt(reply.text)}")
    is_open = "openmetrics" in reply.headers.get("content-type", "")
    try:
        samples = list(read_samples(reply.text, params.metric or "", open_metrics=is_open))
    except ValueError as error:
        raise NoData(str(error)) from None
    matching = [one for one in samples if params.labels.items() <= one.labels.items()]
    if not matching:
        raise NoData(f"the page has no {_wanted(params)}")
    if len(matching) > 1:
        raise NoData(f"the page has {len(matching)} samples of {_wanted(params)}: give labels that only one has")
    if matching[0].at is not None:
        refuse_old(matching[0].at, ctx.now, params.max_age)
    return finite(matching[0].value)


def _base(params: WaitForMetricParams) -> str:
    return (params.prometheus or "").rstrip("/")


def _wanted(params: WaitForMetricParams) -> str:
    labels = ",".join(f'{name}="{value}"' for name, value in sorted(params.labels.items()))
    return f"{params.metric}{{{labels}}}" if labels else str(params.metric)
