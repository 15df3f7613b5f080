"""`/api/v1`: files that are evidence of an incident, kept under the digest of their content."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from bot.domain.attachments import MOST_BYTES
from bot.web.api_minutes import Asked, Viewer
from bot.web.bodies import read_capped
from bot.web.desk import At, Operator
from bot.web.openapi import ORDER_ERRORS, READ_ERRORS, IncidentAnswer, OrderOnly, ok, problem_answer

giving = APIRouter(prefix="/api/v1", responses=ORDER_ERRORS)
fetching = APIRouter(prefix="/api/v1", responses=READ_ERRORS)


async def _file_of(request: Request) -> bytes:
    return await read_capped(request, MOST_BYTES)


_BYTES = {"schema": {"type": "string", "format": "binary"}}


@giving.post(
    "/incidents/{incident_id}/files",
    tags=["incidents"],
    responses={**ok(IncidentAnswer | OrderOnly), 413: problem_answer("The file is larger than 5 MiB.")},
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": _BYTES}}},
)
def attach(
    who: Operator,
    desk: At,
    incident_id: str,
    content: Annotated[bytes, Depends(_file_of)],
    name: Annotated[str, Query(max_length=200, description="Of the file, as it is shown.")] = "file",
) -> Response:
    """Attach a file as evidence. It is kept under the SHA-256 of its content; the same content counts once."""
    return desk.attach(incident_id, name, content, who)


@fetching.get(
    "/incidents/{incident_id}/files/{sha256}",
    tags=["incidents"],
    responses={200: {"description": "The file.", "content": {"application/octet-stream": _BYTES}}},
    response_class=Response,
)
def show_file(
    _: Viewer,
    asked: Asked,
    incident_id: str,
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="Of its content.")],
) -> Response:
    """An attached file as it came in: always as a download, never shown, whatever it claims to be."""
    name, content = asked.file(incident_id, sha256)
    named = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return Response(content, headers=named, media_type="application/octet-stream")
