"""`/api/v1`: every order a person can give."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from bot.domain.words import Word
from bot.flow import shapes
from bot.web.bodies import body_of
from bot.web.desk import Admin, At, Operator
from bot.web.openapi import ORDER_ERRORS, IncidentAnswer, OrderOnly, RunAnswer, ServiceAnswer, ok, takes
from bot.web.order_bodies import (
    AutomationBody,
    HaltBody,
    HandsOffBody,
    LiftBody,
    NoBody,
    PlanBody,
    ReasonBody,
    RollbackBody,
    RunBody,
)
from bot.web.orders import EVERYTHING, Order

orders = APIRouter(prefix="/api/v1", responses=ORDER_ERRORS)

AboutRun = Annotated[RunBody, Depends(body_of(RunBody))]


@orders.post(
    "/services/{service}/halt",
    tags=["services"],
    responses=ok(IncidentAnswer | OrderOnly),
    openapi_extra=takes(HaltBody),
)
def halt(who: Operator, desk: At, service: str, body: Annotated[HaltBody, Depends(body_of(HaltBody))]) -> Response:
    """Freeze promotion at once. A rollback that runs is never interrupted; the halt ends only by `lift`."""
    details = body.given("reason", "environment")
    return desk.about_incident(Order(Word.HALT, service, body.reason, body.environment, details), who)


@orders.post("/services/{service}/lift", tags=["services"], responses=ok(ServiceAnswer), openapi_extra=takes(LiftBody))
def lift(who: Admin, desk: At, service: str, body: Annotated[LiftBody, Depends(body_of(LiftBody))]) -> Response:
    """End a halt."""
    return desk.about_service(Order(Word.LIFT, service, body.reason, body.environment), who)


@orders.post(
    "/services/{service}/hands-off", tags=["services"], responses=ok(ServiceAnswer), openapi_extra=takes(HandsOffBody)
)
def hands_off(
    who: Admin, desk: At, service: str, body: Annotated[HandsOffBody, Depends(body_of(HandsOffBody))]
) -> Response:
    """Pause automation for one service; people still can halt and roll back."""
    details = body.given("reason")
    return desk.about_service(Order(Word.HANDS_OFF, service, body.reason, details=details), who)


@orders.post(
    "/services/{service}/rollback",
    tags=["services"],
    status_code=202,
    responses=ok(RunAnswer | OrderOnly, 202),
    openapi_extra=takes(RollbackBody),
)
def rollback(
    who: Operator, desk: At, service: str, body: Annotated[RollbackBody, Depends(body_of(RollbackBody))]
) -> Response:
    """Ask for a rollback. It waits for the approval of another member of the role that the policy names."""
    details = body.given("reason", "environment")
    return desk.about_run(Order(Word.ROLLBACK, service, body.reason, body.environment, details), who, 202)


@orders.post("/automation", tags=["services"], responses=ok(shapes.AutomationView), openapi_extra=takes(AutomationBody))
def automation(who: Admin, desk: At, body: Annotated[AutomationBody, Depends(body_of(AutomationBody))]) -> Response:
    """Switch all automation off or on."""
    return desk.automation(Order(Word.AUTOMATION, EVERYTHING, body.reason, details={"on": body.on}), who)


@orders.post(
    "/runs/{run_id}/approve", tags=["runs"], responses=ok(RunAnswer | OrderOnly), openapi_extra=takes(PlanBody)
)
def approve(who: Operator, desk: At, run_id: str, body: Annotated[PlanBody, Depends(body_of(PlanBody))]) -> Response:
    """Say yes to exactly the plan that `plan_hash` names."""
    return desk.about_run(_of_run(Word.APPROVE, run_id, body), who)


@orders.post("/runs/{run_id}/reject", tags=["runs"], responses=ok(RunAnswer | OrderOnly), openapi_extra=takes(RunBody))
def reject(who: Operator, desk: At, run_id: str, body: AboutRun) -> Response:
    """Say no; the run is cancelled."""
    return desk.about_run(_of_run(Word.REJECT, run_id, body), who)


@orders.post("/runs/{run_id}/cancel", tags=["runs"], responses=ok(RunAnswer | OrderOnly), openapi_extra=takes(RunBody))
def cancel(who: Operator, desk: At, run_id: str, body: AboutRun) -> Response:
    """End a run; what it did stays done."""
    return desk.about_run(_of_run(Word.CANCEL, run_id, body), who)


@orders.post("/runs/{run_id}/retry", tags=["runs"], responses=ok(RunAnswer | OrderOnly), openapi_extra=takes(RunBody))
def retry(who: Operator, desk: At, run_id: str, body: AboutRun) -> Response:
    """Perform the step that stopped once more."""
    return desk.about_run(_of_run(Word.RETRY, run_id, body), who)


@orders.post("/runs/{run_id}/done", tags=["runs"], responses=ok(RunAnswer | OrderOnly), openapi_extra=takes(RunBody))
def done(who: Operator, desk: At, run_id: str, body: AboutRun) -> Response:
    """Say that the step that stopped is done; its check must agree."""
    return desk.about_run(_of_run(Word.DONE, run_id, body), who)


@orders.post("/runs/{run_id}/undo", tags=["runs"], responses=ok(RunAnswer | OrderOnly), openapi_extra=takes(RunBody))
def undo(who: Operator, desk: At, run_id: str, body: AboutRun) -> Response:
    """Take back, in reverse order, what acted and declares how."""
    return desk.about_run(_of_run(Word.UNDO, run_id, body), who)


@orders.post(
    "/runs/{run_id}/take-over", tags=["runs"], responses=ok(RunAnswer | OrderOnly), openapi_extra=takes(RunBody)
)
def take_over(who: Operator, desk: At, run_id: str, body: AboutRun) -> Response:
    """A person goes on by hand; the run touches nothing any more."""
    return desk.about_run(_of_run(Word.TAKE_OVER, run_id, body), who)


@orders.post(
    "/incidents/{incident_id}/resolve",
    tags=["incidents"],
    responses=ok(IncidentAnswer | OrderOnly),
    openapi_extra=takes(ReasonBody),
)
def resolve(
    who: Operator, desk: At, incident_id: str, body: Annotated[ReasonBody, Depends(body_of(ReasonBody))]
) -> Response:
    """Close an incident, with a reason."""
    return desk.about_incident(Order(Word.RESOLVE, incident_id, body.reason), who)


@orders.post(
    "/incidents/{incident_id}/endorse",
    tags=["incidents"],
    responses=ok(IncidentAnswer | OrderOnly),
    openapi_extra=takes(ReasonBody),
)
def endorse(
    who: Operator, desk: At, incident_id: str, body: Annotated[ReasonBody, Depends(body_of(ReasonBody))]
) -> Response:
    """Accept the restored state."""
    return desk.about_incident(Order(Word.ENDORSE, incident_id, body.reason), who)


@orders.post("/events/{event_id}/replay", tags=["events"], responses=ok(shapes.OrderView), openapi_extra=takes(NoBody))
def replay(who: Admin, desk: At, event_id: str, _: Annotated[NoBody, Depends(body_of(NoBody))]) -> Response:
    """Take a dead letter once more."""
    return desk.replay(event_id, who)


def _of_run(word: Word, run_id: str, body: PlanBody | RunBody) -> Order:
    details = {"plan_hash": body.plan_hash} if body.plan_hash else {}
    return Order(word, run_id, body.reason or "", details=details)
