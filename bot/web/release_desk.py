"""Orders about releases over the API, each answered with the release; and evidence on its way in and out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import Response

from bot.domain.errors import NotFound
from bot.domain.events import Actor
from bot.domain.releases import Service
from bot.flow.evidence_desk import Pushed
from bot.flow.release_shapes import EvidenceView, GateAnswer, ReleaseDetail
from bot.flow.release_views import evidence_view, gate_answer, release_detail
from bot.flow.views import order_view, release_view
from bot.web.answers import answer, problem
from bot.web.head import Head
from bot.web.orders import Order, Orders, named
from bot.web.queries import Page


class ReleaseDesk:
    """Gives orders about releases and shows them."""

    def __init__(self, request: Request) -> None:
        self._head: Head = request.app.state.head
        self._orders: Orders = request.app.state.orders

    def list(self, page: Page, service: str | None) -> dict[str, object]:
        """Newest first."""
        with self._head.store.read() as tx:
            found = tx.releases(limit=page.limit + 1, before=page.before, service=service)
            return page.cut(found, lambda one: one.id, release_view)

    def show(self, release_id: str) -> ReleaseDetail:
        """One release with its way. NotFound where there is none."""
        with self._head.store.read() as tx:
            release = tx.release(named(release_id, "release"))
            if release is None:
                raise NotFound(f"No release {release_id}", next="the list of releases shows those there are")
            return release_detail(tx, release, self._head.moves)

    def gate(self, service: str) -> GateAnswer:
        """What the gates of a service say, as things are known."""
        known = self._head.configuration.current.policy(named(service, "service")).service
        with self._head.store.read() as tx:
            return gate_answer(tx, tx.service(known) or Service(known), self._head.moves)

    def order(self, order: Order, actor: Actor, status: int = 200) -> Response:
        """The release with the receipt under `order`; 409 with the verdicts as they are known where a rule says no."""
        receipt = self._orders.give(order, actor, "api")
        if receipt.refused:
            return problem(409, receipt.message, event_id=receipt.event_id, **self._verdicts(order))
        release_id = receipt.records[0] if receipt.records[0].startswith("rel-") else order.subject
        return answer({**self.show(release_id), "order": order_view(receipt)}, status)

    def keep(self, pushed: Pushed, actor: Actor) -> EvidenceView:
        """Keep evidence. BadInput, NotFound, Refused."""
        return evidence_view(self._head.evidence.keep(pushed, actor))

    def evidence(self, release_id: str, evidence_id: str) -> tuple[str, str, bytes]:
        """Name, media type and content of a piece of evidence. NotFound."""
        with self._head.store.read() as tx:
            found = tx.evidence(named(evidence_id, "evidence"))
            file = tx.kept_file(found.sha256) if found and found.release_id == release_id else None
        if found is None or file is None:
            raise NotFound(f"No evidence {evidence_id} of release {release_id}")
        return found.name, found.media, file.content

    def _verdicts(self, order: Order) -> dict[str, Any]:
        try:
            return {"verdicts": self.show(order.subject)["stages"]}
        except NotFound:
            return {}


ReleasesAt = Annotated[ReleaseDesk, Depends(ReleaseDesk)]
