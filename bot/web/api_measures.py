"""`/api/v1/measures`: the measures of the process."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from bot.domain.events import Actor, Role
from bot.flow.measure_shapes import MeasuresView
from bot.flow.measure_views import Wanted, measured, teams_of
from bot.web.answers import answer
from bot.web.head import Head
from bot.web.identity import requires
from bot.web.openapi import READ_ERRORS, ok

measures = APIRouter(prefix="/api/v1", responses=READ_ERRORS)

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
Viewer = Annotated[Actor, Depends(requires(Role.VIEWER))]
Name = Annotated[str | None, Query(max_length=100, pattern=NAME)]
First = Annotated[
    str | None, Query(alias="from", max_length=7, description="A month such as `2026-01`; left out: six months in all.")
]
Last = Annotated[
    str | None, Query(alias="to", max_length=7, description="The last month, by UTC; left out: the present one.")
]


@measures.get("/measures", tags=["measures"], responses=ok(MeasuresView))
def show_measures(
    _: Viewer,
    request: Request,
    service: Name = None,
    team: Name = None,
    first: First = None,
    last: Last = None,
    environment: Name = None,
) -> Response:
    """Times, frequencies and rates of the process, computed from the record: in all, by month, service and team."""
    head: Head = request.app.state.head
    teams = teams_of(head.configuration.current.policies)
    wanted = Wanted(service, team, first, last, environment)
    return answer(measured(head.store, teams, wanted, head.clock.now()))
