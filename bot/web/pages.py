"""The pages: services and incidents, one incident, one run, one service, events. Nothing without a login."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.domain.access import Access
from bot.domain.events import Disposition
from bot.web.axis import axis_of
from bot.web.briefing import Briefings
from bot.web.discipline_page import DisciplinePage
from bot.web.drill_desk import PAST, DrillQueries
from bot.web.drill_pages import DrillPages
from bot.web.head import Head
from bot.web.incident_page import arranged
from bot.web.measure_pages import MeasurePages
from bot.web.postmortem_pages import PostmortemPages
from bot.web.postmortem_queries import PostmortemQueries
from bot.web.queries import Page, Queries
from bot.web.release_pages import ReleasePages
from bot.web.release_queries import ReleaseQueries
from bot.web.showing import Showing, refresh_of
from bot.web.templating import Templates


class Pages:
    """Server-rendered, without scripts; what changes anything is a form (see page_orders)."""

    def __init__(self, head: Head, queries: Queries, templates: Templates, accounts: PostmortemQueries) -> None:
        self._accounts = accounts
        self._head = head
        self._queries = queries
        self._templates = templates
        self._releases = ReleaseQueries(head)
        self._drills = DrillQueries(head)
        self._showing = Showing(head, queries, templates)
        self._briefings = Briefings(head)

    def routes(self) -> list[Route]:
        """Everything that can be looked at in a browser."""
        return [
            Route("/", self._showing.with_login(self.overview)),
            Route("/incidents", lambda _: RedirectResponse("/#incidents", 303)),
            Route("/incidents/{id}", self._showing.with_login(self.incident)),
            Route("/services", lambda _: RedirectResponse("/#services", 303)),
            Route("/services/{id}", self._showing.with_login(self.service)),
            Route("/runs/{id}", self._showing.with_login(self.run)),
            Route("/events", self._showing.with_login(self.events)),
            Route("/events/{id}", self._showing.with_login(self.event)),
            Route("/static/andon.css", self.style),
            *DisciplinePage(self._head, self._showing).routes(),
            *ReleasePages(self._releases, self._queries, self._showing).routes(),
            *DrillPages(self._drills, self._queries, self._showing).routes(),
            *MeasurePages(self._head, self._showing).routes(),
            *PostmortemPages(self._accounts, self._queries, self._showing).routes(),
        ]

    async def style(self, _: Request) -> Response:
        """The style sheet; its address changes with it, so it may be kept."""
        kept = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(self._templates.style, headers=kept, media_type="text/css")

    def overview(self, request: Request, access: Access) -> Response:
        """`/`"""
        before = request.query_params.get("before")
        services = self._queries.services(Page(200))
        incidents = self._queries.incidents(Page(30, before), None, None)
        facts: dict[str, Any] = {
            "services": services["items"],
            "incidents": incidents,
            "people": self._queries.people_of_all(),
            "overdue": self._queries.overdue(incidents),
        }
        return self._showing.show("overview", request, access, **facts)

    def incident(self, request: Request, access: Access) -> Response:
        """`/incidents/{id}`"""
        view = self._queries.incident(request.path_params["id"])
        facts = {
            "incident": view,
            "service": self._queries.service(view["service"]),
            "axis": axis_of(view, self._head.clock.now()),
            "people": self._queries.people(view["service"]),
            "briefing": self._briefings.of(view["id"]),
            "release_verdict": self._releases.verdict(view["release"]["id"] if view["release"] else None),
            **arranged(view),
        }
        return self._showing.show("incident", request, access, refresh_of(request, view["runs"]), **facts)

    def run(self, request: Request, access: Access) -> Response:
        """`/runs/{id}`"""
        view = self._queries.run(request.path_params["id"])
        return self._showing.show("run", request, access, refresh_of(request, [view]), run=view)

    def service(self, request: Request, access: Access) -> Response:
        """`/services/{name}`"""
        view = self._queries.service(request.path_params["id"])
        incidents = self._queries.incidents(Page(20), view["service"], None)
        runs = self._queries.runs(Page(10), view["service"], None)
        facts: dict[str, Any] = {
            "service": view,
            "incidents": incidents,
            "runs": runs["items"],
            "planned_drills": self._drills.planned(view["service"]),
            "last_drills": self._drills.some(Page(5), view["service"], PAST)["items"],
            "people": self._queries.people(view["service"]),
            "overdue": self._queries.overdue(incidents),
            "release_verdict": self._releases.verdict(view["release"]["id"] if view["release"] else None),
        }
        return self._showing.show("service", request, access, **facts)

    def events(self, request: Request, access: Access) -> Response:
        """`/events`, and `/events?only=dead_letter`"""
        only = request.query_params.get("only")
        wanted = Disposition(only) if only in set(Disposition) else None
        found = self._queries.events(Page(50, request.query_params.get("before")), wanted)
        return self._showing.show("events", request, access, events=found, only=str(wanted or ""))

    def event(self, request: Request, access: Access) -> Response:
        """`/events/{id}`"""
        return self._showing.show("event", request, access, event=self._queries.event(request.path_params["id"]))
