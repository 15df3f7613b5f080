"""Draws a canary as inline SVG: estimate, interval and tolerance over the pairs, readable without colour or script."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from markupsafe import Markup

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 14, 34
_FEWEST = 2
_NAMESPACE = "http://www.w3.org/2000/svg"
_INK = 'stroke="currentColor" fill="none"'
"""The page's own colour, light or dark; classes are there for a stylesheet that wants others."""

Points = Sequence[Mapping[str, Any]]


def canary_plot(view: Mapping[str, Any], *, id: str = "canary") -> Markup:  # noqa: A002 - the attribute is called so
    """The `<svg>` of a canary as the API shows it; a sentence in its place while there is nothing to draw yet.

    `id` keeps titles apart where a page has several. The description says in words what the drawing shows.
    """
    points = [one for one in view["points"] if one["estimate"] is not None and one["pairs"] > 0]
    if len(points) < _FEWEST:
        return Markup('<p class="canary-plot">There are too few pairs for a drawing yet.</p>')
    scale = _Scale(points, view["tolerance"])
    named = f'role="img" aria-labelledby="{escape(id)}-title {escape(id)}-desc"'
    parts = [
        f'<svg class="canary-plot" viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" {named} xmlns="{_NAMESPACE}">',
        f'<title id="{escape(id)}-title">{escape(_title(view))}</title>',
        f'<desc id="{escape(id)}-desc">{escape(_words(view))}</desc>',
        *_bands(points, scale),
        *_phases(points, scale),
        *_tolerance(view["tolerance"], scale),
        *_estimate(points, scale),
        *_axes(points, scale),
        "</svg>",
    ]
    return Markup("".join(parts))  # noqa: S704 - every text in it was escaped


class _Scale:
    """From pairs and figures to places: pairs by their logarithm, figures from 0 up."""

    def __init__(self, points: Points, tolerance: float) -> None:
        late = points[len(points) // 2 :]
        ends = [one["interval"][1] for one in late if one["interval"]]
        most = max([2 * tolerance, *(1.2 * one["estimate"] for one in points), *(1.1 * end for end in ends)])
        self.top: float = min(1.0, most)
        self.first: int = points[0]["pairs"]
        self.last: int = max(points[-1]["pairs"], self.first + 1)

    def x(self, pairs: float) -> float:
        """Where so many pairs stand."""
        share = math.log(max(pairs, self.first) / self.first) / math.log(self.last / self.first)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, figure: float) -> float:
        """Where a figure stands; what is past the top is drawn at the top."""
        share = min(max(figure, 0.0), self.top) / self.top
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _title(view: Mapping[str, Any]) -> str:
    return f"Version {view['candidate']} against version {view['incumbent']}: {view['verdict']}"


def _words(view: Mapping[str, Any]) -> str:
    ends = view["interval"]
    interval = f"between {ends[0]:.4g} and {ends[1]:.4g}" if ends else "not known, because the stream changed"
    now = "not known" if view["estimate"] is None else f"{view['estimate']:.4g}"
    return (
        f"After {view['pairs']:,} pairs the {view['measure']} is {now}, with its interval {interval}; "
        f"tolerated is {view['tolerance']:g}. {view['affected']:,} predictions are affected. {view['why']}."
    )


def _bands(points: Points, scale: _Scale) -> Iterator[str]:
    """The interval, in pieces where some points have none or another phase begins."""
    piece: list[Mapping[str, Any]] = []
    for point in [*points, None]:
        ends = point is None or not point["interval"] or (piece and piece[-1]["phase"] != point["phase"])
        if ends and piece:
            upper = [f"{scale.x(one['pairs'])},{scale.y(one['interval'][1])}" for one in piece]
            lower = [f"{scale.x(one['pairs'])},{scale.y(one['interval'][0])}" for one in reversed(piece)]
            yield (
                f'<polygon class="canary-interval" points="{" ".join([*upper, *lower])}" '
                'fill="currentColor" fill-opacity="0.16" stroke="none"/>'
            )
            piece = []
        if point is not None and point["interval"]:
            piece.append(point)


def _phases(points: Points, scale: _Scale) -> Iterator[str]:
    """A line where a phase begins after the first."""
    for before, after in pairwise(points):
        if before["phase"] != after["phase"]:
            x = scale.x(before["pairs"])
            yield f'<line class="canary-phase" x1="{x}" x2="{x}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" {_INK} '
            yield 'stroke-opacity="0.5" stroke-dasharray="2 3"/>'
            yield _text(x + 4, TOP + 10, after["phase"])


def _tolerance(tolerance: float, scale: _Scale) -> Iterator[str]:
    y = scale.y(tolerance)
    yield f'<line class="canary-tolerance" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" {_INK} '
    yield 'stroke-width="1.5" stroke-dasharray="7 4"/>'
    yield _text(WIDTH - RIGHT, y - 5, f"tolerated {tolerance:g}", anchor="end")


def _estimate(points: Points, scale: _Scale) -> Iterator[str]:
    line = " ".join(f"{scale.x(one['pairs'])},{scale.y(one['estimate'])}" for one in points)
    yield f'<polyline class="canary-estimate" points="{line}" {_INK} stroke-width="2"/>'
    found = next((one for one in points if one["verdict"] == "diverged"), None)
    if found is not None:
        x, y = scale.x(found["pairs"]), scale.y(found["estimate"])
        yield f'<circle class="canary-diverged" cx="{x}" cy="{y}" r="5" {_INK} stroke-width="2"/>'
        yield _text(x, y - 9, "diverged", anchor="end" if x > WIDTH / 2 else "start")


def _axes(points: Points, scale: _Scale) -> Iterator[str]:
    foot = HEIGHT - BOTTOM
    yield f'<path class="canary-axis" d="M{LEFT} {TOP}V{foot}H{WIDTH - RIGHT}" {_INK} stroke-opacity="0.6"/>'
    for figure in (0.0, scale.top / 2, scale.top):
        yield _text(LEFT - 6, scale.y(figure) + 4, f"{figure:.3g}", anchor="end")
    middle = round(math.sqrt(scale.first * scale.last))
    for pairs, anchor in ((scale.first, "start"), (middle, "middle"), (points[-1]["pairs"], "end")):
        yield _text(scale.x(pairs), foot + 16, f"{pairs:,}", anchor=anchor)
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, "pairs, by their logarithm", anchor="middle")


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return (
        f'<text x="{round(x, 1)}" y="{round(y, 1)}" text-anchor="{anchor}" font-size="11" fill="currentColor">'
        f"{escape(text)}</text>"
    )
