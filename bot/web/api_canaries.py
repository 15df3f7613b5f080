"""`/api/v1/canaries`: observations come in and are stored raw; where the comparison stands, and what was affected."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, NotRequired

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response, StreamingResponse
from typing_extensions import TypedDict

from bot.domain.errors import AndonError, TryLater
from bot.domain.events import Actor, Role
from bot.evidence.observations import MOST_SENT
from bot.flow.canary_views import CanaryView, affected_lines, canary_of, find_release
from bot.flow.observing import Sent, Taken, look_at
from bot.web.answers import answer
from bot.web.batching import Batcher
from bot.web.bodies import read_capped
from bot.web.head import Head, Ring
from bot.web.identity import requires
from bot.web.openapi import ORDER_ERRORS, READ_ERRORS, ok, problem_answer
from bot.web.orders import named

canaries = APIRouter(prefix="/api/v1", responses=READ_ERRORS)

Viewer = Annotated[Actor, Depends(requires(Role.VIEWER))]
Sender = Annotated[Actor, Depends(requires(Role.OPERATOR))]

NDJSON = "application/x-ndjson"
MOST_IN_HAND = 64
"""Batches that are read or wait for their commit at once; each has up to 5 MB."""
_SMALL = 32 * 1024
"""A larger body is looked at outside the event loop."""


class Kept(TypedDict):
    """The answer to a batch, after its commit."""

    batch: str
    release: str
    duplicate: bool
    """It came before under this key: it counts once."""
    accepted_lines: NotRequired[int]
    """Lines that were stored, where that can be told without unpacking; those that are broken are set aside later."""


class Observations:
    """Stores batches, many in one commit, and never holds more than a bounded number."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._in_hand = 0
        self._batcher: Batcher[Sent, Taken] = Batcher(self._take, head.queue, most=MOST_IN_HAND)

    def start(self) -> None:
        """Begin, inside the running event loop."""
        self._batcher.start()

    async def stop(self) -> None:
        """Store what waits, and end."""
        await self._batcher.stop()

    async def receive(self, request: Request, release: str) -> Taken:
        """The answer to one request, after its commit. BadInput, NotFound, Refused; TryLater where too many wait."""
        if self._in_hand >= MOST_IN_HAND:
            raise TryLater(
                "More batches come in than can be stored right now", delay=timedelta(seconds=1), next="send it again"
            )
        self._in_hand += 1
        try:
            content = await read_capped(request, MOST_SENT)
            said = {
                "key": request.headers.get("idempotency-key", ""),
                "media": request.headers.get("content-type", NDJSON),
                "encoding": request.headers.get("content-encoding", ""),
            }
            if len(content) <= _SMALL:
                sent = look_at(release, content, **said)
            else:
                sent = await asyncio.to_thread(look_at, release, content, **said)
            return await self._batcher.submit(sent)
        finally:
            self._in_hand -= 1

    def _take(self, sent: Sequence[Sent], ring: Ring, _foresee: Ring) -> Sequence[Taken | AndonError]:
        return self._head.observing.take(sent, ring)


_LINES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {NDJSON: {"schema": {"type": "string", "description": "One observation on each line."}}},
    }
}


@canaries.post(
    "/canaries/{release}/observations",
    tags=["canaries"],
    status_code=202,
    responses={
        **ORDER_ERRORS,
        **ok(Kept, 202),
        409: problem_answer("The release takes no observations, or the key belongs to another batch."),
        413: problem_answer("The batch is larger than 5 MB."),
    },
    openapi_extra=_LINES,
)
async def send_observations(
    request: Request,
    _: Sender,
    release: str,
    idempotency_key: Annotated[  # noqa: ARG001 - read from the request; here for the document
        str | None, Header(max_length=200, description="The same again counts once. Without: the body's SHA-256.")
    ] = None,
) -> Response:
    """Store a batch of observations: NDJSON of `{key, incumbent, candidate, …}`, gzip or not, 5 MB at most.

    `release` is its id, or the name of a service: its newest release. What is answered is stored; it is compared
    a moment later.
    """
    door: Observations = request.app.state.observations
    taken = await door.receive(request, named(release, "release"))
    kept: Kept = {"batch": taken.batch, "release": taken.release, "duplicate": taken.duplicate}
    if taken.lines is not None:
        kept["accepted_lines"] = taken.lines
    return answer(kept, 202)


@canaries.get("/canaries/{release}", tags=["canaries"], responses=ok(CanaryView))
def show_canary(request: Request, _: Viewer, release: str) -> Response:
    """Where the comparison stands: verdict, estimate and interval, with the points of its way there."""
    head: Head = request.app.state.head
    with head.store.read() as tx:
        return answer(canary_of(tx, named(release, "release"), head.configuration.current))


@canaries.get(
    "/canaries/{release}/affected",
    tags=["canaries"],
    responses={
        200: {"description": "One prediction on each line.", "content": {NDJSON: {"schema": {"type": "string"}}}}
    },
    response_class=StreamingResponse,
)
def list_affected(request: Request, _: Viewer, release: str) -> StreamingResponse:
    """The predictions that differed, as NDJSON of `{key, incumbent, candidate, divergence, phase}`, oldest first."""
    head: Head = request.app.state.head
    with head.store.read() as tx:
        found = find_release(tx, named(release, "release"))
    return StreamingResponse(affected_lines(head.store, found.id), media_type=NDJSON)
