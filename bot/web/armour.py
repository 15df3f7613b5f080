"""What stands around every answer: security headers, and a last resort for errors that nobody foresaw."""

from __future__ import annotations

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.adapters.fault_traces import describe_fault
from bot.web.answers import problem

_log = structlog.get_logger("andon.web")

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_AFTER_A_FAULT = "look whether what you asked for happened before you repeat it"
_KEEPABLE = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_HEADERS = (*_KEEPABLE, (b"cache-control", b"no-store"))


class Armour:
    """ASGI middleware. Everything is `no-store` unless the answer says otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, add headers, and answer 500 where an exception comes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                given = message["headers"]
                names = {name for name, _ in given}
                ours = _KEEPABLE if b"cache-control" in names else _HEADERS
                message["headers"] = [*given, *(one for one in ours if one[0] not in names)]
            await send(message)

        try:
            await self._app(scope, receive, guarded)
        except Exception as error:
            # The path may hold a one-time link: it is not logged.
            _log.error("unforeseen", method=scope.get("method"), **describe_fault(error))
            if begun:
                raise
            answer = problem(500, "This is a fault of Andon, and it was logged.", next=_AFTER_A_FAULT)
            await answer(scope, receive, guarded)
