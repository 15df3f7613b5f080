"""The raw limit at the front: `raw` is one ASGI function and one Redis script, `bare` and `fastapi` only answer.

`python -m benchmarks.floor_web raw|bare|fastapi PORT REDIS_URL` serves one of them by uvloop and httptools;
`signed PORT SECRET` checks Slack's signature before it answers.
"""

from __future__ import annotations

import hashlib
import hmac
import sys
from typing import Any

import uvicorn
from starlette.requests import Request

QUEUE, TAKEN = "floor:queue", "floor:taken"
PUSH = """
if redis.call('SET', KEYS[1], '1', 'NX', 'EX', 60) then return redis.call('RPUSH', KEYS[2], ARGV[1]) end
return 0
"""


def raw(redis_url: str) -> Any:
    """Dedupe and queue in one round trip: the least that an answer with a job behind it can cost."""
    import redis.asyncio

    client = redis.asyncio.Redis.from_url(redis_url)
    push = client.register_script(PUSH)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await _lifespan(receive, send)
            return
        body = await _body(receive)
        mark = "floor:seen:" + hashlib.sha256(body).hexdigest()
        await push(keys=[mark, QUEUE], args=[body])
        await _accepted(send)

    return app


def bare(_: str) -> Any:
    """Reads the body and answers."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await _lifespan(receive, send)
            return
        await _body(receive)
        await _accepted(send)

    return app


def signed(secret: str) -> Any:
    """Checks the signature of a request from Slack, and answers."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await _lifespan(receive, send)
            return
        body, headers = await _body(receive), dict(scope["headers"])
        signing = b"v0:" + headers[b"x-slack-request-timestamp"] + b":" + body
        made = "v0=" + hmac.new(secret.encode(), signing, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(made.encode(), headers[b"x-slack-signature"])
        await _accepted(send)

    return app


def fastapi(_: str) -> Any:
    """The same by FastAPI."""
    from fastapi import FastAPI
    from fastapi.responses import JSONResponse

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.post("/webhooks/{source}")
    async def receive(source: str, request: Request) -> JSONResponse:
        await request.body()
        return JSONResponse({"source": source}, 202)

    return app


async def _body(receive: Any) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _accepted(send: Any) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


if __name__ == "__main__":
    kind, port, url = sys.argv[1:]
    made = {"raw": raw, "bare": bare, "fastapi": fastapi, "signed": signed}[kind](url)
    uvicorn.run(
        made,
        port=int(port),
        loop="uvloop",
        http="httptools",
        lifespan="on",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=600,
    )
