"""Answers of the Prometheus query API, taken apart: one fresh number, one series over a window, or why there is none.

https://prometheus.io/docs/prometheus/latest/querying/api/, instant queries and range queries.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from bot.domain.excerpts import excerpt

MOST_POINTS = 1441
"""The most points of a range that are asked for: a day by the minute, both ends included."""


class NoData(Exception):
    """There is no number to judge, and why."""


@dataclass(frozen=True)
class Point:
    """One value at a moment, in seconds since the epoch. The value may be NaN or infinite."""

    at: float
    value: float


@dataclass(frozen=True)
class Range:
    """A window on its grid: `points` evaluations from `start`, one each `step`, the last at its end."""

    start: float
    step: float
    points: int

    @classmethod
    def ending(cls, now: datetime, window: timedelta, step: timedelta) -> Range:
        """The window that ends now; it must be a whole number of steps."""
        return cls(now.timestamp() - window.total_seconds(), step.total_seconds(), window // step + 1)

    @property
    def end(self) -> float:
        """When the last evaluation is."""
        return self.start + self.step * (self.points - 1)


def instant_url(server: str, query: str, max_age: timedelta) -> str:
    """One instant query, now. Samples older than `max_age` are not looked at."""
    # The time in the answer is that of the query. What bounds the age of the samples behind it is the look-back.
    asked = urlencode({"query": query, "lookback_delta": f"{max_age.total_seconds():g}"})
    return f"{server.rstrip('/')}/api/v1/query?{asked}"


def range_url(server: str, query: str, window: Range, max_age: timedelta) -> str:
    """One range query over a window."""
    asked = urlencode(
        {
            "query": query,
            "start": f"{window.start:.3f}",
            # A little after the last point, so that rounding cannot drop it.
            "end": f"{window.end + 0.001:.3f}",
            "step": f"{window.step:.3f}",
            "lookback_delta": f"{max_age.total_seconds():g}",
        }
    )
    return f"{server.rstrip('/')}/api/v1/query_range?{asked}"


def read_data(status: int | None, body: Any, text: str, error: str) -> Mapping[str, Any]:
    """The `data` of an answer. NoData where there is no whole answer, it is an error, or it carries warnings."""
    document = body if isinstance(body, dict) else {}
    if status != 200 or document.get("status") != "success" or error:
        raise NoData(_complaint(status, document, text, error))
    if document.get("warnings"):
        raise NoData(f"the server warns: {excerpt(str(document['warnings']))}")
    data = document.get("data")
    if not isinstance(data, dict):
        raise NoData("the answer has no data in it")
    return data


def read_point(data: Mapping[str, Any]) -> Point:
    """The one number of an instant query: a scalar, or a vector of one series. NoData for anything else."""
    kind, result = data.get("resultType"), data.get("result")
    if kind == "vector" and isinstance(result, list):
        result = _only(result, "value")
    elif kind != "scalar":
        raise NoData(f"the query gives a {excerpt(str(kind), 40)}, not one number")
    return point_of(result)


def read_series(data: Mapping[str, Any], window: Range) -> tuple[Point, ...]:
    """The one series of a range query, in order. NoData where there are none or several, or where what came does not
    lie on the grid that was asked for. Points may be missing."""
    kind, result = data.get("resultType"), data.get("result")
    if kind != "matrix" or not isinstance(result, list):
        raise NoData(f"the query gives a {excerpt(str(kind), 40)}, not a series over time")
    values = _only(result, "values")
    if not isinstance(values, list) or len(values) > window.points:
        raise NoData("the answer has other points in it than those that were asked for")
    points = tuple(point_of(one) for one in values)
    if not points:
        raise NoData("the query gives nothing")
    places = [(one.at - window.start) / window.step for one in points]
    slack = 0.002 / window.step
    if any(abs(place - round(place)) > slack or not 0 <= round(place) < window.points for place in places):
        raise NoData("the answer has points from another time than was asked for")
    if any(later.at <= earlier.at for earlier, later in pairwise(points)):
        raise NoData("the answer has points in no order")
    return points


def refuse_old(at: float, now: datetime, max_age: timedelta) -> None:
    """NoData where a moment is further away from now than `max_age`, in the past or in the future."""
    age = now.timestamp() - at
    if not abs(age) <= max_age.total_seconds():
        where = f"{age:.0f} s old" if age > 0 else f"{-age:.0f} s in the future"
        raise NoData(f"the sample is {where}")


def finite(value: float) -> float:
    """The value. NoData where it is NaN or infinite."""
    if not math.isfinite(value):
        raise NoData(f"the value is {value}")
    return value


def _complaint(status: int | None, document: Mapping[str, Any], text: str, error: str) -> str:
    if status is None or error:
        return error or "there is no answer"
    if document.get("error"):
        return f"the server refuses the query (status {status}): {excerpt(str(document['error']))}"
    return f"status {status}: {excerpt(text)}".rstrip(": ")


def _only(result: list[Any], key: str) -> Any:
    if not result:
        raise NoData("the query gives nothing")
    if len(result) > 1:
        raise NoData(f"the query gives {len(result)} series: aggregate it, for example with sum() or max()")
    return result[0].get(key) if isinstance(result[0], dict) else None


def point_of(pair: Any) -> Point:
    """A pair of time and text as a point; the value may be NaN or infinite. NoData for anything else."""
    try:
        at, text = pair
        if not isinstance(text, str) or "_" in text or isinstance(at, bool | str):
            raise NoData("the answer has no number in it")
        point = Point(float(at), float(text))
    except (TypeError, ValueError, OverflowError):
        raise NoData("the answer has no number in it") from None
    if not math.isfinite(point.at):
        raise NoData("the answer has no time in it")
    return point
