"""The HTTP adapter over TLS."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import support
from support.raw_server import answering, dripping, raw_server

from bot.adapters.http import HttpxHttp
from bot.plugins import Call

CERTIFICATE = str(Path(support.__file__).with_name("localhost.pem"))


@pytest.fixture(scope="module")
def http() -> Iterator[HttpxHttp]:
    adapter = HttpxHttp()
    yield adapter
    adapter.close()


@pytest.fixture(scope="module")
def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def test_a_trusted_certificate_is_accepted_and_connections_are_used_again(server_tls: ssl.SSLContext) -> None:
    accepted: list[int] = []

    def talk(connection: socket.socket) -> None:
        accepted.append(1)
        while connection.recv(65536):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    adapter = HttpxHttp(tls=ssl.create_default_context(cafile=CERTIFICATE))
    with raw_server(talk, server_tls) as port:
        for _ in range(3):
            reply = adapter.request(Call("GET", f"https://localhost:{port}/"), allow_hosts=["localhost"])
            assert (reply.status, reply.text) == (200, "ok")
        adapter.close()

    assert accepted == [1]


def test_an_unknown_certificate_sent_nothing(http: HttpxHttp, server_tls: ssl.SSLContext) -> None:
    with raw_server(answering(b"HTTP/1.1 200 OK\r\n\r\n"), server_tls) as port:
        reply = http.request(Call("POST", f"https://localhost:{port}/"), allow_hosts=["localhost"])

    assert (reply.status, reply.was_sent) == (None, False)
    assert "TLS" in reply.error


def test_a_handshake_that_hangs_ends_at_the_deadline_and_sent_nothing(http: HttpxHttp) -> None:
    done = threading.Event()
    with raw_server(lambda connection: done.wait(5) and None) as port:
        started = time.monotonic()
        call = Call("POST", f"https://localhost:{port}/", timeout=timedelta(seconds=1))
        reply = http.request(call, allow_hosts=["localhost"])
        took = time.monotonic() - started
        done.set()

    assert (reply.status, reply.was_sent) == (None, False)
    assert took < 2


def test_a_dripping_answer_over_tls_ends_at_the_deadline(server_tls: ssl.SSLContext) -> None:
    adapter = HttpxHttp(tls=ssl.create_default_context(cafile=CERTIFICATE))
    with raw_server(dripping(b"", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100), server_tls) as port:
        started = time.monotonic()
        call = Call("POST", f"https://localhost:{port}/", timeout=timedelta(seconds=1))
        reply = adapter.request(call, allow_hosts=["localhost"])
        took = time.monotonic() - started
        adapter.close()

    assert (reply.status, reply.was_sent) == (None, True)
    assert took < 2
