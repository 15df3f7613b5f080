"""Who may knock: webhook senders by their secret or signature, API callers by their token. Pure and never raising."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.domain.events import Actor
from bot.plugins import AlertSource

MAX_AUTHORIZATION = 8192
"""Characters of an `Authorization` header that are looked at; a longer one is nobody's."""


class WebhookAuthentication:
    """`POST /webhooks/{source}`: a bearer token, a password, or the sender's own signature.

    `secrets` maps a source's name to its secrets, several while they are rotated; a source without any is closed.
    `everywhere` is one more bearer token that opens every source: the embedded default. It signs nothing.
    """

    def __init__(self, secrets: Mapping[str, Sequence[str]], everywhere: str | None = None) -> None:
        self._secrets = {name: tuple(filter(None, given)) for name, given in secrets.items()}
        shared = [everywhere] if everywhere else []
        self._digests = {name: _digests([*given, *shared]) for name, given in self._secrets.items()}
        self._shared = _digests(shared)

    def check(
        self, source: AlertSource | None, name: str, raw: bytes, headers: Mapping[str, str], now: datetime
    ) -> bool:
        """Whether the request comes from who may send as `name`; header names are lower case.

        `source` is None where the name is unknown: then only a token or a password counts, so that strangers
        cannot tell which sources there are.
        """
        known = self._digests.get(name, self._shared)
        if _is_one_of(_credential(headers.get("authorization")), known):
            return True
        secrets = self._secrets.get(name, ())
        return source is not None and bool(secrets) and source.verify(raw, headers, secrets, now)


class ApiTokens:
    """API callers by their bearer token. Only digests are kept, and every one is compared each time."""

    def __init__(self, actors: Mapping[str, Actor]) -> None:
        self._actors = [(_digest(_secret_bytes(secret)), actor) for secret, actor in actors.items() if secret]

    def actor_for(self, header: str | None) -> Actor | None:
        """Whose token an `Authorization` header carries; None for nobody's, or for another scheme."""
        scheme, credential = _split(header)
        return self._holder(_header_bytes(credential)) if scheme == "bearer" else None

    def actor_of(self, secret: str) -> Actor | None:
        """Whose token this is, as typed into a form or given to the command line; None for nobody's."""
        return self._holder(_secret_bytes(secret))

    def _holder(self, credential: bytes) -> Actor | None:
        digest = _digest(credential)
        found = None
        for known, actor in self._actors:
            if hmac.compare_digest(known, digest):
                found = actor
        return found


def _is_one_of(credential: bytes | None, known: Sequence[bytes]) -> bool:
    if credential is None:
        return False
    digest = _digest(credential)
    found = False
    for one in known:
        found |= hmac.compare_digest(one, digest)
    return found


def _credential(header: str | None) -> bytes | None:
    """The secret that a header carries: a bearer token, or the password of any user."""
    scheme, credential = _split(header)
    if scheme == "bearer":
        return _header_bytes(credential)
    if scheme != "basic":
        return None
    try:
        pair = base64.b64decode(_header_bytes(credential), validate=True)
    except binascii.Error:
        return None
    _, colon, password = pair.partition(b":")
    return password if colon else None


def _split(header: str | None) -> tuple[str, str]:
    if header is None or len(header) > MAX_AUTHORIZATION:
        return "", ""
    scheme, _, credential = header.strip().partition(" ")
    return scheme.lower(), credential.strip()


def _header_bytes(text: str) -> bytes:
    """The bytes as they were sent: servers read headers as Latin-1. Text that came another way is UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _secret_bytes(secret: str) -> bytes:
    """A configured secret; one from the environment may hold any bytes, which Python shows as surrogates."""
    try:
        return secret.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return secret.encode("utf-8", "surrogatepass")


def _digest(secret: bytes) -> bytes:
    # Digests have one length, so the time of a comparison tells nothing about the secret's.
    return hashlib.sha256(secret).digest()


def _digests(secrets: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(_digest(_secret_bytes(secret)) for secret in secrets)
