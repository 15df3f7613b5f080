"""Who may send webhooks and who may call the API."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import ConfigError
from bot.domain.events import Actor, Alert, Role
from bot.settings import parse_tokens
from bot.web.authentication import ApiTokens, WebhookAuthentication
from handlers.alerts import load_sources
from handlers.plain_source import PlainSource

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SOURCES = load_sources()
BODY = b'{"title": "Broken"}'
SECRETS = {"alertmanager": ("first-secret", "second-secret"), "grafana": ("grafana-secret",), "closed": ()}
EVERYWHERE = "one-for-all-sources"

own = WebhookAuthentication(SECRETS)
embedded = WebhookAuthentication(SECRETS, EVERYWHERE)


def may(
    authentication: WebhookAuthentication,
    name: str,
    raw: bytes = BODY,
    authorization: str | None = None,
    signature: str | None = None,
) -> bool:
    given = {"authorization": authorization, "x-grafana-alerting-signature": signature}
    headers = {key: value for key, value in given.items() if value is not None}
    return authentication.check(SOURCES.get(name), name, raw, headers, NOW)


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def grafana_signature(secret: str) -> str:
    return hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("secret", SECRETS["alertmanager"])
def test_each_secret_of_a_source_opens_it_as_a_token_and_as_a_password(secret: str) -> None:
    for header in (f"Bearer {secret}", f"bearer   {secret} ", basic(f"anyone:{secret}"), basic(f":{secret}")):
        assert may(own, "alertmanager", authorization=header)


REFUSED = {
    "nothing": "",
    "no scheme": "first-secret",
    "another scheme": "Token first-secret",
    "an empty token": "Bearer ",
    "a longer token": "Bearer first-secretx",
    "a shorter token": "Bearer first-secre",
    "another case": "Bearer FIRST-SECRET",
    "two tokens": "Bearer first-secret,second-secret",
    "another source's": "Bearer grafana-secret",
    "the secret as the user": basic("first-secret:"),
    "no colon": basic("first-secret"),
    "a password with more colons": basic("a:b:first-secret"),
    "no base64": "Basic !!!",
    "base64 with something else in it": basic("anyone:first-secret")[:12] + "!" + basic("anyone:first-secret")[12:],
    "half a base64": "Basic QQ=",
    "Unicode instead of base64": "Basic ÄÖ\u20ac\ud800",
    "a lone surrogate": "Bearer \ud800",
    "a NUL": "Bearer first-secret\x00",
    "huge": "Bearer " + "x" * 1_000_000,
    "huge with the secret": "Bearer " + " " * 10_000 + "first-secret",
}


@pytest.mark.parametrize("header", REFUSED.values(), ids=REFUSED.keys())
def test_any_other_header_is_refused(header: str) -> None:
    assert not may(own, "alertmanager", authorization=header)
    assert not may(embedded, "alertmanager", authorization=header)


def test_no_header_at_all_is_refused() -> None:
    assert not may(embedded, "alertmanager")


@pytest.mark.parametrize("name", ["generic", "closed", "unknown"])
def test_a_source_without_a_secret_is_closed(name: str) -> None:
    for header in ("Bearer ", "Bearer", basic("user:"), basic(":"), "Bearer first-secret", "Bearer grafana-secret"):
        assert not may(own, name, authorization=header)
        assert not may(WebhookAuthentication({}), name, authorization=header)
        assert not may(WebhookAuthentication({name: ("", "")}, ""), name, authorization=header)


@pytest.mark.parametrize("name", ["alertmanager", "generic", "closed", "unknown"])
def test_the_embedded_token_opens_every_source(name: str) -> None:
    assert may(embedded, name, authorization=f"Bearer {EVERYWHERE}")
    assert not may(own, name, authorization=f"Bearer {EVERYWHERE}")


def test_a_senders_own_signature_opens_its_source_and_no_other() -> None:
    signature = grafana_signature("grafana-secret")
    assert may(own, "grafana", signature=signature)
    assert may(own, "grafana", authorization="Bearer wrong", signature=signature)
    assert not may(own, "grafana", raw=BODY + b" ", signature=signature)
    assert not may(own, "alertmanager", signature=signature)


class Trusting(PlainSource):
    """A sender whose scheme needs no secret of ours, such as a public key's."""

    name: ClassVar[str] = "closed"

    def parse(self, raw: bytes, headers: Mapping[str, str]) -> list[Alert]:
        return []

    def verify(self, raw: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime) -> bool:
        return True


