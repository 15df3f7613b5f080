"""The page of discipline: how fast every service restores, when that was proven, and what is to be mended."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.domain.access import Access
from bot.domain.discipline import spoken_age, spoken_span
from bot.domain.errors import BadInput
from bot.domain.times import parse_time
from bot.flow.discipline import DAYS, MOST_DAYS
from bot.flow.discipline_views import discipline_view
from bot.web.discipline_strip import strip
from bot.web.head import Head
from bot.web.showing import Showing

SPANS = (30, 90, 365)


class DisciplinePage:
    """Server-rendered, without scripts; it only shows."""

    def __init__(self, head: Head, showing: Showing) -> None:
        self._head = head
        self._showing = showing

    def routes(self) -> list[Route]:
        """The one page."""
        return [Route("/discipline", self._showing.with_login(self.page))]

    def page(self, request: Request, access: Access) -> Response:
        """`/discipline`, and `/discipline?days=N`"""
        days, now = _days(request.query_params.get("days")), self._head.clock.now()
        with self._head.store.read() as tx:
            view = discipline_view(tx, self._head.configuration.current.policies, now=now, days=days)
        facts: dict[str, Any] = {
            "discipline": view,
            "spans": SPANS,
            "strips": {one["service"]: strip(one) for one in view["services"]},
            "span": spoken_span,
            "age": lambda text: spoken_age(now - parse_time(text)),
        }
        return self._showing.show("discipline", request, access, **facts)


def _days(text: str | None) -> int:
    if text is None:
        return DAYS
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= MOST_DAYS):
        raise BadInput(f"The days to measure over are a number from 1 to {MOST_DAYS}")
    return int(text)
