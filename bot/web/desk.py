"""Gives the orders of the JSON API, and answers each with the record that it was about."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from bot.domain.events import Actor, Receipt, Role
from bot.flow.views import order_view
from bot.web.answers import answer, problem
from bot.web.identity import requires
from bot.web.orders import Order, Orders
from bot.web.queries import Queries

Operator = Annotated[Actor, Depends(requires(Role.OPERATOR))]
Admin = Annotated[Actor, Depends(requires(Role.ADMIN))]


class Desk:
    """Gives an order and answers with the record that it was about."""

    def __init__(self, request: Request) -> None:
        self._orders: Orders = request.app.state.orders
        self._queries: Queries = request.app.state.queries

    def about_incident(self, order: Order, actor: Actor) -> Response:
        """The incident, with the receipt under `order`; a recorded no-op has none but the receipt."""
        return self._incident(self._orders.give(order, actor, "api"))

    def attach(self, incident_id: str, name: str, content: bytes, actor: Actor) -> Response:
        """Keep a file under its digest, then say of the incident that it is attached."""
        return self._incident(self._orders.attach(incident_id, name, content, actor))

    def recorded(self, order: Order, actor: Actor) -> Response:
        """The incident, with the record that was made, or had been made of the same source before, under `item`."""
        receipt = self._orders.give(order, actor, "api")
        if receipt.refused:
            return refusal(receipt)
        view, item = self._queries.incident(receipt.incidents[0]), self._queries.item(receipt.records[0])
        return answer({**view, "item": item, "order": order_view(receipt)})

    def about_item(self, order: Order, actor: Actor) -> Response:
        """The item with its history, and the receipt under `order`."""
        receipt = self._orders.give(order, actor, "api")
        if receipt.refused:
            return refusal(receipt)
        return answer({**self._queries.item(order.subject), "order": order_view(receipt)})

    def about_run(self, order: Order, actor: Actor, status: int = 200) -> Response:
        """The run, with the receipt under `order`."""
        receipt = self._orders.give(order, actor, "api")
        if receipt.refused:
            return refusal(receipt)
        known = receipt.runs[0] if receipt.runs else None
        view = self._queries.run(known) if known else None
        return answer({**(view or {}), "order": order_view(receipt)}, status)

    def about_service(self, order: Order, actor: Actor) -> Response:
        """The service, with the receipt under `order`."""
        receipt = self._orders.give(order, actor, "api")
        if receipt.refused:
            return refusal(receipt)
        return answer({**self._queries.service(order.subject), "order": order_view(receipt)})

    def automation(self, order: Order, actor: Actor) -> Response:
        """The switch as it is now."""
        receipt = self._orders.give(order, actor, "api")
        return refusal(receipt) if receipt.refused else answer(self._queries.automation())

    def replay(self, event_id: str, actor: Actor) -> Response:
        """What became of the dead letter."""
        receipt = self._orders.replay(event_id, actor)
        return refusal(receipt) if receipt.refused else answer(order_view(receipt))

    def _incident(self, receipt: Receipt) -> Response:
        if receipt.refused:
            return refusal(receipt)
        known = receipt.incidents[0] if receipt.incidents else None
        view = self._queries.incident(known) if known else None
        return answer({**(view or {}), "order": order_view(receipt)})


def refusal(receipt: Receipt) -> Response:
    """409 with the sentence of the recorded decision."""
    return problem(409, receipt.message or "A rule says no.", event_id=receipt.event_id)


At = Annotated[Desk, Depends(Desk)]
