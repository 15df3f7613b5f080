"""The page of a postmortem: the account as one document, with a place to write under each section."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.domain.access import Access
from bot.domain.events import Role
from bot.web.postmortem_queries import PostmortemQueries, lines_of_diff
from bot.web.queries import Queries
from bot.web.showing import Showing


class PostmortemPages:
    """Server-rendered, without scripts; what changes anything is a form (see page_orders)."""

    def __init__(self, postmortems: PostmortemQueries, queries: Queries, showing: Showing) -> None:
        self._postmortems = postmortems
        self._queries = queries
        self._showing = showing

    def routes(self) -> list[Route]:
        """One page for each incident."""
        return [Route("/incidents/{id}/postmortem", self._showing.with_login(self.postmortem))]

    def postmortem(self, request: Request, access: Access) -> Response:
        """`/incidents/{id}/postmortem`"""
        view = self._postmortems.one(request.path_params["id"])
        parts = self._postmortems.parts(view)
        known = {title for title, _ in parts}
        facts: dict[str, Any] = {
            "postmortem": view,
            "parts_of_document": parts,
            "by_title": {one["title"]: one for one in view["sections"]},
            "others": [one for one in view["sections"] if one["title"] not in known],
            "lessons": [{**one, "lines": lines_of_diff(one["diff"])} for one in view["lessons"]],
            "suggestions": [{**one, "lines": lines_of_diff(one["diff"])} for one in view["draft"]["suggestions"]],
            "people": self._queries.people(view["service"]),
            "may_write": access.role.rank >= Role.OPERATOR.rank and view["state"] != "reviewed",
        }
        return self._showing.show("postmortem", request, access, **facts)
