"""The pages of releases: the list, and one release on its way through its stages."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.domain.access import Access
from bot.web.queries import Page, Queries
from bot.web.release_queries import ReleaseQueries
from bot.web.showing import Showing, refresh_of


class ReleasePages:
    """Server-rendered, without scripts; what changes anything is a form (see page_orders)."""

    def __init__(self, releases: ReleaseQueries, queries: Queries, showing: Showing) -> None:
        self._releases = releases
        self._queries = queries
        self._showing = showing

    def routes(self) -> list[Route]:
        """The list, and one of it."""
        return [
            Route("/releases", self._showing.with_login(self.list)),
            Route("/releases/{id}", self._showing.with_login(self.release)),
        ]

    def list(self, request: Request, access: Access) -> Response:
        """`/releases`, and `/releases?service=NAME`"""
        only = request.query_params.get("service") or None
        found = self._releases.some(Page(30, request.query_params.get("before")), only)
        facts: dict[str, Any] = {"releases": found, "services": self._releases.services(), "only": only or ""}
        return self._showing.show("releases", request, access, people=self._queries.people_of_all(), **facts)

    def release(self, request: Request, access: Access) -> Response:
        """`/releases/{id}`"""
        facts = self._releases.one(request.path_params["id"])
        people = self._queries.people(facts["release"]["service"])
        refresh = refresh_of(request, facts["runs"], is_awaited=bool(facts["release"]["wanted_by"]))
        return self._showing.show("release", request, access, refresh, people=people, overdue={}, **facts)
