"""Draws a drill as inline SVG: its measured phases against its objective, readable without colour or script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from markupsafe import Markup

from bot.domain.times import parse_time
from bot.flow.drill_views import DrillDetail
from bot.web.templating import lasted

WIDTH, HEIGHT = 720, 96
LEFT, RIGHT, TOP, BAR = 8, 8, 26, 26
_NARROWEST = 34
"""A phase that is narrower carries no words."""
_SHADES = (0.16, 0.34)
_CLEANING = "ended"


def drill_bar(view: DrillDetail) -> Markup:
    """The `<svg>` of a drill, from the failure being there to its proof; a sentence where nothing was measured."""
    begun = view["injected_at"] or view["detected_at"]
    measured = [one for one in view["phases"] if begun and one["at"] >= begun and one["until"] != _CLEANING]
    if not begun or not measured:
        return Markup('<p class="dim">Nothing was measured yet.</p>')
    spans = [((parse_time(one["at"]) - parse_time(begun)).total_seconds(), one["seconds"]) for one in measured]
    longest = max(spans[-1][0] + spans[-1][1], view["objective_seconds"]) * 1.04 or 1.0

    def x(seconds: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * seconds / longest, 1)

    named = 'role="img" aria-labelledby="drill-bar-title drill-bar-desc"'
    parts = [
        f'<svg class="drill-bar" viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" {named}>',
        f'<title id="drill-bar-title">{escape(_title(view))}</title>',
        f'<desc id="drill-bar-desc">{escape(_words(view))}</desc>',
    ]
    for number, (phase, (start, seconds)) in enumerate(zip(measured, spans, strict=True)):
        parts += _phase(x(start), max(1.0, x(start + seconds) - x(start)), phase["until"], seconds, number)
    parts += _objective(x(view["objective_seconds"]), view)
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704 - every text in it was escaped


def _phase(x: float, width: float, until: str, seconds: float, number: int) -> Iterator[str]:
    shade = _SHADES[number % len(_SHADES)]
    yield f'<rect x="{x}" y="{TOP}" width="{round(width, 1)}" height="{BAR}" fill="currentColor" '
    yield f'fill-opacity="{shade}"><title>{escape(until)}: {escape(lasted(seconds))}</title></rect>'
    if width >= _NARROWEST:
        yield _text(x + 4, TOP + 17, until if width > len(until) * 7 else "…")
        yield _text(x + 4, TOP + BAR + 15, lasted(seconds))


def _objective(x: float, view: DrillDetail) -> Iterator[str]:
    yield f'<line class="drill-objective" x1="{x}" x2="{x}" y1="{TOP - 8}" y2="{TOP + BAR + 8}" '
    yield 'stroke="currentColor" stroke-width="2" stroke-dasharray="5 3"/>'
    anchor = "end" if x > WIDTH / 2 else "start"
    yield _text(x, TOP - 12, f"objective {lasted(view['objective_seconds'])}", anchor=anchor)
    if (seconds := view["seconds_to_restore"]) is not None:
        yield _text(LEFT, HEIGHT - 6, f"restored and verified after {lasted(seconds)}")


def _title(view: DrillDetail) -> str:
    return f"{view['playbook']} in {view['environment']}: {view['state']}"


def _words(view: DrillDetail) -> str:
    phases: Sequence[str] = [f"{one['since']} to {one['until']} {lasted(one['seconds'])}" for one in view["phases"]]
    return f"{'; '.join(phases)}. The objective is {lasted(view['objective_seconds'])}."


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return (
        f'<text x="{round(x, 1)}" y="{y}" text-anchor="{anchor}" font-size="11" fill="currentColor">'
        f"{escape(text)}</text>"
    )
