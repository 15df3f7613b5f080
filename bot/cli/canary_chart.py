"""Draws a canary in the terminal: estimate, interval and tolerance over the pairs, in characters and without colour."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

WIDTH, HEIGHT = 60, 12
MARKS = {"band": "░", "estimate": "●", "tolerance": "┄", "axis": "│", "foot": "└", "line": "─"}
PLAIN = {"band": ":", "estimate": "o", "tolerance": "-", "axis": "|", "foot": "+", "line": "-"}


def described(view: Mapping[str, Any], *, is_plain: bool = False) -> Iterator[str]:
    """The canary in words, with the drawing once there is anything to draw."""
    about = f"{view['service']}: " if view["service"] else ""
    yield f"{about}{view['candidate']} against {view['incumbent']} ({view['release']}, phase {view['phase']})"
    yield f"verdict   {view['verdict']}: {view['why']}"
    yield f"pairs     {view['pairs']:,}; affected {view['affected']:,}; missing {view['missing']:,}"
    yield f"measured  {view['measure']} {_figure(view['estimate'])}, interval {_interval(view['interval'])}"
    yield f"tolerated {view['tolerance']:g} with error {view['alpha']:g} for each verdict"
    yield from _beside(view)
    drawn = drawing(view["points"], view["tolerance"], marks=PLAIN if is_plain else MARKS)
    if drawn:
        yield ""
        yield from drawn


def _beside(view: Mapping[str, Any]) -> Iterator[str]:
    if view["errors"]:
        errors = view["errors"]
        yield f"errors    {_figure(errors['estimate'])} more, tolerated {errors['tolerance']:g}: {errors['verdict']}"
    if view["latency"]:
        one = view["latency"]
        times = f"{_figure(one['incumbent_ms'])} -> {_figure(one['candidate_ms'])} ms"
        yield f"latency   {times}, tolerated {one['tolerated']:g} times: {one['figure']['verdict']}"
    if view["labels"]:
        yield f"labels    accuracy: {view['labels']['accuracy']}"
    for one in view["slices"]:
        found = one["figure"]
        yield f"slice     {one['name']}: {found['verdict']}, {_figure(found['estimate'])} over {found['count']:,}"
    for what in ("refused", "refused_lines"):
        for reason, count in view[what].items():
            yield f"refused   {count if what == 'refused' else count['count']:,}: {reason}"
    if view["set_aside"]["batches"]:
        yield f"set aside {view['set_aside']['batches']} batches: {view['set_aside']['newest'][-1]['why']}"
    if view["flags"]:
        yield f"note      {', '.join(view['flags'])}"


def drawing(points: Sequence[Mapping[str, Any]], tolerance: float, *, marks: Mapping[str, str] = MARKS) -> list[str]:
    """One line of text for each row; nothing where fewer than two points have an estimate."""
    shown = [one for one in points if one["estimate"] is not None]
    if len(shown) < 2:
        return []
    columns = [shown[round(at * (len(shown) - 1) / (WIDTH - 1))] for at in range(WIDTH)]
    top = _top(shown, tolerance)
    rows = [[" "] * len(columns) for _ in range(HEIGHT)]
    for at, point in enumerate(columns):
        rows[_row(tolerance, top)][at] = marks["tolerance"]
        if point["interval"] is not None:
            low, high = point["interval"]
            for row in range(_row(high, top), _row(low, top) + 1):
                rows[row][at] = marks["band"] if rows[row][at] == " " else rows[row][at]
        rows[_row(point["estimate"], top)][at] = marks["estimate"]
    return [*_labelled(rows, top, tolerance, marks), *_foot(columns, marks)]


def _top(shown: Sequence[Mapping[str, Any]], tolerance: float) -> float:
    """The highest value that is drawn: early intervals reach to 1 and would flatten all the rest."""
    late = shown[len(shown) // 2 :]
    ends = [one["interval"][1] for one in late if one["interval"]]
    most = max([2 * tolerance, *(one["estimate"] * 1.2 for one in shown), *(end * 1.1 for end in ends)])
    return min(1.0, most) if most > 0 else 1.0


def _row(value: float, top: float) -> int:
    return min(HEIGHT - 1, max(0, HEIGHT - 1 - math.floor(value / top * (HEIGHT - 1) + 0.5)))


def _labelled(rows: list[list[str]], top: float, tolerance: float, marks: Mapping[str, str]) -> Iterator[str]:
    for number, row in enumerate(rows):
        text = ""
        if number == _row(tolerance, top):
            text = f"{tolerance:.3g} tol"
        elif number in (0, HEIGHT - 1):
            text = f"{top if number == 0 else 0:.3g}"
        yield f"{text:>10} {marks['axis']}{''.join(row)}".rstrip()


def _foot(columns: Sequence[Mapping[str, Any]], marks: Mapping[str, str]) -> Iterator[str]:
    yield " " * 11 + marks["foot"] + marks["line"] * len(columns)
    first, last = f"{columns[0]['pairs']:,}", f"{columns[-1]['pairs']:,} pairs"
    yield " " * 12 + first + last.rjust(max(1, len(columns) - len(first)))
    yield " " * 12 + f"{marks['estimate']} estimate  {marks['band']} interval  {marks['tolerance']} tolerance"


def _figure(value: float | None) -> str:
    return "not known yet" if value is None else f"{value:.4g}"


def _interval(ends: Sequence[float] | None) -> str:
    return "not known" if ends is None else f"{ends[0]:.4g} to {ends[1]:.4g}"
