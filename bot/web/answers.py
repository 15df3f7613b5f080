"""Answers as JSON: plain values, and problem details (RFC 9457) for everything that goes wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NotRequired

from starlette.responses import Response
from typing_extensions import TypedDict

from bot.domain.errors import AndonError, ConfigError, NotFound, Refused, TryLater
from bot.domain.errors import BadInput as Bad

PROBLEM = "application/problem+json"


class Problem(TypedDict):
    """RFC 9457. `detail` says what happened, why, and what to do next."""

    type: str
    title: str
    status: int
    detail: str
    next: NotRequired[str]
    event_id: NotRequired[str]
    """Of the recorded decision, where a rule said no."""
    needs: NotRequired[str]
    """The role that this takes."""
    errors: NotRequired[list[dict[str, Any]]]


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer. Non-ASCII is escaped, so that no text can break the encoding."""
    return Response(_encode(value), status, headers, media_type="application/json")


def problem(status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """Problem details with a sentence; `more` are extension members, those that are None left out."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    body.update({key: value for key, value in more.items() if value is not None})
    return Response(_encode(body), status, headers, media_type=PROBLEM)


def status_of(error: AndonError) -> int:
    """The HTTP status of a kind of bad news."""
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, Bad):
        return 400
    if isinstance(error, Refused):
        return 409
    # A setting or the tables are not right yet: whoever sends should come back, not drop what it has.
    return 503 if isinstance(error, TryLater | ConfigError) else 500


def retry_after(error: AndonError) -> dict[str, str]:
    """Whole seconds, at least one, for an error that passes; longer where a person has to mend something."""
    if isinstance(error, ConfigError):
        return {"Retry-After": "30"}
    return {"Retry-After": str(max(1, math.ceil(error.delay.total_seconds())))} if isinstance(error, TryLater) else {}


def problem_of(error: AndonError) -> Response:
    """The answer to an error of the tree."""
    return problem(status_of(error), str(error), headers=retry_after(error), next=error.next or None)


def _encode(value: Any) -> bytes:
    try:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    except ValueError:
        text = json.dumps(_without_nan(value), separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def _without_nan(value: Any) -> Any:
    """JSON has no NaN and no infinity: a measurement that is one of them shows as null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return value
