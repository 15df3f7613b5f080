"""`/api/v1/reports` and `/api/v1/rights`: who did what, and who may."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from bot.adapters.controls_papers import ControlsPapers
from bot.adapters.shipped import shipped_folder
from bot.domain.events import Actor, Role
from bot.flow.controls import PAYLOAD_TYPE, controls_report, period_of
from bot.flow.rights_views import RightsView, rights_view
from bot.web.answers import answer
from bot.web.head import Head
from bot.web.identity import requires
from bot.web.openapi import READ_ERRORS, ok
from bot.web.orders import named
from bot.wiring.outside import keyring

account = APIRouter(prefix="/api/v1", responses=READ_ERRORS)

Viewer = Annotated[Actor, Depends(requires(Role.VIEWER))]
First = Annotated[str, Query(alias="from", max_length=64, description="The first day (UTC), or an RFC 3339 time.")]
Last = Annotated[str, Query(alias="to", max_length=64, description="The last day, included, or a time.")]
Service = Annotated[str | None, Query(max_length=64, description="Only this one; left out: all.")]

_ENVELOPE = {"description": "A DSSE envelope.", "content": {"application/json": {"schema": {"type": "object"}}}}
_MARKDOWN = {"description": "Markdown.", "content": {"text/markdown": {"schema": {"type": "string"}}}}


@account.get("/reports/controls", tags=["reports"], responses={200: _ENVELOPE}, response_class=Response)
def show_controls(_: Viewer, request: Request, since: First, until: Last, service: Service = None) -> Response:
    """Who approved, ordered, changed and entered what within a time, as a signed DSSE envelope."""
    head: Head = request.app.state.head
    sealed = _papers(head).sealed(_facts(head, since, until, service), PAYLOAD_TYPE, keyring(head.settings).own())
    return Response(sealed, media_type="application/json")


@account.get("/reports/controls.md", tags=["reports"], responses={200: _MARKDOWN}, response_class=Response)
def show_controls_text(_: Viewer, request: Request, since: First, until: Last, service: Service = None) -> Response:
    """The same as Markdown."""
    head: Head = request.app.state.head
    text = _papers(head).markdown(_facts(head, since, until, service))
    return Response(text.encode("utf-8", "replace"), media_type="text/markdown; charset=utf-8")


def _papers(head: Head) -> ControlsPapers:
    return ControlsPapers([head.settings.config / "templates", shipped_folder("templates")], head.secrets.redact)


def _facts(head: Head, since: str, until: str, service: str | None) -> dict[str, Any]:
    known = named(service, "service") if service else None
    period = period_of(since, until, head.clock.now(), known)
    with head.store.read() as tx:
        if known and tx.service(known) is None:
            head.configuration.current.policy(known)
        return controls_report(tx, period)


@account.get("/rights", tags=["reports"], responses=ok(RightsView))
def show_rights(_: Viewer, request: Request, service: Service = None) -> Response:
    """Who may halt, roll back, approve, endorse, lift and the like, asked of the rules that judge orders."""
    head: Head = request.app.state.head
    return answer(rights_of_head(head, service))


def rights_of_head(head: Head, service: str | None) -> RightsView:
    """Of one service, or of all that have a policy."""
    current = head.configuration.current
    names = [named(service, "service")] if service else sorted(current.policies)
    policies = [current.policy(one) for one in names]
    with head.store.read() as tx:
        return rights_view(tx, policies, head.tokens.values())
