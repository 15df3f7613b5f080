"""`/api/v1/discipline` and `/badge/{service}.svg`: for each service, how long a restoration takes as measured."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from bot.domain.errors import NotFound
from bot.domain.events import Actor, Role
from bot.flow.discipline import DAYS, MOST_DAYS
from bot.flow.discipline_views import Discipline, discipline_view
from bot.ports import Transaction
from bot.web.answers import answer
from bot.web.badge import NEVER, Badge, badge_of, draw
from bot.web.head import Head
from bot.web.identity import requires
from bot.web.openapi import READ_ERRORS, Responses, ok
from bot.web.orders import named

discipline = APIRouter(responses=READ_ERRORS)

Viewer = Annotated[Actor, Depends(requires(Role.VIEWER))]
Days = Annotated[int, Query(ge=1, le=MOST_DAYS, description="Measure over so many days.")]
Only = Annotated[str | None, Query(max_length=64, description="Only this service.")]

_SVG = "image/svg+xml"
_PICTURE: Responses = {
    200: {"description": "The badge.", "content": {_SVG: {"schema": {"type": "string"}}}},
    304: {"description": "It is still the one that `If-None-Match` names."},
}


@discipline.get("/api/v1/discipline", tags=["discipline"], responses=ok(Discipline))
def show_discipline(_: Viewer, request: Request, days: Days = DAYS, service: Only = None) -> Response:
    """How long a restoration takes, when that was proven last, whether a person was needed, and what is overdue."""
    head: Head = request.app.state.head
    policies, now = head.configuration.current.policies, head.clock.now()
    with head.store.read() as tx:
        if service is not None and not _is_known(tx, head, named(service, "service")):
            raise NotFound(f"No service {service}", next="the list of services shows those there are")
        return answer(discipline_view(tx, policies, now=now, days=days, service=service))


def badge_reader(request: Request) -> None:
    """Anybody where badges are public; else a viewer."""
    head: Head = request.app.state.head
    if not head.settings.public_badges:
        _VIEWER(request)


_VIEWER = requires(Role.VIEWER)


@discipline.get(
    "/badge/{service}.svg",
    tags=["discipline"],
    response_class=Response,
    responses=_PICTURE,
    dependencies=[Depends(badge_reader)],
)
def show_badge(request: Request, service: str) -> Response:
    """How fast a service restores and when that was proven, as a picture for a README. Needs a viewer's token or a
    login, unless badges are public: then a service that nobody knows looks like one that was never proven."""
    head: Head = request.app.state.head
    is_public = head.settings.public_badges
    badge, name = _badge(head, service, is_public=is_public)
    drawn = draw(badge, name)
    tag = f'"{hashlib.sha256(drawn).hexdigest()[:32]}"'
    headers = {"Cache-Control": "no-cache", "ETag": tag}
    if is_public:
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    else:
        headers["Vary"] = "Authorization, Cookie"
    if _has_it(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(drawn, headers=headers, media_type=_SVG)


def _badge(head: Head, service: str, *, is_public: bool) -> tuple[Badge, str]:
    try:
        name = named(service, "service")
    except NotFound:
        if not is_public:
            raise
        return NEVER, "service"
    now = head.clock.now()
    with head.store.read() as tx:
        if not is_public and not _is_known(tx, head, name):
            raise NotFound(f"No service {name}", next="the list of services shows those there are")
        view = discipline_view(tx, head.configuration.current.policies, now=now, service=name)
    return badge_of(view["services"][0], now), name


def _is_known(tx: Transaction, head: Head, name: str) -> bool:
    return name in head.configuration.current.policies or tx.service(name) is not None


def _has_it(header: str, tag: str) -> bool:
    """RFC 9110, 13.1.2: a weak comparison with each of the tags, or `*`."""
    known = [one.strip().removeprefix("W/") for one in header.split(",")]
    return tag in known or "*" in known
