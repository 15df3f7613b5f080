"""`/api/v1`: the policies in force, and each text that ever decided."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from bot.flow.policy_views import Policies, PolicyDetail, policies_view, policy_detail
from bot.web.answers import answer
from bot.web.api_minutes import Viewer
from bot.web.head import Head
from bot.web.openapi import READ_ERRORS, ok
from bot.web.orders import named

policies = APIRouter(prefix="/api/v1", responses=READ_ERRORS, tags=["policies"])

Digest = Annotated[
    str | None, Query(pattern=r"^[0-9a-f]{16}$", description="As it stands with a decision; the one in force if unset.")
]


@policies.get("/policies", responses=ok(Policies))
def list_policies(_: Viewer, request: Request) -> Response:
    """Policies and playbooks that are in force, with who wrote and who read them."""
    head: Head = request.app.state.head
    with head.store.read() as tx:
        return answer(policies_view(tx, head.configuration.current))


@policies.get("/policies/{service}", responses=ok(PolicyDetail))
def show_policy(_: Viewer, request: Request, service: str, version: Digest = None) -> Response:
    """The text of a policy, what changed with it, and the versions before it."""
    head: Head = request.app.state.head
    with head.store.read() as tx:
        return answer(policy_detail(tx, named(service, "policy"), version, head.configuration.current))
