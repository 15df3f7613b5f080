"""One conversation with a mail server, all of it under one wall-clock deadline; the standard library speaks, we wait.

smtplib's own timeout holds for each read, so that a server which sends a byte now and then is never late. Here it is
given streams that have only the time left which the whole conversation has.
"""

from __future__ import annotations

import io
import re
import smtplib
import socket
import ssl
from typing import Any, cast

import httpcore

from bot.adapters.deadlines import DeadlineBackend, Exchange
from bot.domain.mail import Encryption, SmtpUrl

_MOST_BYTES = 256 * 1024
"""What a server may say in one conversation; answers are a few lines each."""

_FULL_NAME = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")


class NoEncryption(Exception):
    """The server offers none, and nothing may be said without."""


class Conversation(smtplib.SMTP):
    """`smtplib.SMTP` over streams with a deadline. Faults of the network come as exceptions of httpcore."""

    def __init__(self, url: SmtpUrl, tls: ssl.SSLContext, exchange: Exchange) -> None:
        super().__init__(local_hostname="localhost")  # the default asks the resolver, without a deadline
        self._url = url
        self._tls = tls
        self._exchange = exchange

    def open(self) -> None:
        """Connect, encrypt as the address says, and log in where it has a user. Raises what smtplib raises."""
        code, said = self.connect(self._url.host, self._url.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        self._greet()
        if self._url.encryption in (Encryption.ALWAYS, Encryption.OFFERED):
            self._encrypt()
        if self._url.user:
            self.login(self._url.user, self._url.password)

    def leave(self) -> None:
        """Say goodbye without waiting for an answer, and close. Never raises for the network."""
        try:
            if self.sock is not None:
                self.putcmd("quit")
        except (httpcore.NetworkError, httpcore.TimeoutException, OSError, smtplib.SMTPException):
            pass  # what was to be done is done
        finally:
            self.close()

    def _greet(self) -> None:
        code, said = self.ehlo()
        if not 200 <= code <= 299:
            code, said = self.helo()
        if not 200 <= code <= 299:
            raise smtplib.SMTPHeloError(code, said)

    def _encrypt(self) -> None:
        if not self.has_extn("starttls"):
            if self._url.encryption is Encryption.ALWAYS:
                raise NoEncryption
            return
        code, said = self.starttls(context=cast(ssl.SSLContext, _Wrapping(self._tls, self._url.host)))
        if code != 220:
            raise smtplib.SMTPResponseException(code, said)
        self._greet()

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:  # noqa: ARG002 - the deadline rules
        # The hook by which smtplib's own SMTP_SSL brings its sockets.
        stream = DeadlineBackend(self._exchange).connect_tcp(host, port)
        self.local_hostname = _own_name(stream.get_extra_info("socket"))
        if self._url.encryption is Encryption.TLS:
            stream = stream.start_tls(self._tls, host)
        return _StreamSocket(stream)


class _StreamSocket:
    """As much of a socket as smtplib uses."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self.stream = stream

    def sendall(self, data: bytes) -> None:
        self.stream.write(data)

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002 - always rb
        return io.BufferedReader(_Incoming(self.stream))

    def close(self) -> None:
        self.stream.close()


class _Wrapping:
    """The only method of an SSL context that smtplib calls."""

    def __init__(self, tls: ssl.SSLContext, host: str) -> None:
        self._tls = tls
        self._host = host

    def wrap_socket(self, sock: _StreamSocket, server_hostname: str) -> _StreamSocket:  # noqa: ARG002
        # smtplib knows the name only where it connected while it was made.
        return _StreamSocket(sock.stream.start_tls(self._tls, self._host))


class _Incoming(io.RawIOBase):
    """What the server says, up to a limit."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        super().__init__()
        self._stream = stream
        self._left = _MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        got = self._stream.read(len(buffer))
        self._left -= len(got)
        if self._left < 0:
            raise httpcore.ReadError("the server talks without end")
        buffer[: len(got)] = got
        return len(got)


def _own_name(sock: socket.socket) -> str:
    """How we introduce ourselves: the full name of this host, or its address as RFC 5321, 4.1.3 writes it."""
    name = socket.gethostname()
    if _FULL_NAME.fullmatch(name):
        return name
    address = sock.getsockname()[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
