"""The page of the measures of the process: drawings by month, tables beside them, and links that narrow it down."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.domain.access import Access
from bot.flow.measure_views import Wanted, measured, teams_of
from bot.web.head import Head
from bot.web.measure_charts import charts, percent
from bot.web.orders import named
from bot.web.showing import Showing

_FIELDS = ("service", "team", "from", "to", "environment")


class MeasurePages:
    """Server-rendered, without scripts; the filter is a form that is sent as a plain address."""

    def __init__(self, head: Head, showing: Showing) -> None:
        self._head = head
        self._showing = showing

    def routes(self) -> list[Route]:
        """The one page."""
        return [Route("/measures", self._showing.with_login(self.measures))]

    def measures(self, request: Request, access: Access) -> Response:
        """`/measures?service=NAME&team=NAME&from=2026-01&to=2026-06&environment=NAME`, all optional"""
        asked = {name: request.query_params.get(name) or None for name in _FIELDS}
        service = named(asked["service"], "service") if asked["service"] else None
        wanted = Wanted(service, asked["team"], asked["from"], asked["to"], asked["environment"])
        teams = teams_of(self._head.configuration.current.policies)
        view: dict[str, Any] = dict(measured(self._head.store, teams, wanted, self._head.clock.now()))
        with self._head.store.read() as tx:
            services = sorted({*teams, *(one.name for one in tx.services())})

        def address(**changed: str | None) -> str:
            values = {name: value for name, value in {**asked, **changed}.items() if value}
            return f"/measures?{urlencode(values)}" if values else "/measures"

        facts: dict[str, Any] = {
            "view": view,
            "charts": charts(view["months"]),
            "services": services,
            "teams": sorted({team for team in teams.values() if team}),
            "address": address,
            "percent": percent,
        }
        return self._showing.show("measures", request, access, **facts)
