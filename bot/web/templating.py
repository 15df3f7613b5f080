"""Pages out of templates: autoescaped, undefined names are errors, times and states in one way everywhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.responses import Response

from bot.domain.times import parse_time

STATIC = Path(__file__).parent / "static"


class Templates:
    """The page templates of one folder, and the style sheet under an address that changes with it."""

    def __init__(self, folder: Path) -> None:
        self.style = (STATIC / "andon.css").read_bytes()
        self.style_address = f"/static/andon.css?v={hashlib.sha256(self.style).hexdigest()[:12]}"
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            when=when, moment=moment, lasted=lasted, until=until, words=words, pretty=pretty, figure=figure
        )
        self._environment.globals["style_address"] = self.style_address

    def page(
        self, name: str, facts: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """A page. What UTF-8 cannot encode shows as `?`."""
        text = self._environment.get_template(f"{name}.html.j2").render(facts)
        return Response(text.encode("utf-8", "replace"), status, headers, media_type="text/html")


def when(text: str | None) -> Markup:
    """A time for people: date, time to the second, UTC; the whole of it for machines."""
    if not text:
        return Markup('<span class="none">not yet</span>')
    at = parse_time(text)
    return Markup('<time datetime="{}">{}</time>').format(text, f"{at:%d %b %Y %H:%M:%S} UTC")


def moment(text: str | None) -> Markup:
    """Only the time of day, for lists that are about one day."""
    if not text:
        return Markup('<span class="none">–</span>')
    return Markup('<time datetime="{}">{}</time>').format(text, f"{parse_time(text):%H:%M:%S}")


def lasted(seconds: float | None) -> str:
    """Seconds as people say them: `0.42 s`, `12.3 s`, `4 min 05 s`, `2 h 10 min`."""
    if seconds is None:
        return "–"
    sign, size = ("−" if seconds < 0 else ""), abs(seconds)
    if size < 10:
        return f"{sign}{size:.2f} s"
    if size < 60:
        return f"{sign}{size:.1f} s"
    if size < 3600:
        return f"{sign}{int(size // 60)} min {int(size % 60):02d} s"
    if size < 86400:
        return f"{sign}{int(size // 3600)} h {int(size % 3600 // 60):02d} min"
    return f"{sign}{int(size // 86400)} d {int(size % 86400 // 3600)} h"


def until(start: str | None, end: str | None) -> str:
    """How long it was from one time to another."""
    return lasted((parse_time(end) - parse_time(start)).total_seconds()) if start and end else "–"


def words(name: str | None) -> str:
    """A state or an order as words: `rolling_back` reads `rolling back`."""
    return (name or "").replace("_", " ")


def pretty(value: Any) -> str:
    """JSON for reading."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def figure(value: float | None) -> str:
    """A measured number in at most six digits; `not measured` where there is none."""
    return "not measured" if value is None else f"{value:.6g}"
