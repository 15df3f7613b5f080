"""What stands around every answer: security headers, and a last resort for errors that nobody foresaw."""

from __future__ import annotations

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.adapters.fault_traces import describe_fault
from bot.web.answers import problem

_log = structlog.get_logger("andon.web")

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_AFTER_A_FAULT = "look whether what you asked for happened before you repeat it"
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


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
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
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
