"""The OpenAPI document: shapes of answers, models of bodies, problems, and the webhook route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema
from typing_extensions import TypedDict

from bot.flow import people_shapes, shapes
from bot.web.answers import PROBLEM, Problem
from bot.web.drill_bodies import DRILL_BODIES
from bot.web.order_bodies import BODIES
from bot.web.people_bodies import PEOPLE_BODIES
from bot.web.postmortem_bodies import POSTMORTEM_BODIES
from bot.web.release_bodies import RELEASE_BODIES

Responses = dict[int | str, dict[str, Any]]
_REF = "#/components/schemas/{model}"


class OrderOnly(TypedDict):
    """The answer to an order, where there is no record to show with it."""

    order: shapes.OrderView


class IncidentAnswer(shapes.IncidentView, OrderOnly):
    """The incident after an order."""


class RecordedAnswer(IncidentAnswer):
    """The incident after something was recorded in it, with the record."""

    item: people_shapes.ItemDetail


class ItemAnswer(people_shapes.ItemDetail, OrderOnly):
    """A decision, an action item or a question after an order."""


class RunAnswer(shapes.RunView, OrderOnly):
    """The run after an order."""


class ServiceAnswer(shapes.ServiceView, OrderOnly):
    """The service after an order."""


class Ready(TypedDict):
    status: str
    checks: dict[str, str]
    next: NotRequired[str]


class Alive(TypedDict):
    status: str


_DONE = {200: "Done.", 201: "Made.", 202: "Accepted."}


def ok(model: object, status: int = 200) -> Responses:
    """The answer of a route where all went well."""
    return {status: {"model": model, "description": _DONE[status]}}


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """The body of a route. It is read by hand, strictly, so the framework is told about it here."""
    needed = any(field.is_required() for field in model.model_fields.values())
    schema = {"$ref": _REF.format(model=model.__name__)}
    return {"requestBody": {"required": needed, "content": {"application/json": {"schema": schema}}}}


def problem_answer(description: str) -> dict[str, Any]:
    """An answer with problem details."""
    return {"description": description, "content": {PROBLEM: {"schema": {"$ref": _REF.format(model="Problem")}}}}


READ_ERRORS: Responses = {
    400: problem_answer("The request cannot be read."),
    401: problem_answer("No valid token or session."),
    403: problem_answer("The role is too low; the answer names the one that is needed."),
    404: problem_answer("There is no such record."),
    422: problem_answer("A parameter or field does not fit; `errors` names each."),
    503: problem_answer("The database is away; Retry-After says when to come back."),
}
ORDER_ERRORS: Responses = {
    **READ_ERRORS,
    408: problem_answer("The body did not arrive in time."),
    409: problem_answer("A rule says no. The refusal is recorded; `event_id` names it."),
    413: problem_answer("The body is larger than 64 KiB."),
}


def build_document(app: FastAPI, sources: list[str]) -> dict[str, Any]:
    """OpenAPI 3.1, with the routes that are served outside the framework's own models."""
    document = get_openapi(
        title="Andon",
        version="1",
        summary="Incidents and rollbacks",
        description="Errors are problem details (RFC 9457). Lists answer `items` and `next`; give `next` as `cursor`.",
        routes=app.routes,
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    _, bodies = models_json_schema(
        [
            (body, "validation")
            for body in (*BODIES, *PEOPLE_BODIES, *RELEASE_BODIES, *DRILL_BODIES, *POSTMORTEM_BODIES)
        ],
        ref_template=_REF,
    )
    schemas.update(bodies.get("$defs", {}))
    for model in (Problem, shapes.ReceiptView, Alive, Ready):
        _add(schemas, model)
    schemes = document["components"].setdefault("securitySchemes", {})
    schemes["webhook_bearer"] = {"type": "http", "scheme": "bearer", "description": "The source's secret."}
    schemes["webhook_basic"] = {"type": "http", "scheme": "basic", "description": "Its secret as password, any user."}
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    paths = {"/webhooks/{source}": _webhook(sources), "/healthz": _alive(), "/readyz": _ready(), "/metrics": _metrics()}
    document["paths"] = {**paths, **document["paths"]}
    return document


def _add(schemas: dict[str, Any], model: Any) -> None:
    schema = TypeAdapter(model).json_schema(ref_template=_REF)
    schemas.update(schema.pop("$defs", {}))
    schemas[model.__name__] = schema


def _content(model: str) -> Mapping[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(model=model)}}}


def _webhook(sources: list[str]) -> dict[str, Any]:
    source = {"name": "source", "in": "path", "required": True, "schema": {"type": "string", "enum": sources}}
    retry = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds."}}
    return {
        "post": {
            "tags": ["webhooks"],
            "operationId": "receive_webhook",
            "summary": "Receive a delivery of an alert source",
            "description": "The body as the sender makes it, 256 KiB at most. The sender's own signature is accepted "
            "where it has one; a bearer secret, or HTTP basic with the secret as password, for every source.",
            "security": [{"webhook_bearer": []}, {"webhook_basic": []}, {}],
            "parameters": [source],
            "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
            "responses": {
                "202": {"description": "Committed.", "content": _content("ReceiptView")},
                "401": problem_answer("Not authentic; the same for every reason."),
                "404": problem_answer("Authentic, but there is no such source."),
                "408": problem_answer("The body did not arrive in time."),
                "413": problem_answer("The body is larger than 256 KiB."),
                "503": {**problem_answer("It cannot be stored now: send it again."), "headers": retry},
            },
        }
    }


def _alive() -> dict[str, Any]:
    answers = {"200": {"description": "The process answers.", "content": _content("Alive")}}
    return {"get": {"tags": ["health"], "operationId": "alive", "summary": "Process alive", "responses": answers}}


def _ready() -> dict[str, Any]:
    answers = {
        "200": {"description": "Ready, or degraded without Redis.", "content": _content("Ready")},
        "503": {"description": "Deliveries cannot be stored.", "content": _content("Ready")},
    }
    return {"get": {"tags": ["health"], "operationId": "ready", "summary": "Ready to store", "responses": answers}}


def _metrics() -> dict[str, Any]:
    text = {"text/plain": {"schema": {"type": "string"}}}
    answers = {"200": {"description": "Prometheus exposition.", "content": text}}
    return {"get": {"tags": ["health"], "operationId": "metrics", "summary": "Metrics", "responses": answers}}
