"""`/api/v1`: releases, their gates and evidence."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response
from typing_extensions import TypedDict

from bot.domain.words import Word
from bot.flow.evidence_desk import MEDIA, MOST_BYTES, Pushed
from bot.flow.release_shapes import EvidenceView, GateAnswer, ReleaseDetail
from bot.flow.shapes import ReleaseView
from bot.web.answers import answer
from bot.web.api import Part, Viewer
from bot.web.bodies import body_of, read_capped
from bot.web.desk import Operator
from bot.web.openapi import ORDER_ERRORS, READ_ERRORS, OrderOnly, ok, problem_answer, takes
from bot.web.order_bodies import ReasonBody
from bot.web.orders import Order
from bot.web.release_bodies import (
    AbandonBody,
    PromoteBody,
    ReleaseBody,
    RetrospectiveBody,
    SecondBody,
    SignBody,
)
from bot.web.release_desk import ReleasesAt

MANIFEST_CAP = 1024 * 1024 + 64 * 1024
release_reads = APIRouter(prefix="/api/v1", responses=READ_ERRORS)
release_orders = APIRouter(prefix="/api/v1", responses=ORDER_ERRORS)
_BYTES = {"schema": {"type": "string", "format": "binary"}}


class Releases(TypedDict):
    items: list[ReleaseView]
    next: str | None


class ReleaseAnswer(ReleaseDetail, OrderOnly):
    """The release after an order."""


@release_reads.get("/releases", tags=["releases"], responses=ok(Releases))
def list_releases(_: Viewer, desk: ReleasesAt, page: Part, service: str | None = None) -> Response:
    """Releases, newest first."""
    return answer(desk.list(page, service))


@release_reads.get("/releases/{release_id}", tags=["releases"], responses=ok(ReleaseDetail))
def show_release(_: Viewer, desk: ReleasesAt, release_id: str) -> Response:
    """A release with its stages, the newest verdict of each gate, its manifest, evidence and signatures."""
    return answer(desk.show(release_id))


@release_reads.get("/services/{service}/gate", tags=["releases"], responses=ok(GateAnswer))
def show_gate(_: Viewer, desk: ReleasesAt, service: str) -> Response:
    """`pass`, `fail` or `unknown`, as the gates of the present stage are known. A halted service answers `fail`."""
    return answer(desk.gate(service))


@release_reads.get(
    "/releases/{release_id}/evidence/{evidence_id}",
    tags=["releases"],
    responses={200: {"description": "The evidence.", "content": {"application/octet-stream": _BYTES}}},
    response_class=Response,
)
def show_evidence(_: Viewer, desk: ReleasesAt, release_id: str, evidence_id: str) -> Response:
    """Evidence as it came in: always as a download, never shown, whatever it claims to be."""
    name, _media, content = desk.evidence(release_id, evidence_id)
    shown = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return Response(content, headers=shown, media_type="application/octet-stream")


@release_orders.post(
    "/releases",
    tags=["releases"],
    status_code=201,
    responses=ok(ReleaseAnswer, 201),
    openapi_extra=takes(ReleaseBody),
)
def start(
    who: Operator, desk: ReleasesAt, body: Annotated[ReleaseBody, Depends(body_of(ReleaseBody, MANIFEST_CAP))]
) -> Response:
    """Start a release: the stages and gates of the policy that is in force now hold until its end."""
    details = body.given("reason", "service")
    return desk.order(Order(Word.RELEASE_START, body.service, body.reason, details=details), who, 201)


@release_orders.post(
    "/releases/{release_id}/promote",
    tags=["releases"],
    status_code=202,
    responses=ok(ReleaseAnswer, 202),
    openapi_extra=takes(PromoteBody),
)
def promote(
    who: Operator, desk: ReleasesAt, release_id: str, body: Annotated[PromoteBody, Depends(body_of(PromoteBody))]
) -> Response:
    """Ask to go on. 409 with the verdicts where a gate is known not to pass; no role passes a gate."""
    return desk.order(Order(Word.PROMOTE, release_id, body.reason), who, 202)


@release_orders.post(
    "/releases/{release_id}/sign", tags=["releases"], responses=ok(ReleaseAnswer), openapi_extra=takes(SignBody)
)
def sign(
    who: Operator, desk: ReleasesAt, release_id: str, body: Annotated[SignBody, Depends(body_of(SignBody))]
) -> Response:
    """Sign an item of the readiness checklist, or acknowledge the brief of an audience."""
    return desk.order(Order(Word.SIGN, release_id, body.reason, details=body.given("reason")), who)


@release_orders.post(
    "/releases/{release_id}/unsign", tags=["releases"], responses=ok(ReleaseAnswer), openapi_extra=takes(SignBody)
)
def unsign(
    who: Operator, desk: ReleasesAt, release_id: str, body: Annotated[SignBody, Depends(body_of(SignBody))]
) -> Response:
    """Take a signature of one's own back."""
    return desk.order(Order(Word.UNSIGN, release_id, body.reason, details=body.given("reason")), who)


