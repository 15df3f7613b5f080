"""Sockets under a wall-clock deadline: one limit for name look-up, connect, TLS, sending and receiving together.

The timeouts of HTTP libraries hold for each operation, so that a peer which sends one byte a second is never late.
Here every operation of a call gets only the time that the whole call has left. The same place knows best whether
anything was handed to the peer.
"""

# ruff: noqa: ARG002 - the signatures are httpcore's; its timeouts give way to the deadline

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore

MUCH = 64 * 1024
"""Bytes of a request that are sent before the next ones are there."""


class Exchange(threading.local):
    """The call that this thread is making. Sockets outlive calls, so the limit belongs to the thread."""

    ends: float | None = None
    sent: bool = False

    @contextmanager
    def until(self, ends: float) -> Iterator[None]:
        """Bound everything this thread does on the network; `ends` is on the monotonic clock, in seconds."""
        self.ends, self.sent = ends, False
        try:
            yield
        finally:
            self.ends = None

    def left(self, late: type[httpcore.TimeoutException]) -> float:
        """Seconds left; raises `late` when none are."""
        if self.ends is None:
            return 1.0
        left = self.ends - time.monotonic()
        if left <= 0:
            raise late("the deadline has passed")
        return left


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens connections in the time that is left."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Try each address of the host in turn; the last failure is the one raised."""
        addresses = self._look_up(host, port)
        failure: Exception = httpcore.ConnectError("the name has no address")
        for count_left, (family, kind, protocol, _, where) in zip(range(len(addresses), 0, -1), addresses, strict=True):
            sock = socket.socket(family, kind, protocol)
            try:
                # An address that never answers must not use up the time of the ones behind it.
                sock.settimeout(self._exchange.left(httpcore.ConnectTimeout) / count_left)
                sock.connect(where)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return DeadlineStream(sock, self._exchange)
            except TimeoutError:
                sock.close()
                failure = httpcore.ConnectTimeout("nothing answers there")
            except (OSError, httpcore.ConnectTimeout) as error:
                sock.close()
                failure = httpcore.ConnectError(_words(error))
        raise failure

    def _look_up(self, host: str, port: int) -> list[Any]:
        try:
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            pass  # not a literal address
        found: list[Any] = []

        def look_up() -> None:
            try:
                found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            except (OSError, UnicodeError) as error:
                found.append(error)

        # The resolver knows no deadline, so it runs aside and is left behind when it is late.
        thread = threading.Thread(target=look_up, name="name look-up", daemon=True)
        thread.start()
        thread.join(self._exchange.left(httpcore.ConnectTimeout))
        if not found:
            raise httpcore.ConnectTimeout("the name look-up takes too long")
        if isinstance(found[0], Exception):
            raise httpcore.ConnectError(f"the name cannot be looked up: {_words(found[0])}")
        addresses: list[Any] = found[0]
        return addresses


class DeadlineStream(httpcore.NetworkStream):
    """One connection; `sent` of the exchange turns true with the first byte that the peer may have got."""

    def __init__(self, sock: socket.socket, exchange: Exchange) -> None:
        self._sock = sock
        self._exchange = exchange
        self._held = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has arrived, at least one byte, or nothing at the end."""
        self._send()
        self._sock.settimeout(self._exchange.left(httpcore.ReadTimeout))
        try:
            return self._sock.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(_words(error)) from error
        except OSError as error:
            raise httpcore.ReadError(_words(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Held until nothing comes, which ends a request, or until it is much: head and body leave together."""
        self._held += buffer
        if not buffer or len(self._held) > MUCH:
            self._send()

    def _send(self) -> None:
        """All that is held; of a failure the rest is not sent later."""
        buffer, self._held = self._held, b""
        while buffer:
            self._sock.settimeout(self._exchange.left(httpcore.WriteTimeout))
            try:
                # A TLS record may leave in part before an error is seen; a plain send either took bytes or did not.
                self._exchange.sent = self._exchange.sent or isinstance(self._sock, ssl.SSLSocket)
                count = self._sock.send(buffer)
            except TimeoutError as error:
                raise httpcore.WriteTimeout(_words(error)) from error
            except OSError as error:
                raise httpcore.WriteError(_words(error)) from error
            self._exchange.sent = self._exchange.sent or count > 0
            buffer = buffer[count:]

    def close(self) -> None:
        """Give the connection up."""
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same connection, encrypted and with the peer's certificate checked."""
        self._sock.settimeout(self._exchange.left(httpcore.ConnectTimeout))
        try:
            return DeadlineStream(ssl_context.wrap_socket(self._sock, server_hostname=server_hostname), self._exchange)
        except TimeoutError as error:
            self.close()
            raise httpcore.ConnectTimeout("the TLS handshake takes too long") from error
        except (OSError, ValueError) as error:
            self.close()
            raise httpcore.ConnectError(f"the TLS handshake failed: {_words(error)}") from error

    def get_extra_info(self, info: str) -> Any:
        """What the connection pool asks for: the TLS object, the socket, and whether something is there to read."""
        if info == "ssl_object":
            return self._sock if isinstance(self._sock, ssl.SSLSocket) else None
        if info == "socket":
            return self._sock
        if info == "is_readable":
            return _is_readable(self._sock)
        return None


def _is_readable(sock: socket.socket) -> bool:
    """An idle connection that can be read from was closed by the peer."""
    if sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message or "the certificate cannot be verified"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
