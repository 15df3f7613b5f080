"""`/api/v1/releases/{id}/bundle` and `/api/v1/incidents/{id}/bundle`: everything about one of them, signed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from bot.domain.bundles import BundleKind
from bot.domain.events import Actor, Role
from bot.web.head import Head
from bot.web.identity import requires
from bot.web.openapi import READ_ERRORS, Responses
from bot.web.orders import named

bundles = APIRouter(prefix="/api/v1", responses=READ_ERRORS)

Viewer = Annotated[Actor, Depends(requires(Role.VIEWER))]
_ZIP = "application/zip"
_CHUNK = 256 * 1024
_BUNDLE: Responses = {
    200: {
        "description": "A zip of a signed bag (BagIt 1.0): `andon bundle verify` checks it.",
        "content": {_ZIP: {"schema": {"type": "string", "format": "binary"}}},
    }
}


@bundles.get("/incidents/{incident_id}/bundle", tags=["incidents"], responses=_BUNDLE, response_class=Response)
def incident_bundle(who: Viewer, request: Request, incident_id: str) -> Response:
    """Everything that is recorded of an incident, as one signed file. The same record gives the same bytes."""
    return _bundle(request, BundleKind.INCIDENT, named(incident_id, "incident"), who)


@bundles.get("/releases/{release_id}/bundle", tags=["releases"], responses=_BUNDLE, response_class=Response)
def release_bundle(who: Viewer, request: Request, release_id: str) -> Response:
    """Everything that is recorded of a release, as one signed file. The same record gives the same bytes."""
    return _bundle(request, BundleKind.RELEASE, named(release_id, "release"), who)


def _bundle(request: Request, kind: BundleKind, subject: str, who: Actor) -> Response:
    head: Head = request.app.state.head
    out = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed once it was sent
    try:
        label = head.bundles.export(kind, subject, who, out)
        size = out.tell()
        out.seek(0)
    except BaseException:
        out.close()
        raise
    headers = {"Content-Disposition": f'attachment; filename="{label.file}"', "Content-Length": str(size)}
    return StreamingResponse(_sent(out), headers=headers, media_type=_ZIP)


def _sent(out: BinaryIO) -> Iterator[bytes]:
    with out:
        while chunk := out.read(_CHUNK):
            yield chunk
