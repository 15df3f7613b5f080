"""The page of rights: who may do what about each service."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.domain.access import Access
from bot.web.api_account import rights_of_head
from bot.web.head import Head
from bot.web.showing import Showing


class RightsPage:
    """Server-rendered; a table whose rows are cards on a phone."""

    def __init__(self, head: Head, showing: Showing) -> None:
        self._head = head
        self._showing = showing

    def routes(self) -> list[Route]:
        """`/rights`, and `/rights?service=NAME`"""
        return [Route("/rights", self._showing.with_login(self.show))]

    def show(self, request: Request, access: Access) -> Response:
        """Of one service, or of all."""
        only = request.query_params.get("service") or None
        names = sorted(self._head.configuration.current.policies)
        view = rights_of_head(self._head, only)
        return self._showing.show("rights", request, access, rights=view, services=names, only=only or "")
