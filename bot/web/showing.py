"""Shows pages to whoever is logged in: what every page has around it, and the way to the login for everybody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bot.domain.access import Access
from bot.domain.events import Role
from bot.flow import shapes
from bot.web.head import Head
from bot.web.identity import Unknown, session_of
from bot.web.queries import Queries
from bot.web.templating import Templates

ACTIVE = frozenset({"queued", "running"})
MEASURING = frozenset({"window", "time"})
"""What a waiting run goes on from by itself; for an approval it is a person who moves, and may be reading."""
REFRESH_SECONDS = 3

Shown = Callable[[Request, Access], Response]


class Showing:
    """The frame of every page."""

    def __init__(self, head: Head, queries: Queries, templates: Templates) -> None:
        self._head = head
        self._queries = queries
        self._templates = templates

    def with_login(self, page: Shown) -> Callable[[Request], Response]:
        """The page for those who are logged in; the others are led to the login."""

        def seen(request: Request) -> Response:
            access = session_of(request)
            if access is not None:
                return page(request, access)
            if request.headers.get("sec-fetch-site") == "cross-site":
                # A strict cookie does not come along with a link from a chat: the page asks for itself once more.
                return self._templates.page("bounce", {"address": str(request.url.path)})
            raise Unknown

        return seen

    def show(self, name: str, request: Request, access: Access, refresh: int | None = None, **facts: Any) -> Response:
        """A page with its frame; `refresh` in seconds where it is to load itself again."""
        everything = {
            **facts,
            "me": {"name": access.name, "role": str(access.role)},
            "may_operate": access.role.rank >= Role.OPERATOR.rank,
            "may_administer": access.role is Role.ADMIN,
            "csrf": access.csrf,
            "now": self._head.clock.now(),
            "path": request.url.path,
            "automation": self._queries.automation(),
            "decided": self._queries.decided(request.query_params.get("said")),
            "refresh": refresh,
            "refresh_is_off": request.query_params.get("refresh") == "off",
        }
        return self._templates.page(name, everything)


def refresh_of(request: Request, runs: list[shapes.RunView], *, is_awaited: bool = False) -> int | None:
    """Seconds until the page loads itself again, while something moves and nobody asked it to stand still."""
    moving = is_awaited or any(run["status"] in ACTIVE or run["waiting_for"] in MEASURING for run in runs)
    return REFRESH_SECONDS if moving and request.query_params.get("refresh") != "off" else None
