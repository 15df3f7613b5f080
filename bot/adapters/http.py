"""Outgoing HTTP: allowed hosts only, no redirects, capped answers, a wall-clock deadline for the whole call."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from bot.adapters.addresses import Address, is_allowed, parse_address
from bot.adapters.places import is_barred
from bot.domain.errors import BadInput, Refused
from bot.domain.strict_json import parse_json
from bot.plugins import Call, Reply

if TYPE_CHECKING:
    import ssl

    import httpcore

KEEPALIVE_SECONDS = 2.0
"""An idle connection older than this is not used again. Servers close idle connections after 5 s or more, so that a
request seldom meets one that is being closed; where it does, `was_sent` is true and nothing is sent twice."""

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\U0010ffff]*")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "te", "upgrade"})


class HttpxHttp:
    """`bot.ports.Http` over the transport of httpx (httpcore); one per process, safe to use from several threads.

    It drives the transport itself: httpx.Client would keep cookies from one target for the next and would unpack
    compressed answers. Proxies of the environment are never used. `SSL_CERT_FILE` names other roots of trust; tests
    hand over `tls` instead. A forked child gets connections of its own.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._lock = threading.Lock()
        self._pools: dict[tuple[int, str], httpcore.ConnectionPool] = {}
        self._exchange: Any = None

    def warm(self) -> None:
        """Load libraries and roots of trust now (about 0.1 s), so that the first rollback need not wait for them."""
        self._pool("http")
        self._pool("https")

    def request(self, call: Call, *, allow_hosts: Collection[str], bar_hosts: Collection[str] = ()) -> Reply:
        """Make the call; see `bot.ports.Http`. Refused where host, method or a header is not allowed.

        A reply without status tells by `was_sent` whether the server may have acted: false only where no byte of the
        request left. An answer that breaks off is no answer; one longer than `max_bytes` is cut, and says so.
        """
        address = parse_address(call.url)
        if not is_allowed(address, allow_hosts):
            raise Refused(
                f"{address.authority} is not an allowed host",
                next=f"add {address.host} to allow_hosts of the target in the policy, if it should be",
            )
        if bar_hosts and is_barred(address, bar_hosts):
            raise Refused(f"{address.authority} is a host of production", why="a drill never calls one")
        request = _built(call, address)
        pool = self._pool(address.scheme)
        started = time.monotonic()
        with self._exchange.until(started + call.timeout.total_seconds()):
            return self._exchanged(pool, request, call, address)

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def _exchanged(
        self, pool: httpcore.ConnectionPool, request: httpcore.Request, call: Call, address: Address
    ) -> Reply:
        import httpcore

        started, status = time.monotonic(), None
        try:
            response = pool.handle_request(request)
            try:
                status = response.status
                body, is_cut = _received(response, call.max_bytes)
            finally:
                response.close()
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            seconds = time.monotonic() - started
            text = _failure(error, address, status, seconds)
            return Reply(status=None, was_sent=self._exchange.sent, error=text, seconds=round(seconds, 6))
        return _reply(response, body, is_cut=is_cut, limit=call.max_bytes, seconds=time.monotonic() - started)

    def _pool(self, scheme: str) -> httpcore.ConnectionPool:
        key = (os.getpid(), scheme)
        if key in self._pools:
            return self._pools[key]
        import httpcore

        from bot.adapters.deadlines import DeadlineBackend, Exchange

        with self._lock:
            if self._exchange is None:
                self._exchange = Exchange()
            if key not in self._pools:
                self._pools[key] = httpcore.ConnectionPool(
                    ssl_context=self._roots() if scheme == "https" else None,
                    max_connections=64,
                    max_keepalive_connections=16,
                    keepalive_expiry=KEEPALIVE_SECONDS,
                    network_backend=DeadlineBackend(self._exchange),
                )
        return self._pools[key]

    def _roots(self) -> ssl.SSLContext:
        if self._tls is None:
            import httpx

            self._tls = httpx.create_ssl_context()
        return self._tls


def _built(call: Call, address: Address) -> httpcore.Request:
    """The request as it goes out."""
    import httpcore

    if not _TOKEN.fullmatch(call.method) or call.method.upper() in ("CONNECT", "TRACE"):
        raise Refused(f"{call.method[:20]!r} is not a method that can be used")
    headers = {"accept": "*/*", "user-agent": "andon", **_checked(call.headers)}
    content = b""
    if call.json is not None:
        headers.setdefault("content-type", "application/json")
        content = _encoded(call.json)
    elif call.text is not None:
        headers.setdefault("content-type", "text/plain; charset=utf-8")
        content = call.text.encode("utf-8", "replace")
    headers |= {"host": address.authority, "accept-encoding": "identity"}
    if content or call.method.upper() in ("POST", "PUT", "PATCH"):
        headers["content-length"] = str(len(content))
    return httpcore.Request(
        call.method.upper(),
        httpcore.URL(
            scheme=address.scheme.encode(),
            host=address.host.encode(),
            port=address.port,
            target=address.target.encode(),
        ),
        headers=[(name.encode(), value.encode("utf-8", "replace")) for name, value in headers.items()],
        content=content,
        extensions={"timeout": {"pool": max(0.001, call.timeout.total_seconds())}},
    )


def _checked(headers: Mapping[str, str]) -> dict[str, str]:
    checked = {}
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or name.lower() in _OURS:
            raise Refused(f"{name[:40]!r} is not a header that can be set")
        if not _VALUE.fullmatch(value) or len(value) > 8192:
            # The value is not shown: it may be a secret.
            raise Refused(f"The header {name} is too long or holds a control character")
        checked[name.lower()] = value.strip()
    return checked


def _encoded(value: Any) -> bytes:
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Refused("The body cannot be written as JSON", why=type(error).__name__) from None


def _received(response: httpcore.Response, max_bytes: int) -> tuple[bytes, bool]:
    received = bytearray()
    for chunk in response.iter_stream():
        received += chunk
        if len(received) > max_bytes:
            return bytes(received[:max_bytes]), True
    return bytes(received), False


def _reply(response: httpcore.Response, body: bytes, *, is_cut: bool, limit: int, seconds: float) -> Reply:
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Reply(
        status=response.status,
        text=body.decode("utf-8", "replace"),
        headers=headers,
        error=f"the answer was cut after {limit} bytes" if is_cut else "",
        seconds=round(seconds, 6),
        body=None if is_cut else _parsed(body, headers.get("content-type", "")),
        raw=body,
    )


def _parsed(body: bytes, content_type: str) -> Any:
    if "json" not in content_type and body.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        return parse_json(body)
    except BadInput:
        return None


def _failure(error: Exception, address: Address, status: int | None, seconds: float) -> str:
    import httpcore

    if isinstance(error, httpcore.PoolTimeout):
        return f"no connection to {address.authority} came free within {seconds:.1f} s"
    if isinstance(error, httpcore.ConnectError | httpcore.ConnectTimeout):
        return f"cannot connect to {address.authority}: {error}"
    if status is not None:
        return f"{address.authority} answered {status}, but the answer broke off after {seconds:.1f} s: {error}"
    if isinstance(error, httpcore.TimeoutException):
        return f"{address.authority} gave no answer within {seconds:.1f} s"
    return f"{address.authority} gave no answer: {error}"
