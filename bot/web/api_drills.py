"""`/api/v1/drills` and the drill of a service: what was rehearsed, what is planned, and the orders about it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response
from typing_extensions import TypedDict

from bot.domain.drills import DrillState
from bot.domain.words import Word
from bot.flow.drill_views import DrillDetail, DrillView
from bot.web.answers import answer
from bot.web.api import OfService, Part, Viewer
from bot.web.bodies import body_of
from bot.web.desk import Operator
from bot.web.drill_bodies import DrillBody, MoveDrillBody, RunDrillBody, SkipDrillBody
from bot.web.drill_desk import DrillsAt
from bot.web.openapi import ORDER_ERRORS, OrderOnly, ok, takes
from bot.web.orders import Order

drills = APIRouter(prefix="/api/v1", responses=ORDER_ERRORS)


class Drills(TypedDict):
    items: list[DrillView]
    next: str | None


class DrillAnswer(DrillDetail, OrderOnly):
    """The drill after an order."""


@drills.get("/drills", tags=["drills"], responses=ok(Drills))
def list_drills(
    _: Viewer, desk: DrillsAt, page: Part, service: OfService = None, state: DrillState | None = None
) -> Response:
    """Drills, newest first: planned, under way, and over."""
    return answer(desk.queries.some(page, service, [state] if state else ()))


@drills.get("/drills/{drill_id}", tags=["drills"], responses=ok(DrillDetail))
def show_drill(_: Viewer, desk: DrillsAt, drill_id: str) -> Response:
    """One drill with every measured moment, and the seconds between them."""
    return answer(desk.queries.one(drill_id))


@drills.post(
    "/services/{service}/drill",
    tags=["drills"],
    status_code=202,
    responses=ok(DrillAnswer, 202),
    openapi_extra=takes(DrillBody),
)
def start_drill(
    who: Operator, desk: DrillsAt, service: str, body: Annotated[DrillBody, Depends(body_of(DrillBody))]
) -> Response:
    """Rehearse a way back now, away from production. Whoever asks while a drill goes on there joins it."""
    details = body.given("reason", "environment")
    details = {key: one for key, one in details.items() if one is not None}
    return desk.order(Order(Word.DRILL, service, body.reason, body.environment, details), who, 202)


@drills.post("/drills/{drill_id}/run", tags=["drills"], responses=ok(DrillAnswer), openapi_extra=takes(RunDrillBody))
def run_drill(
    who: Operator, desk: DrillsAt, drill_id: str, body: Annotated[RunDrillBody, Depends(body_of(RunDrillBody))]
) -> Response:
    """Carry out a planned drill at once: it takes the place of its slot."""
    return desk.order(Order(Word.RUN_DRILL, drill_id, body.reason), who)


@drills.post("/drills/{drill_id}/skip", tags=["drills"], responses=ok(DrillAnswer), openapi_extra=takes(SkipDrillBody))
def skip_drill(
    who: Operator, desk: DrillsAt, drill_id: str, body: Annotated[SkipDrillBody, Depends(body_of(SkipDrillBody))]
) -> Response:
    """Leave a planned drill out, with a reason that is kept."""
    return desk.order(Order(Word.SKIP_DRILL, drill_id, body.reason), who)


@drills.post("/drills/{drill_id}/move", tags=["drills"], responses=ok(DrillAnswer), openapi_extra=takes(MoveDrillBody))
def move_drill(
    who: Operator, desk: DrillsAt, drill_id: str, body: Annotated[MoveDrillBody, Depends(body_of(MoveDrillBody))]
) -> Response:
    """Start a planned drill at another time, before the next one of its schedule."""
    details = {"at": body.at, **({"zone": body.zone} if body.zone else {})}
    return desk.order(Order(Word.MOVE_DRILL, drill_id, body.reason, details=details), who)
