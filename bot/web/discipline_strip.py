"""Draws the last restorations of a service as inline SVG: a bar each against the objective, readable without colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from markupsafe import Markup

from bot.domain.discipline import spoken_span
from bot.domain.times import parse_time
from bot.flow.discipline_views import AttemptView, ServiceDiscipline

HEIGHT = 60
_BAR, _GAP, _HEAD, _FOOT = 10, 4, 4, 2
_SLOTS = 12
WIDTH = _SLOTS * (_BAR + _GAP) + 4
_HIGHEST = 2.0
"""Times the objective: what took longer is drawn as high as this."""
_KINDS = {"drill": "drill", "rollback": "real rollback"}


def strip(one: ServiceDiscipline) -> Markup:
    """The `<svg>`; a word in its place where nothing was measured. The title says all of it in words."""
    recent = one["recent"]
    if not recent:
        return Markup('<span class="none">none measured</span>')
    words = escape(_words(one["service"], recent))
    parts = [
        f'<svg class="strip" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" ',
        f'aria-label="{words}"><title>{words}</title>',
        *_bars(recent),
        "</svg>",
    ]
    return Markup("".join(parts))  # noqa: S704 - every text in it was escaped


def _bars(recent: Sequence[AttemptView]) -> Iterator[str]:
    line = _y(1.0)
    for at, one in enumerate(recent):
        share = _share(one)
        top = _y(min(share, _HIGHEST))
        kind = "slow" if share > 1 else one["result"]
        height = HEIGHT - _FOOT - top
        x = 2 + at * (_BAR + _GAP)
        yield (
            f'<rect class="{kind} {one["how"]}" x="{x}" y="{top:g}" width="{_BAR}" height="{height:g}">'
            f"<title>{escape(_one(one))}</title></rect>"
        )
    yield f'<line class="agreed" x1="0" x2="{WIDTH}" y1="{line:g}" y2="{line:g}"/>'


def _y(share: float) -> float:
    room = HEIGHT - _HEAD - _FOOT
    return round(HEIGHT - _FOOT - max(0.04, share / _HIGHEST) * room, 1)


def _share(one: AttemptView) -> float:
    """Of its own objective, so that one line stands for all of them."""
    objective = one["objective_seconds"]
    return (one["seconds"] or 0.0) / objective if objective > 0 else _HIGHEST


def _one(one: AttemptView) -> str:
    took, agreed = spoken_span(one["seconds"] or 0.0), spoken_span(one["objective_seconds"])
    return f"{parse_time(one['at']):%d %b %Y}: {_KINDS[one['how']]}, {took} of {agreed}"


def _words(service: str, recent: Sequence[AttemptView]) -> str:
    return f"Last restorations of {service}, oldest first. {'; '.join(_one(one) for one in recent)}"
