"""`/api/v1/services/{service}/live`: what is or was live, at any moment."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from bot.domain.errors import BadInput
from bot.domain.events import Actor, Role
from bot.domain.times import parse_time
from bot.flow.live_views import ServiceLive, service_live
from bot.web.answers import answer
from bot.web.head import Head
from bot.web.identity import requires
from bot.web.openapi import READ_ERRORS, ok
from bot.web.orders import named

live = APIRouter(prefix="/api/v1", responses=READ_ERRORS)

Viewer = Annotated[Actor, Depends(requires(Role.VIEWER))]
At = Annotated[
    str | None,
    Query(max_length=64, description="A moment such as `2026-01-31T23:59:59Z`; left out: now."),
]
Environment = Annotated[str | None, Query(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


@live.get("/services/{service}/live", tags=["services"], responses=ok(ServiceLive))
def show_live(_: Viewer, request: Request, service: str, at: At = None, environment: Environment = None) -> Response:
    """What is or was live, since when, how that is known, and whether it should be."""
    head: Head = request.app.state.head
    moment = parse_time(at) if at else None
    known, now = named(service, "service"), head.clock.now()
    if moment is not None and moment > now:
        raise BadInput(f"{at} is still to come", next="leave `at` out for what is live now")
    policy = head.configuration.current.policies.get(known)
    with head.store.read() as tx:
        if policy is None and tx.service(known) is None:
            head.configuration.current.policy(known)
        return answer(service_live(tx, known, policy, at=moment, environment=environment, now=now))
