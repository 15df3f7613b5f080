"""Figures out of a raw answer of the Prometheus query API, as it is kept when evidence is pulled from there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from bot.domain.errors import BadInput
from bot.domain.excerpts import excerpt
from bot.evidence.figures import LAST_SAMPLE, MOST_NAMES, Document, Figure
from bot.evidence.prometheus import NoData, Point, point_of, read_data

_KINDS = ("vector", "matrix", "scalar")
_ANSWER = frozenset({"status", "data"})


def is_answer(value: object) -> bool:
    """Whether this JSON is an answer of Prometheus: `status`, and `data` with a `resultType`."""
    if not isinstance(value, Mapping) or not value.keys() >= _ANSWER:
        return False
    return isinstance(value["data"], Mapping) and "resultType" in value["data"]


def figures_of_answer(value: Mapping[str, Any], name: str) -> Document:
    """One figure for each series: its `__name__`, else `name`; its last value; `n` is the number of its samples.

    BadInput where it is no success or carries warnings, gives nothing, holds what is no finite number, and where two
    series have the same name: nothing says which of them counts.
    """
    try:
        data = read_data(200, value, "", "")
        found: dict[str, Figure] = {}
        for called, points in _series(data, name):
            if called in found:
                raise BadInput(
                    f"The answer of Prometheus holds several series called {called!r}",
                    next="aggregate them in the query, for example with sum() or max()",
                )
            found[called] = _figure(called, points)
    except NoData as error:
        raise BadInput("The answer of Prometheus cannot be used", why=str(error)) from None
    if not found:
        raise BadInput("The answer of Prometheus is empty", next="look whether the query gives anything")
    if len(found) > MOST_NAMES:
        raise BadInput("The answer of Prometheus holds too many series", why=f"{MOST_NAMES} are allowed")
    return Document(metrics=found)


def _series(data: Mapping[str, Any], name: str) -> Iterator[tuple[str, list[Point]]]:
    kind, result = data.get("resultType"), data.get("result")
    if kind not in _KINDS or not isinstance(result, list):
        raise NoData(f"it is a {excerpt(str(kind), 40)}, not numbers")
    if kind == "scalar":
        yield name, [point_of(result)]
        return
    for one in result:
        labels = one.get("metric") if isinstance(one, Mapping) else None
        if not isinstance(labels, Mapping):
            raise NoData("a series has no labels in it")
        called = labels.get("__name__") or name
        if not isinstance(called, str) or len(called) > 200:
            raise NoData("a series has no name that can be used")
        values = [one.get("value")] if kind == "vector" else one.get("values")
        if not isinstance(values, list):
            raise NoData(f"the series {called!r} has no samples in it")
        yield called, [point_of(pair) for pair in values]


def _figure(called: str, points: list[Point]) -> Figure:
    if not points:
        raise NoData(f"the series {called!r} has no samples in it")
    last = max(points, key=lambda one: one.at)
    if not math.isfinite(last.value):
        raise NoData(f"the last value of {called!r} is {last.value}")
    return Figure(value=last.value, n=len(points), method=LAST_SAMPLE)