@release_orders.post(
    "/releases/{release_id}/second", tags=["releases"], responses=ok(ReleaseAnswer), openapi_extra=takes(SecondBody)
)
def second(
    who: Operator, desk: ReleasesAt, release_id: str, body: Annotated[SecondBody, Depends(body_of(SecondBody))]
) -> Response:
    """Stand for an emergency as its second person."""
    return desk.order(Order(Word.SECOND, release_id, body.reason), who)


@release_orders.post(
    "/releases/{release_id}/abandon", tags=["releases"], responses=ok(ReleaseAnswer), openapi_extra=takes(AbandonBody)
)
def abandon(
    who: Operator, desk: ReleasesAt, release_id: str, body: Annotated[AbandonBody, Depends(body_of(AbandonBody))]
) -> Response:
    """Give a release up that is not live yet."""
    return desk.order(Order(Word.ABANDON, release_id, body.reason), who)


@release_orders.post(
    "/releases/{release_id}/endorse", tags=["releases"], responses=ok(ReleaseAnswer), openapi_extra=takes(ReasonBody)
)
def endorse(
    who: Operator, desk: ReleasesAt, release_id: str, body: Annotated[ReasonBody, Depends(body_of(ReasonBody))]
) -> Response:
    """Accept a candidate that is live and was watched: from now on a rollback may restore it."""
    return desk.order(Order(Word.RELEASE_ENDORSE, release_id, body.reason), who)


@release_orders.post(
    "/releases/{release_id}/retrospective",
    tags=["releases"],
    responses=ok(ReleaseAnswer),
    openapi_extra=takes(RetrospectiveBody),
)
def retrospective(
    who: Operator,
    desk: ReleasesAt,
    release_id: str,
    body: Annotated[RetrospectiveBody, Depends(body_of(RetrospectiveBody))],
) -> Response:
    """Write the retrospective of an emergency, or link to it."""
    return desk.order(Order(Word.RETROSPECTIVE, release_id, body.reason), who)


async def _content_of(request: Request) -> bytes:
    return await read_capped(request, MOST_BYTES)


@release_orders.post(
    "/releases/{release_id}/evidence",
    tags=["releases"],
    status_code=201,
    responses={**ok(EvidenceView, 201), 413: problem_answer("The evidence is larger than 32 MiB.")},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": dict.fromkeys(MEDIA, _BYTES),
        }
    },
)
def push(
    request: Request,
    who: Operator,
    desk: ReleasesAt,
    release_id: str,
    content: Annotated[bytes, Depends(_content_of)],
    name: Annotated[str, Query(max_length=100, description="What gates call it.")],
    about: Literal["candidate", "incumbent"] = "candidate",
    version: Annotated[str, Query(max_length=200, description="The version that it is about.")] = "",
) -> Response:
    """Push evidence about a release (its id, or the name of its service). It is kept raw, and the gates look at it."""
    media = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    return answer(desk.keep(Pushed(release_id, name, media, content, about, version), who), 201)
