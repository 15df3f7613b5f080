"""`/api/v1`: everything that can be read."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response
from typing_extensions import TypedDict

from bot.domain.events import Actor, Disposition, Role
from bot.domain.incidents import IncidentStatus
from bot.flow import shapes
from bot.web.answers import answer
from bot.web.identity import requires
from bot.web.openapi import READ_ERRORS, ok
from bot.web.queries import Page, Queries

reads = APIRouter(prefix="/api/v1", responses=READ_ERRORS)

Viewer = Annotated[Actor, Depends(requires(Role.VIEWER))]


class Incidents(TypedDict):
    items: list[shapes.IncidentSummary]
    next: str | None


class Runs(TypedDict):
    items: list[shapes.RunView]
    next: str | None


class Services(TypedDict):
    items: list[shapes.ServiceView]
    next: str | None


class Events(TypedDict):
    items: list[shapes.EventView]
    next: str | None


def _queries(request: Request) -> Queries:
    queries: Queries = request.app.state.queries
    return queries


def _page(
    limit: Annotated[int, Query(ge=1, le=200, description="How many at most.")] = 50,
    cursor: Annotated[
        str | None,
        Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="`next` of the page before."),
    ] = None,
) -> Page:
    return Page(limit, cursor)


Asked = Annotated[Queries, Depends(_queries)]
Part = Annotated[Page, Depends(_page)]
OfService = Annotated[str | None, Query(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


@reads.get("/incidents", tags=["incidents"], responses=ok(Incidents))
def list_incidents(
    _: Viewer, asked: Asked, page: Part, service: OfService = None, status: IncidentStatus | None = None
) -> Response:
    """Incidents, newest first."""
    return answer(asked.incidents(page, service, status))


@reads.get("/incidents/{incident_id}", tags=["incidents"], responses=ok(shapes.IncidentView))
def show_incident(_: Viewer, asked: Asked, incident_id: str) -> Response:
    """An incident with its timeline, decisions, runs and notices."""
    return answer(asked.incident(incident_id))


@reads.get("/services", tags=["services"], responses=ok(Services))
def list_services(_: Viewer, asked: Asked, page: Part) -> Response:
    """Services by name."""
    return answer(asked.services(page))


@reads.get("/services/{service}", tags=["services"], responses=ok(shapes.ServiceView))
def show_service(_: Viewer, asked: Asked, service: str) -> Response:
    """State, release and what is live."""
    return answer(asked.service(service))


@reads.get("/runs", tags=["runs"], responses=ok(Runs))
def list_runs(_: Viewer, asked: Asked, page: Part, service: OfService = None, incident: OfService = None) -> Response:
    """Runs, newest first."""
    return answer(asked.runs(page, service, incident))


@reads.get("/runs/{run_id}", tags=["runs"], responses=ok(shapes.RunView))
def show_run(_: Viewer, asked: Asked, run_id: str) -> Response:
    """A run with its steps."""
    return answer(asked.run(run_id))


@reads.get("/events", tags=["events"], responses=ok(Events))
def list_events(_: Viewer, asked: Asked, page: Part, disposition: Disposition | None = None) -> Response:
    """Events, newest first; `disposition=dead_letter` gives those that were not understood."""
    return answer(asked.events(page, disposition))


@reads.get("/events/{event_id}", tags=["events"], responses=ok(shapes.EventDetail))
def show_event(_: Viewer, asked: Asked, event_id: str) -> Response:
    """An event with its body and its decisions."""
    return answer(asked.event(event_id))


@reads.get("/automation", tags=["services"], responses=ok(shapes.AutomationView))
def show_automation(_: Viewer, asked: Asked) -> Response:
    """Whether anything may act by itself."""
    return answer(asked.automation())


@reads.get("/audit/verify", tags=["audit"], responses=ok(shapes.AuditView))
def verify_audit(_: Viewer, asked: Asked) -> Response:
    """Walk along the audit chain; names the first row that does not verify."""
    found: Any = asked.audit()
    return answer(found)
