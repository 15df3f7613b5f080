"""The badge of a service: how fast it restores and when that was proven, as an SVG without fonts or scripts."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape

from bot.domain.discipline import Verdict, spoken_age, spoken_span
from bot.domain.times import parse_time
from bot.flow.discipline_views import ServiceDiscipline

HEIGHT = 20
_PAD = 7
_SIZE = 11
_NARROW, _WIDE = frozenset("fijlrtI.,:;'|!() "), frozenset("mwMWGOQ@%")
_FONT = f'font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="{_SIZE}"'
_LEFT_COLOUR = "#3d4247"
_COLOURS: Mapping[Verdict, str] = {
    Verdict.PROVEN: "#1b6e3c",
    Verdict.TOO_SLOW: "#8a4b00",
    Verdict.FAILED: "#a1221b",
    Verdict.OVERDUE: "#a1221b",
    Verdict.NEVER_PROVEN: "#5d6368",
}
"""White text on any of them has a contrast of 5:1 or more (WCAG 2.2, 1.4.3 asks for 4.5:1)."""


@dataclass(frozen=True)
class Badge:
    """What it says: the part on the left, the part on the right, and the verdict that colours the right one."""

    left: str
    right: str
    verdict: Verdict

    @property
    def text(self) -> str:
        """The whole of it, for those who do not see it."""
        return f"{self.left}, {self.right}"


def badge_of(view: ServiceDiscipline, at: datetime) -> Badge:
    """What is said of a service."""
    verdict, proven, latest = Verdict(view["verdict"]), view["proven"], view["latest"]
    age = spoken_age(at - parse_time(proven["at"])) if proven else ""
    seconds = proven["seconds"] if proven else None
    left = f"restores in {spoken_span(seconds)}" if seconds is not None else "restoring"
    if verdict is Verdict.FAILED:
        when = spoken_age(at - parse_time(latest["at"])) if latest else ""
        return Badge("restoring", f"failed {when}".rstrip(), verdict)
    if verdict is Verdict.TOO_SLOW:
        slow = latest["seconds"] if latest and latest["seconds"] is not None else seconds
        left = f"restores in {spoken_span(slow)}" if slow is not None else left
        return Badge(left, f"too slow, agreed are {spoken_span(view['objective_seconds'])}", verdict)
    if verdict is Verdict.OVERDUE:
        return Badge(left, f"overdue, proven {age}" if age else "overdue, never proven", verdict)
    return NEVER if verdict is Verdict.NEVER_PROVEN else Badge(left, f"proven {age}", verdict)


NEVER = Badge("restoring", "never proven", Verdict.NEVER_PROVEN)
"""What is said where nothing is known."""


def draw(badge: Badge, service: str) -> bytes:
    """The SVG, UTF-8. Its width comes from the text; `textLength` keeps any font within it."""
    left, right = text_width(badge.left), text_width(badge.right)
    first, second = left + 2 * _PAD, right + 2 * _PAD
    title = escape(_clean(f"{service}: {badge.text}"))
    parts = (
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{first + second}" height="{HEIGHT}" '
            f'viewBox="0 0 {first + second} {HEIGHT}" role="img" aria-label="{title}">'
        ),
        f"<title>{title}</title>",
        f'<rect width="{first + second}" height="{HEIGHT}" rx="4" fill="{_LEFT_COLOUR}"/>',
        # The right part is square on its left: a path, because a clip would need an id that a page may have already.
        (
            f'<path d="M{first} 0h{second - 4}a4 4 0 0 1 4 4v{HEIGHT - 8}a4 4 0 0 1 -4 4h{4 - second}z" '
            f'fill="{_COLOURS[badge.verdict]}"/>'
        ),
        f'<g fill="#fff" {_FONT} text-anchor="middle" aria-hidden="true">',
        _text(badge.left, first / 2, left),
        _text(badge.right, first + second / 2, right),
        "</g></svg>",
    )
    return "".join(parts).encode()


def text_width(text: str) -> int:
    """Pixels of a text in 11 px Verdana, nearly: narrow, usual and wide letters; those of East Asia take two."""
    width = 0.0
    for one in text:
        if unicodedata.east_asian_width(one) in "FW":
            width += _SIZE
        elif unicodedata.combining(one) == 0:
            width += 4.2 if one in _NARROW else 10.0 if one in _WIDE else 7.0
    return round(width)


def _text(text: str, middle: float, width: int) -> str:
    shown = escape(_clean(text))
    return f'<text x="{middle:g}" y="14" textLength="{width}" lengthAdjust="spacingAndGlyphs">{shown}</text>'


def _clean(text: str) -> str:
    """Without what XML 1.0 cannot hold, or what nobody could see."""
    return "".join(one if one.isprintable() else " " for one in text)