def test_a_closed_source_stays_closed_even_where_its_own_scheme_would_vouch() -> None:
    assert not own.check(Trusting(), "closed", BODY, {}, NOW)
    assert not embedded.check(Trusting(), "closed", BODY, {}, NOW)
    assert WebhookAuthentication({"closed": ("anything",)}).check(Trusting(), "closed", BODY, {}, NOW)


def test_the_embedded_token_signs_nothing() -> None:
    assert not may(embedded, "grafana", signature=grafana_signature(EVERYWHERE))
    without = WebhookAuthentication({}, EVERYWHERE)
    assert not may(without, "grafana", signature=grafana_signature(EVERYWHERE))


@pytest.mark.parametrize("secret", ["pässwörd-€", "日本語の秘密", "with space", "with:colon"])
def test_a_secret_of_any_letters_is_found_as_servers_hand_headers_over(secret: str) -> None:
    authentication = WebhookAuthentication({"generic": (secret,)})
    as_latin_1 = f"Bearer {secret}".encode().decode("latin-1")
    assert may(authentication, "generic", authorization=as_latin_1)
    assert may(authentication, "generic", authorization=basic(f"me:{secret}"))


def test_a_secret_that_is_not_text_is_found_too() -> None:
    secret = b"raw-\xff\xfe-bytes"
    authentication = WebhookAuthentication({"generic": (secret.decode("utf-8", "surrogateescape"),)})
    assert may(authentication, "generic", authorization="Bearer " + secret.decode("latin-1"))


any_text = (
    st.text() | st.text(st.characters(categories=["Cs", "L", "N"])) | st.binary().map(lambda raw: raw.decode("latin-1"))
)
header_values = st.builds(
    "{}{}".format, st.sampled_from(["", "Bearer ", "Basic ", "basic ", "Digest "]), any_text
) | st.builds("Basic {}".format, st.binary().map(lambda raw: base64.b64encode(raw).decode()))


@given(
    name=st.sampled_from([*SOURCES, "closed", "unknown"]),
    headers=st.dictionaries(
        st.sampled_from(["authorization", "x-grafana-alerting-signature", "x-grafana-alerting-timestamp", "ce-id"]),
        header_values,
    ),
    raw=st.binary(max_size=50),
)
def test_no_header_makes_it_raise_or_open(name: str, headers: dict[str, str], raw: bytes) -> None:
    assert embedded.check(SOURCES.get(name), name, raw, headers, NOW) is False


TOKENS = ApiTokens(parse_tokens("ann:viewer:viewer-secret,olga:operator:operator-secret,root:admin:admin-secret"))


def test_each_token_is_its_holders() -> None:
    for secret, actor in [
        ("viewer-secret", Actor("ann", Role.VIEWER)),
        ("operator-secret", Actor("olga", Role.OPERATOR)),
        ("admin-secret", Actor("root", Role.ADMIN)),
    ]:
        assert TOKENS.actor_for(f"Bearer {secret}") == actor
        assert TOKENS.actor_for(f"bearer {secret}") == actor
        assert TOKENS.actor_of(secret) == actor


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "admin-secret",
        "Basic admin-secret",
        basic("root:admin-secret"),
        "Bearer admin-secret,",
        "Bearer ADMIN-SECRET",
        "Bearer admin-secre",
        "Bearer \ud800",
        "Bearer " + "ä" * 100_000,
    ],
)
def test_nobodys_token_is_nobodys(header: str | None) -> None:
    assert TOKENS.actor_for(header) is None
    assert ApiTokens({}).actor_for(header) is None


def test_what_is_typed_as_a_token_is_taken_as_it_is() -> None:
    for typed in ("", "Bearer admin-secret", "admin-secret ", "\ud800", "ä"):
        assert TOKENS.actor_of(typed) is None


@given(header_values)
def test_no_header_makes_the_tokens_raise_or_fit(header: str) -> None:
    assert TOKENS.actor_for(header) is None


def test_neither_shows_its_secrets() -> None:
    for shown in (repr(own), repr(TOKENS), repr(vars(TOKENS))):
        assert "secret" not in shown.replace("_secrets", "")


@pytest.mark.parametrize("name", ["andon", "Andon", "ANDON"])
def test_no_token_is_called_like_the_bot_itself(name: str) -> None:
    with pytest.raises(ConfigError, match="the name of the bot itself"):
        parse_tokens(f"{name}:operator:operator-secret")
