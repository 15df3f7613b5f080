"""Drills for the API and the pages: what there is, and orders answered with the drill that they were about."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from bot.domain.drills import Drill, DrillState
from bot.domain.errors import NotFound
from bot.domain.events import Actor
from bot.flow.drill_views import DrillDetail, DrillView, drill_detail, drill_view
from bot.flow.views import order_view
from bot.web.answers import answer
from bot.web.desk import refusal
from bot.web.head import Head
from bot.web.orders import Order, Orders, named
from bot.web.queries import Page

PAST = frozenset(DrillState) - {DrillState.PLANNED}


class DrillQueries:
    """Everything of drills that can be looked at. NotFound where a record does not exist."""

    def __init__(self, head: Head) -> None:
        self._head = head

    def some(self, page: Page, service: str | None, states: Collection[DrillState] = ()) -> dict[str, object]:
        """Newest first."""
        with self._head.store.read() as tx:
            found = tx.drills(limit=page.limit + 1, before=page.before, service=service, states=states)
        return page.cut(found, lambda one: one.id, drill_view)

    def planned(self, service: str | None) -> Sequence[DrillView]:
        """Those that start first, first."""
        with self._head.store.read() as tx:
            return [drill_view(one) for one in tx.planned_drills() if service in (None, one.service)]

    def one(self, drill_id: str) -> DrillDetail:
        """One drill with all that was measured."""
        return drill_detail(self._found(drill_id))

    def services(self) -> list[str]:
        """Those whose policy has drills, or that had one."""
        policies = self._head.configuration.current.policies
        return sorted(name for name, policy in policies.items() if policy.drills)

    def _found(self, drill_id: str) -> Drill:
        with self._head.store.read() as tx:
            found = tx.drill(named(drill_id, "drill"))
        if found is None:
            raise NotFound(f"No drill {drill_id}", next="the list of drills shows those there are")
        return found


class DrillDesk:
    """Gives orders about drills and shows them."""

    def __init__(self, request: Request) -> None:
        self._orders: Orders = request.app.state.orders
        self.queries = DrillQueries(request.app.state.head)

    def order(self, order: Order, actor: Actor, status: int = 200) -> Response:
        """The drill with the receipt under `order`."""
        receipt = self._orders.give(order, actor, "api")
        if receipt.refused:
            return refusal(receipt)
        return answer({**self.queries.one(receipt.records[0]), "order": order_view(receipt)}, status)


DrillsAt = Annotated[DrillDesk, Depends(DrillDesk)]
