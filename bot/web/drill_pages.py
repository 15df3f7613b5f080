"""The pages of drills: what is planned and what was proven, and one drill with its measured phases."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.domain.access import Access
from bot.domain.drills import DrillState
from bot.web.drill_bar import drill_bar
from bot.web.drill_desk import PAST, DrillQueries
from bot.web.queries import Page, Queries
from bot.web.showing import REFRESH_SECONDS, Showing

MOVING = frozenset(str(one) for one in DrillState if one.is_running)


class DrillPages:
    """Server-rendered, without scripts; what changes anything is a form (see page_orders)."""

    def __init__(self, drills: DrillQueries, queries: Queries, showing: Showing) -> None:
        self._drills = drills
        self._queries = queries
        self._showing = showing

    def routes(self) -> list[Route]:
        """The list, and one of it."""
        return [
            Route("/drills", self._showing.with_login(self.list)),
            Route("/drills/{id}", self._showing.with_login(self.drill)),
        ]

    def list(self, request: Request, access: Access) -> Response:
        """`/drills`, and `/drills?service=NAME`"""
        only = request.query_params.get("service") or None
        facts: dict[str, Any] = {
            "planned": self._drills.planned(only),
            "drills": self._drills.some(Page(30, request.query_params.get("before")), only, PAST),
            "services": self._drills.services(),
            "only": only or "",
            "people": self._queries.people_of_all(),
        }
        return self._showing.show("drills", request, access, **facts)

    def drill(self, request: Request, access: Access) -> Response:
        """`/drills/{id}`"""
        view = self._drills.one(request.path_params["id"])
        is_still = request.query_params.get("refresh") == "off" or view["state"] not in MOVING
        facts: dict[str, Any] = {
            "drill": view,
            "bar": drill_bar(view),
            "people": self._queries.people(view["service"]),
        }
        return self._showing.show("drill", request, access, None if is_still else REFRESH_SECONDS, **facts)
