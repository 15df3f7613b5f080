"""Logging in and out of the pages: by API token or by a one-time link; sessions are kept by digest."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.domain.access import Access, AccessKind, digest_of
from bot.domain.events import Actor
from bot.domain.records import AuditEntry
from bot.web.authentication import ApiTokens
from bot.web.bodies import form_of
from bot.web.head import Head
from bot.web.identity import (
    COOKIE,
    SESSION_LASTS,
    Unknown,
    check_forgery,
    check_origin,
    new_access,
    session_of,
)
from bot.web.templating import Templates

_LONGEST = 512
_QUIET = timedelta(minutes=1)


class Login:
    """The way in and the way out."""

    def __init__(self, head: Head, tokens: ApiTokens, templates: Templates) -> None:
        self._head = head
        self._tokens = tokens
        self._templates = templates
        self._refusals = Refusals(head)

    def routes(self) -> list[Route]:
        """Looking at a link spends nothing: previews of chat programs look at every link."""
        return [
            Route("/login", self.ask, methods=["GET"]),
            Route("/login", self.take_token, methods=["POST"]),
            Route("/login/{secret}", self.show_link, methods=["GET"]),
            Route("/login/{secret}", self.take_link, methods=["POST"]),
            Route("/logout", self.leave, methods=["POST"]),
        ]

    async def ask(self, request: Request) -> Response:
        """The form for an API token."""
        return self._form(local_path(request.query_params.get("next", "")))

    async def take_token(self, request: Request) -> Response:
        """A session for the holder of a token; the form again for anybody else."""
        check_origin(request)
        form = await form_of(request)
        going = local_path(form.get("next", ""))
        actor = self._tokens.actor_of(form.get("token", "").strip()[:_LONGEST])
        if actor is None:
            await run_in_threadpool(self._refusals.note, "token")
            return self._form(going, "This is nobody's token. Tokens are the secrets of ANDON_API_TOKENS.", 401)
        return await run_in_threadpool(self._open, actor, going, "token")

    async def show_link(self, _: Request) -> Response:
        """One button, which posts to this same address."""
        return self._templates.page("link", {"said": None})

    async def take_link(self, request: Request) -> Response:
        """A session for whoever comes first with the link."""
        check_origin(request)
        secret = request.path_params["secret"][:_LONGEST]
        return await run_in_threadpool(self._spend, secret)

    def _spend(self, secret: str) -> Response:
        with self._head.store.write() as tx:
            link = tx.spend_link(digest_of(secret.encode("utf-8", "replace").decode()))
        if link is None:
            self._refusals.note("link")
            said = "This link was used already, or its time is over. Log in with an API token, or make a new link."
            return self._templates.page("link", {"said": said}, 403)
        return self._open(link.actor, "/", "link")

    def _open(self, actor: Actor, going: str, by: str) -> Response:
        now = self._head.clock.now()
        secret, access = new_access(AccessKind.SESSION, actor, now)
        with self._head.store.write() as tx:
            tx.add(access, _entry(now, actor, "access.session", by))
        answer = RedirectResponse(going, 303)
        answer.set_cookie(
            COOKIE,
            secret,
            max_age=int(SESSION_LASTS.total_seconds()),
            path="/",
            secure=self._head.settings.address.startswith("https://"),
            httponly=True,
            samesite="strict",
        )
        return answer

    async def leave(self, request: Request) -> Response:
        """End the session here and in the store."""
        form = await form_of(request)
        access = await run_in_threadpool(session_of, request)
        if access is None:
            raise Unknown
        check_forgery(request, access, form.get("csrf", ""))
        await run_in_threadpool(self._end, access)
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE, path="/")
        return answer

    def _end(self, access: Access) -> None:
        with self._head.store.write() as tx:
            tx.end_access(access.digest)
            tx.add(_entry(self._head.clock.now(), access.actor, "access.ended", "logout"))

    def _form(self, going: str, said: str | None = None, status: int = 200) -> Response:
        return self._templates.page("login", {"next": going, "said": said}, status)


class Refusals:
    """Logins that came to nothing, in the audit: one entry a minute at most, so that a stranger cannot fill it."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._lock = threading.Lock()
        self._waiting = 0
        self._free_at: datetime | None = None

    def note(self, by: str) -> None:
        """One more; the entry counts those since the last entry of this process."""
        now = self._head.clock.now()
        with self._lock:
            self._waiting += 1
            # A clock that is set back must not silence this until it has come to where it was.
            if self._free_at is not None and self._free_at - _QUIET <= now < self._free_at:
                return
            count, self._waiting, self._free_at = self._waiting, 0, now + _QUIET
        with self._head.store.write() as tx:
            tx.add(AuditEntry(now, "anonymous", "access.refused", "access:login", {"by": by, "count": count}))


def _entry(now: datetime, actor: Actor, action: str, by: str) -> AuditEntry:
    return AuditEntry(now, actor.name, action, f"person:{actor.name}", {"role": str(actor.role), "by": by})


def local_path(text: str) -> str:
    """The path if it is one of ours, else `/`: a login must not lead away from here."""
    plain = text.isascii() and text.isprintable() and "\\" not in text and len(text) <= 500
    return text if plain and text.startswith("/") and not text.startswith("//") else "/"


def login_address(request: Request) -> str:
    """The login page that comes back to what was asked for."""
    going = request.url.path if request.method in ("GET", "HEAD") else "/"
    return "/login" if going == "/" else f"/login?next={quote(going)}"
