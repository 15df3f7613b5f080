"""`/healthz`, `/readyz` and `/metrics`: for machines that watch this process, without a token."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.domain.errors import AndonError
from bot.web.answers import answer
from bot.web.head import Head
from bot.web.metrics import WebMetrics


class Health:
    """Alive, ready, and measured."""

    def __init__(self, head: Head, metrics: WebMetrics) -> None:
        self._head = head
        self._metrics = metrics

    def routes(self) -> list[Route]:
        """All three answer GET and HEAD."""
        return [
            Route("/healthz", self.alive),
            Route("/readyz", self.ready),
            Route("/metrics", self.measured),
        ]

    async def alive(self, _: Request) -> Response:
        """The process answers; says nothing of what it needs."""
        return answer({"status": "alive"})

    def ready(self, _: Request) -> Response:
        """200 when deliveries can be stored. Redis is only a doorbell: without it the answer is 200 and `degraded`."""
        database, mend = self._database()
        redis = self._head.queue.ping()
        checks = {
            "database": database,
            "redis": "reachable" if redis else "away: workers poll SQL, which costs about a second",
        }
        if mend:
            return answer({"status": "not_ready", "checks": checks, "next": mend}, 503)
        return answer({"status": "ready" if redis else "degraded", "checks": checks})

    def _database(self) -> tuple[str, str]:
        try:
            if self._head.store.schema_is_current():
                return "reachable", ""
        except AndonError as error:
            return "away", error.next or "look whether the database runs"
        return "its tables are of another version", "run `andon db upgrade`"

    def measured(self, _: Request) -> Response:
        """The Prometheus page."""
        return Response(self._metrics.page(), media_type=self._metrics.content_type)
