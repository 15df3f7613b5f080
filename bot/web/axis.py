"""Lays out an incident on one time axis: where each mark stands between the first and the last moment shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.times import parse_time
from bot.flow import shapes

_LEFT, _WIDTH = 2.0, 96.0
"""Percent of the drawing, so that no mark touches its edge."""


@dataclass(frozen=True)
class Mark:
    """One moment: `x` in percent of the width, `seconds` since the opening, `kind` for its colour."""

    x: float
    seconds: float
    kind: str
    label: str


@dataclass(frozen=True)
class Bar:
    """The span of a run, from acceptance to its end or to now."""

    x: float
    width: float
    status: str
    label: str


@dataclass(frozen=True)
class Axis:
    """Marks and bars with one scale; `span` is its length in seconds."""

    marks: tuple[Mark, ...]
    bars: tuple[Bar, ...]
    ticks: tuple[Mark, ...]
    span: float


def axis_of(view: shapes.IncidentView, now: datetime) -> Axis:
    """The axis of an incident. A deadline that is far away does not squeeze everything else: it is left out."""
    opened = parse_time(view["opened_at"])
    found = [(_since(opened, entry["at"]), entry["kind"], entry["text"]) for entry in view["timeline"]]
    spans = [_span(opened, run, now) for run in view["runs"]]
    moments = [seconds for seconds, _, _ in found] + [edge for span in spans for edge in span[:2]]
    low, high = min([0.0, *moments]), max([1.0, *moments])
    for run in view["runs"]:
        due = _since(opened, run["deadline"])
        if due - low <= 3 * (high - low):
            found.append((due, "deadline", f"deadline of {run['playbook']}"))
            high = max(high, due)

    def place(seconds: float) -> float:
        return round(_LEFT + _WIDTH * (seconds - low) / (high - low), 2)

    bars = tuple(
        Bar(place(start), max(0.4, round(place(end) - place(start), 2)), status, label)
        for start, end, status, label in spans
    )
    marks = tuple(Mark(place(seconds), seconds, kind, text) for seconds, kind, text in found)
    ticks = tuple(Mark(place(at), at, "tick", "") for at in _ticks(low, high))
    return Axis(marks, bars, ticks, high - low)


def _span(opened: datetime, run: shapes.RunView, now: datetime) -> tuple[float, float, str, str]:
    start = _since(opened, run["accepted_at"])
    end = _since(opened, run["finished_at"]) if run["finished_at"] else (now - opened).total_seconds()
    return start, max(start, end), run["status"], f"{run['playbook']}: {run['status'].replace('_', ' ')}"


def _since(opened: datetime, text: str) -> float:
    return (parse_time(text) - opened).total_seconds()


def _ticks(low: float, high: float) -> Iterable[float]:
    """Four to nine round figures between the ends."""
    rough = (high - low) / 5
    sizes = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)
    step = next((size for size in sizes if size >= rough), 86400 * max(1, round(rough / 86400)))
    first = int(low // step) + (1 if low % step else 0)
    return [round(number * step, 3) for number in range(first, int(high // step) + 1)]
