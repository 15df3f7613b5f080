"""Turns whatever a route raises into an answer: problem details for programs, a page for people."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.domain.errors import AndonError
from bot.web.answers import problem, problem_of, retry_after, status_of
from bot.web.bodies import InvalidBody
from bot.web.identity import Forbidden, Unknown
from bot.web.login import login_address
from bot.web.templating import Templates

_FOR_PROGRAMS = (
    "/api",
    "/webhooks",
    "/slack/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/static/",
    "/badge/",
)


class Faults:
    """One handler for each kind of bad news."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def install(self, app: FastAPI) -> None:
        """Register every handler."""
        app.add_exception_handler(InvalidBody, self.invalid_body)
        app.add_exception_handler(AndonError, self.bad_news)
        app.add_exception_handler(Unknown, self.unknown)
        app.add_exception_handler(Forbidden, self.forbidden)
        app.add_exception_handler(HTTPException, self.http)
        app.add_exception_handler(RequestValidationError, self.parameters)

    async def invalid_body(self, _: Request, error: Any) -> Response:
        """422 with each field that does not fit."""
        return problem(422, str(error), errors=error.errors)

    async def bad_news(self, request: Request, error: Any) -> Response:
        """The error tree."""
        if _for_programs(request):
            return problem_of(error)
        return self._page(status_of(error), str(error), retry_after(error))

    async def unknown(self, request: Request, _: Any) -> Response:
        """401, or the way to the login page."""
        if _for_programs(request):
            what = "This token is not known." if "authorization" in request.headers else "Nobody is logged in."
            says = "Send the secret of one of ANDON_API_TOKENS as `Authorization: Bearer …`, or log in."
            return problem(401, f"{what} {says}", headers={"WWW-Authenticate": "Bearer"})
        if request.method in ("GET", "HEAD"):
            return RedirectResponse(login_address(request), 303)
        return self._page(401, "Nobody is logged in here, so nothing was changed. Log in and repeat.")

    async def forbidden(self, request: Request, error: Any) -> Response:
        """403 with what is needed."""
        if _for_programs(request):
            return problem(403, error.detail, needs=str(error.needs) if error.needs else None)
        return self._page(403, error.detail)

    async def http(self, request: Request, error: Any) -> Response:
        """What the framework says by itself: 404, 405, 413."""
        detail = _SENTENCES.get(error.status_code) if error.detail in _BARE else None
        text = detail or str(error.detail)
        if _for_programs(request):
            return problem(error.status_code, text, headers=error.headers)
        return self._page(error.status_code, text, error.headers or {})

    async def parameters(self, _: Request, error: Any) -> Response:
        """422 for parameters, without what was sent."""
        found = [
            {"field": ".".join(str(part)[:60] for part in one["loc"][1:]), "problem": one["msg"]}
            for one in error.errors()[:20]
        ]
        return problem(422, "A parameter does not fit.", errors=found)

    def _page(self, status: int, text: str, headers: dict[str, str] | None = None) -> Response:
        return self._templates.page("fault", {"status": status, "text": text}, status, headers)


_BARE = ("Not Found", "Method Not Allowed")
_SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not take that method. The header Allow says which it takes.",
}


def _for_programs(request: Request) -> bool:
    return request.url.path.startswith(_FOR_PROGRAMS)
