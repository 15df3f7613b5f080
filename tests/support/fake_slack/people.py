"""Delivers what people do to the product: signed over HTTP, or as Socket Mode envelopes; and judges the answer."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlencode, urlsplit

from .socket_mode import SocketMode
from .state import State

ENVELOPES = {"command": "slash_commands", "interaction": "interactive", "event": "events_api"}
FORGERIES = (
    "signature",  # of another body
    "other_secret",
    "no_signature",
    "empty_signature",
    "odd_signature",  # not hexadecimal, not ASCII
    "no_timestamp",
    "empty_timestamp",
    "words_as_timestamp",
    "huge_timestamp",
    "old",  # 400 s ago, well signed
    "ahead",  # 400 s ahead, well signed
)


@dataclass(frozen=True)
class Delivery:
    """What was sent, exactly; it can be sent again as it is."""

    kind: str
    payload: Any = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Answer:
    """What the product answered. `status` None: nothing within the three seconds that Slack waits."""

    status: int | None
    body: str
    seconds: float
    delivery: Delivery
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        """The body, parsed; None where it is empty or no JSON."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            return None


class Courier:
    """Carries deliveries to `request_url`, or through Socket Mode where that is None."""

    def __init__(self, state: State, sockets: SocketMode) -> None:
        self._state = state
        self._sockets = sockets
        self.request_url: str | None = None
        self.wait_seconds = 3.0

    def carry(
        self, kind: str, payload: Any, *, forge: str | None = None, retry: int = 0, reason: str = "http_timeout"
    ) -> Answer:
        """Send a payload; `retry` marks it as Slack's n-th repetition."""
        if self.request_url is None:
            return self._through_socket(kind, payload, retry, reason)
        body, headers = _written(kind, payload)
        headers |= self._signed(body, forge)
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": reason}
        return self.post(Delivery(kind, payload, body, headers))

    def post(self, delivery: Delivery) -> Answer:
        """Send exactly these bytes and headers: the second time is a replay."""
        assert self.request_url is not None
        where = urlsplit(self.request_url)
        connection = HTTPConnection(where.hostname or "127.0.0.1", where.port, timeout=self.wait_seconds)
        started = time.perf_counter()
        try:
            connection.request("POST", where.path or "/", delivery.body, dict(delivery.headers))
            response: HTTPResponse = connection.getresponse()
            body = response.read().decode("utf-8", "replace")
            took = time.perf_counter() - started
            return Answer(response.status, body, took, delivery, {k.lower(): v for k, v in response.getheaders()})
        except (TimeoutError, OSError, HTTPException) as error:
            return Answer(None, f"{type(error).__name__}: {error}", time.perf_counter() - started, delivery)
        finally:
            connection.close()

    def _through_socket(self, kind: str, payload: Any, retry: int, reason: str) -> Answer:
        more: dict[str, Any] = {"accepts_response_payload": kind != "event"}
        if kind == "event":
            more |= {"retry_attempt": retry, "retry_reason": reason if retry else ""}
        started = time.perf_counter()
        ack = self._sockets.send(ENVELOPES[kind], payload, seconds=self.wait_seconds, **more)
        took = time.perf_counter() - started
        delivery = Delivery(kind, payload)
        if ack is None:
            return Answer(None, "no ack", took, delivery)
        given = ack.get("payload")
        return Answer(200, "" if given is None else json.dumps(given), took, delivery)

    def _signed(self, body: bytes, forge: str | None) -> dict[str, str]:
        assert forge is None or forge in FORGERIES, f"{forge!r} is none of {FORGERIES}"
        shift = {"old": -400, "ahead": 400}.get(forge or "", 0)
        stamp = str(int(self._state.clock()) + shift)
        odd = {"empty_timestamp": "", "words_as_timestamp": "yesterday", "huge_timestamp": "9" * 400}
        stamp = odd.get(forge or "", stamp)
        secret = "of-somebody-else" if forge == "other_secret" else self._state.workspace.signing_secret
        signed = body + b"x" if forge == "signature" else body
        headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature(secret, stamp, signed)}
        if forge == "no_signature":
            del headers["X-Slack-Signature"]
        if forge == "no_timestamp":
            del headers["X-Slack-Request-Timestamp"]
        if forge in ("empty_signature", "odd_signature"):
            headers["X-Slack-Signature"] = "" if forge == "empty_signature" else "v0=\xe9\xff"
        return headers


def signature(secret: str, stamp: str, body: bytes) -> str:
    """Slack's scheme v0: HMAC-SHA256 of `v0:{timestamp}:{body}`."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def _written(kind: str, payload: Any) -> tuple[bytes, dict[str, str]]:
    if kind == "event":
        return json.dumps(payload).encode(), {"Content-Type": "application/json", "User-Agent": "Slackbot 1.0"}
    form = payload if kind == "command" else {"payload": json.dumps(payload)}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "Slackbot 1.0"}
    return urlencode(form).encode(), headers
