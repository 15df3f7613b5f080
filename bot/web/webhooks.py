"""`POST /webhooks/{source}`: authentic bytes in, a receipt out after the commit."""

from __future__ import annotations

import asyncio
import time

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.domain.errors import AndonError
from bot.domain.events import Delivery, Receipt
from bot.domain.inner_alerts import INNER_SOURCES
from bot.flow.views import receipt_view
from bot.web.answers import answer, problem, problem_of, status_of
from bot.web.authentication import WebhookAuthentication
from bot.web.batching import Batcher
from bot.web.bodies import WEBHOOK_CAP, read_capped
from bot.web.head import Head
from bot.web.metrics import WebMetrics

_NEVER_KEPT = frozenset({"authorization", "proxy-authorization", "cookie"})
_SIGNED_INLINE = 32 * 1024
"""Larger bodies are hashed outside the event loop."""


class Webhooks:
    """Nothing is parsed before it is authentic, nothing is answered before it is committed."""

    def __init__(
        self,
        head: Head,
        authentication: WebhookAuthentication,
        batcher: Batcher[Delivery, Receipt],
        metrics: WebMetrics,
    ) -> None:
        self._head = head
        self._authentication = authentication
        self._batcher = batcher
        self._metrics = metrics

    def routes(self) -> list[Route]:
        """With and without a slash at the end: senders drop alerts on a redirect."""
        return [
            Route("/webhooks/{source}", self.receive, methods=["POST"]),
            Route("/webhooks/{source}/", self.receive, methods=["POST"]),
        ]

    async def receive(self, request: Request) -> Response:
        """202 with the receipt; 401, 404, 413, 503 as the contract says."""
        started = time.perf_counter()
        name = request.path_params["source"]
        raw = await read_capped(request, WEBHOOK_CAP)
        headers = dict(request.headers)
        if not await self._is_authentic(name, raw, headers):
            self._metrics.refused("not_authentic")
            return problem(
                401,
                "This request could not be authenticated.",
                headers={"WWW-Authenticate": "Bearer"},
                next="send the source's secret as a bearer token, or sign the body the way the source signs",
            )
        outside = self._head.sources.keys() - INNER_SOURCES
        if name not in outside:
            self._metrics.refused("unknown_source")
            known = ", ".join(sorted(outside))
            return problem(404, f"There is no source {name[:64]!r}.", next=f"known sources: {known}")
        kept = {key: value for key, value in headers.items() if key not in _NEVER_KEPT}
        return await self._take(Delivery(name, raw, kept), started)

    async def _is_authentic(self, name: str, raw: bytes, headers: dict[str, str]) -> bool:
        check = (self._head.sources.get(name), name, raw, headers, self._head.clock.now())
        if len(raw) <= _SIGNED_INLINE:
            return self._authentication.check(*check)
        return await asyncio.to_thread(self._authentication.check, *check)

    async def _take(self, delivery: Delivery, started: float) -> Response:
        try:
            receipt = await self._batcher.submit(delivery)
        except AndonError as error:
            self._metrics.refused("not_stored" if status_of(error) == 503 else "not_taken")
            return problem_of(error)
        self._metrics.accepted(delivery.source, str(receipt.disposition), time.perf_counter() - started)
        return answer(receipt_view(receipt), 202)
