"""Reads request bodies: streamed with a cap and a time limit, then parsed strictly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from bot.domain.errors import BadInput
from bot.domain.strict_json import parse_json

WEBHOOK_CAP = 256 * 1024
API_CAP = 64 * 1024
_SECONDS = 30.0

M = TypeVar("M", bound=BaseModel)


class InvalidBody(BadInput):
    """A body that was read but does not fit its model. `errors` are {"field", "problem"}."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("The body does not fit", why="; ".join(f"{e['field']}: {e['problem']}" for e in errors[:5]))
        self.errors = errors


async def read_capped(request: Request, cap: int) -> bytes:
    """The raw body. HTTPException 413 as soon as it is known to be larger than `cap`, 408 when it takes too long.

    What a sender still sends after a 413 is discarded by the server, so the answer reaches it.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 12 or int(declared) > cap):
        raise too_large(cap)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > cap:
                    raise too_large(cap)
                chunks.append(chunk)
    except TimeoutError as error:
        raise HTTPException(408, f"The body did not arrive within {_SECONDS:.0f} seconds.") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "The body ended before its end.") from error
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def too_large(cap: int) -> HTTPException:
    """The answer to a body over the cap."""
    return HTTPException(413, f"The body is larger than {cap // 1024} KiB. Nothing of it was kept.")


def body_of(model: type[M], cap: int = API_CAP) -> Callable[[Request], Coroutine[Any, Any, M]]:
    """A dependency that reads a JSON object into `model`; an absent body is an empty object."""

    async def read(request: Request) -> M:
        raw = await read_capped(request, cap)
        try:
            return model.model_validate(parse_json(raw) if raw.strip() else {})
        except ValidationError as error:
            raise InvalidBody(_readable(error)) from error

    return read


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a posted form (`application/x-www-form-urlencoded`, no files); the last of a name wins."""
    raw = await read_capped(request, API_CAP)
    try:
        return dict(parse_qsl(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=100))
    except ValueError as error:
        raise BadInput("The form cannot be read") from error


def _readable(error: ValidationError) -> list[dict[str, str]]:
    return [
        {
            "field": ".".join(str(part)[:60] for part in one["loc"]) or "body",
            "problem": one["msg"].removeprefix("Value error, ")[:300],
        }
        for one in error.errors(include_url=False, include_input=False, include_context=False)[:20]
    ]
