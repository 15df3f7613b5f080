"""Who asks, and what that person may do: an API token or a page session, and the role it carries."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from fastapi import Depends
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.requests import Request

from bot.domain.access import Access, AccessKind, digest_of
from bot.domain.events import Actor, Role
from bot.domain.records import AuditEntry
from bot.web.head import Head

COOKIE = "andon_session"
CSRF_HEADER = "x-csrf-token"
SESSION_LASTS = timedelta(hours=12)
LINK_LASTS = timedelta(hours=1)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST_PATH = 200
_LONGEST_SECRET = 512

_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="A secret of `ANDON_API_TOKENS`.")
_cookie = APIKeyCookie(
    name=COOKIE,
    auto_error=False,
    scheme_name="session",
    description="The session of a page; what changes anything also needs its `X-CSRF-Token` header.",
)


class Unknown(Exception):
    """Nobody is logged in: 401, or the login page."""


class Forbidden(Exception):
    """Somebody is, but may not: 403. `needs` names the role that would do, where one would."""

    def __init__(self, detail: str, needs: Role | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.needs = needs


def new_access(kind: AccessKind, actor: Actor, now: datetime) -> tuple[str, Access]:
    """A fresh secret with the record that knows it by digest only: an hour for a link, twelve for a session."""
    secret = secrets.token_urlsafe(32)
    ends = now + (LINK_LASTS if kind is AccessKind.LINK else SESSION_LASTS)
    return secret, Access(digest_of(secret), kind, actor.name, actor.role, secrets.token_urlsafe(32), ends)


def session_of(request: Request) -> Access | None:
    """The session whose cookie came with the request, if it has not ended. Reads the store."""
    secret = request.cookies.get(COOKIE, "")
    if not secret or len(secret) > _LONGEST_SECRET:
        return None
    head: Head = request.app.state.head
    with head.store.read() as tx:
        access = tx.access(digest_of(secret.encode("utf-8", "replace").decode()))
    return access if access is not None and access.kind is AccessKind.SESSION else None


def demand(actor: Actor, role: Role, to: str) -> None:
    """Forbidden unless the actor's role is `role` or higher; `to` completes "… is needed to"."""
    if actor.role.rank < role.rank:
        detail = f"The role {role} is needed to {to}. {actor.name} has the role {actor.role}."
        raise Forbidden(f"{detail} Ask somebody who holds it, or use a token that does.", role)


def check_forgery(request: Request, access: Access, token: str) -> None:
    """Forbidden unless the request comes from one of our own pages and carries the session's token."""
    check_origin(request)
    if not hmac.compare_digest(token.encode("utf-8", "replace"), access.csrf.encode()):
        raise Forbidden("The form's token is missing or old. Load the page again and repeat.")


def check_origin(request: Request) -> None:
    """Forbidden where the browser says that another site made it send this (Fetch Metadata, else Origin)."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        ours = site in ("same-origin", "none")
    elif origin is not None:
        ours = urlsplit(origin).netloc.lower() in _our_hosts(request)
    else:
        ours = True
    if not ours:
        raise Forbidden("This came from another site. Open the page itself and repeat.")


def _our_hosts(request: Request) -> set[str]:
    head: Head = request.app.state.head
    return {request.headers.get("host", "").lower(), urlsplit(head.settings.address).netloc.lower()}


def requires(role: Role) -> Callable[..., Actor]:
    """A dependency that gives the actor of a request: Unknown without one, Forbidden where the role is too low."""

    def who(request: Request, _bearer: object = Depends(_bearer), _cookie: object = Depends(_cookie)) -> Actor:
        actor = _actor_of(request)
        try:
            demand(actor, role, f"{'read' if request.method in _SAFE else 'do'} this")
        except Forbidden as refusal:
            if request.method not in _SAFE:
                _keep_refusal(request, actor, refusal)
            raise
        return actor

    return who


def _keep_refusal(request: Request, actor: Actor, refusal: Forbidden) -> None:
    """Who wanted to do what they may not is on record, as every refused order is."""
    head: Head = request.app.state.head
    path = request.url.path.encode("ascii", "replace").decode()[:_LONGEST_PATH]
    data = {"why": refusal.detail, "via": "api", "method": request.method}
    with head.store.write() as tx:
        tx.add(AuditEntry(head.clock.now(), actor.name, "refused.request", f"path:{path}", data))


def _actor_of(request: Request) -> Actor:
    authorization = request.headers.get("authorization")
    if authorization is not None:
        actor: Actor | None = request.app.state.tokens.actor_for(authorization)
        if actor is None:
            raise Unknown
        return actor
    access = session_of(request)
    if access is None:
        raise Unknown
    if request.method not in _SAFE:
        check_forgery(request, access, request.headers.get(CSRF_HEADER, ""))
    return access.actor
