"""Draws months as inline SVG: bars with a mark for the 90th percentile, readable on a phone and without colour."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

WIDTH, HEIGHT = 360, 180
LEFT, RIGHT, TOP, BOTTOM = 52, 6, 16, 22
_FOOT = HEIGHT - BOTTOM
_NAMESPACE = "http://www.w3.org/2000/svg"
_INK = 'stroke="currentColor" fill="none"'
_MOST_LABELS = 12
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Bar:
    """One month. No value: nothing is known of it, and no bar stands there. `mark` is a second value, drawn as line."""

    month: str
    value: float | None
    mark: float | None = None


def bar_plot(bars: Sequence[Bar], *, id: str, title: str, words: str, spoken: Callable[[float], str]) -> Markup | None:  # noqa: A002
    """The `<svg>`; None where no month has a value. `words` say what it shows, `spoken` writes a value at the axis."""
    values = [value for one in bars for value in (one.value, one.mark) if value is not None]
    if not values:
        return None
    top = max(values) or 1.0
    named = f'role="img" aria-labelledby="{escape(id)}-title {escape(id)}-desc"'
    parts = [
        f'<svg class="bars" viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" {named} xmlns="{_NAMESPACE}">',
        f'<title id="{escape(id)}-title">{escape(title)}</title>',
        f'<desc id="{escape(id)}-desc">{escape(words)}</desc>',
        *_axis(top, spoken),
        *_bars(bars, top),
        "</svg>",
    ]
    return Markup("".join(parts))  # noqa: S704 - every text in it was escaped


def _axis(top: float, spoken: Callable[[float], str]) -> Iterator[str]:
    for share in (0.0, 0.5, 1.0):
        y = _y(share * top, top)
        faint = "0.6" if share == 0 else "0.15"
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" {_INK} stroke-opacity="{faint}"/>'
        yield _text(LEFT - 5, y + 4, spoken(share * top), anchor="end")


def _bars(bars: Sequence[Bar], top: float) -> Iterator[str]:
    step = (WIDTH - LEFT - RIGHT) / len(bars)
    width = round(min(34.0, step * 0.62), 1)
    every = -(-len(bars) // _MOST_LABELS)
    for number, one in enumerate(bars):
        middle = round(LEFT + (number + 0.5) * step, 1)
        if number % every == 0:
            yield _text(middle, _FOOT + 15, _label(one.month, len(bars)), anchor="middle")
        if one.value is None:
            yield _text(middle, _FOOT - 4, "·", anchor="middle")
            continue
        y, left = _y(one.value, top), round(middle - width / 2, 1)
        height = round(max(1.0, _FOOT - y), 1)
        yield f'<rect class="bar" x="{left}" y="{round(_FOOT - height, 1)}" width="{width}" height="{height}"/>'
        if one.mark is not None:
            mark = _y(one.mark, top)
            yield f'<line class="whisker" x1="{middle}" x2="{middle}" y1="{y}" y2="{mark}" {_INK} stroke-width="1.5"/>'
            ends = f'x1="{round(middle - width / 3, 1)}" x2="{round(middle + width / 3, 1)}"'
            yield f'<line class="whisker" {ends} y1="{mark}" y2="{mark}" {_INK} stroke-width="2"/>'


def _label(month: str, count: int) -> str:
    year, _, number = month.partition("-")
    name = _MONTHS[int(number) - 1]
    return f"{name} {year[2:]}" if count <= _MOST_LABELS // 2 or (number == "01" and count <= _MOST_LABELS) else name


def _y(value: float, top: float) -> float:
    return round(_FOOT - min(value, top) / top * (_FOOT - TOP), 1)


def _text(x: float, y: float, text: str, *, anchor: str) -> str:
    place = f'x="{round(x, 1)}" y="{round(y, 1)}" text-anchor="{anchor}"'
    return f'<text {place} font-size="11" fill="currentColor">{escape(text)}</text>'
