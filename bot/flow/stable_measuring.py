"""Measures what a restored state must be good in: one query each, and every way in which it can go wrong in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from bot.domain.conditions import Truth
from bot.domain.errors import AndonError
from bot.domain.excerpts import excerpt
from bot.domain.policies import Policy, Target
from bot.domain.stable_rules import StableMetric, StableRule
from bot.domain.watches import Reading
from bot.evidence.prometheus import NoData, finite, instant_url, read_data, read_point, refuse_old
from bot.flow.stepping import Workshop
from bot.plugins import Call

DEADLINE = timedelta(seconds=5)
"""For one query."""
ROUND = timedelta(seconds=15)
"""For all queries of one look; what is not measured by then is not known."""
MAX_AGE = timedelta(minutes=2)
"""Samples older than this are no data."""
_MOST_WORDS = 300


def measure(
    workshop: Workshop,
    policy: Policy,
    environment: str,
    rule: StableRule,
    now: Callable[[], datetime],
    monotonic: Callable[[], float],
) -> tuple[Reading, ...]:
    """All metrics, in their order. Never raises; what is said of a fault holds no secret."""
    target = policy.targets.get(environment) or Target()
    facts = {"service": policy.service, "environment": environment, "target": target.facts()}
    end = monotonic() + ROUND.total_seconds()
    return tuple(_measured(workshop, metric, facts, target, now, end - monotonic()) for metric in rule.metrics)


def _measured(
    workshop: Workshop,
    metric: StableMetric,
    facts: Mapping[str, object],
    target: Target,
    now: Callable[[], datetime],
    left: float,
) -> Reading:
    shown = Reading(workshop.secrets.redact(excerpt(metric.query, 200)), metric.condition.text, Truth.UNKNOWN)
    if left <= 0:
        return _with(shown, why="no data: there was no time left in this look")
    try:
        value = _value(workshop, metric, facts, target, now, timedelta(seconds=left))
    except (NoData, AndonError) as error:
        return _with(shown, why=_sayable(workshop, f"no data: {error}"))
    except Exception as error:  # whatever a server sends, the other metrics are measured
        why = f"it broke in a way nobody foresaw ({type(error).__name__}: {error})"
        return _with(shown, why=_sayable(workshop, why))
    found = metric.condition.judge({"value": value})
    return Reading(shown.query, shown.condition, found.truth, value, found.why)


def _value(
    workshop: Workshop,
    metric: StableMetric,
    facts: Mapping[str, object],
    target: Target,
    now: Callable[[], datetime],
    left: timedelta,
) -> float:
    def fill(text: str) -> str:
        return str(workshop.expressions.fill(text, facts, secrets=True))

    url = instant_url(fill(metric.prometheus), fill(metric.query), MAX_AGE)
    headers = {name: fill(text) for name, text in metric.headers.items()}
    call = Call("GET", url, headers, timeout=min(DEADLINE, left))
    reply = workshop.http.request(call, allow_hosts=target.allow_hosts)
    point = read_point(read_data(reply.status, reply.body, reply.text, reply.error))
    refuse_old(point.at, now(), MAX_AGE)
    return finite(point.value)


def _with(reading: Reading, *, why: str) -> Reading:
    return Reading(reading.query, reading.condition, Truth.UNKNOWN, None, why)


def _sayable(workshop: Workshop, text: str) -> str:
    return excerpt(workshop.secrets.redact(text), _MOST_WORDS)
