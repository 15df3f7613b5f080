"""The HTTP adapter against real servers that behave, and servers that do not."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from support.ledger import Ledger
from support.raw_server import answering, dripping, raw_server

from bot.adapters.http import HttpxHttp
from bot.plugins import Call

ANY = ["127.0.0.1"]


@pytest.fixture(scope="module")
def http() -> Iterator[HttpxHttp]:
    adapter = HttpxHttp()
    yield adapter
    adapter.close()


def get(port: int, *, path: str = "/", seconds: float = 5.0, **values: object) -> Call:
    return Call("GET", f"http://127.0.0.1:{port}{path}", timeout=timedelta(seconds=seconds), **values)  # type: ignore[arg-type]


def test_a_json_answer_comes_back_parsed_with_lower_case_headers(http: HttpxHttp, ledger: Ledger) -> None:
    reply = http.request(Call("GET", ledger.url + "/effects/nothing"), allow_hosts=[ledger.host])

    assert (reply.status, reply.body, reply.error) == (200, {"count": 0, "effects": []}, "")
    assert reply.headers["content-type"] == "application/json"
    assert 0 < reply.seconds < 5


def test_method_headers_and_body_arrive_as_given(http: HttpxHttp, ledger: Ledger) -> None:
    call = Call("POST", ledger.url + "/effects/given", headers={"Idempotency-Key": "k-1"}, json={"to": "ü"})

    reply = http.request(call, allow_hosts=[ledger.host])

    assert reply.body["applied"] is True
    (seen,) = ledger.calls("given")
    assert (seen["key"], seen["body"], seen["method"]) == ("k-1", {"to": "ü"}, "POST")


def test_text_is_sent_as_text(http: HttpxHttp, ledger: Ledger) -> None:
    http.request(Call("POST", ledger.url + "/effects/words", text="plain words"), allow_hosts=ANY)

    assert ledger.calls("words")[0]["body"] == "plain words"


def test_the_request_says_nothing_of_compression_and_everything_of_its_length(http: HttpxHttp) -> None:
    seen: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        seen.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with raw_server(talk) as port:
        reply = http.request(Call("DELETE", f"http://127.0.0.1:{port}/a%20b?x=1"), allow_hosts=ANY)

    head = seen[0].decode().lower()
    assert reply.status == 204
    assert head.startswith("delete /a%20b?x=1 http/1.1\r\n")
    assert f"host: 127.0.0.1:{port}\r\n" in head
    assert "accept-encoding: identity\r\n" in head


def test_connections_are_used_again(http: HttpxHttp) -> None:
    accepted: list[int] = []

    def talk(connection: socket.socket) -> None:
        accepted.append(1)
        while connection.recv(65536):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with raw_server(talk) as port:
        for _ in range(5):
            assert http.request(get(port), allow_hosts=ANY).text == "ok"
        http.close()

    assert accepted == [1]


def test_a_connection_that_the_server_closed_is_not_used_again(http: HttpxHttp) -> None:
    closed = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        connection.close()
        closed.set()

    with raw_server(talk) as port:
        for _ in range(5):
            reply = http.request(Call("POST", f"http://127.0.0.1:{port}/"), allow_hosts=ANY)
            assert (reply.status, reply.text) == (200, "ok")
            assert closed.wait(5)
            closed.clear()


def test_a_redirect_is_an_answer_and_is_not_followed(http: HttpxHttp) -> None:
    with raw_server(
        answering(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n")
    ) as port:
        reply = http.request(get(port), allow_hosts=ANY)

    assert (reply.status, reply.headers["location"]) == (302, "http://169.254.169.254/")


def test_cookies_of_one_call_are_not_sent_with_the_next(http: HttpxHttp) -> None:
    seen: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        while data := connection.recv(65536):
            seen.append(data)
            connection.sendall(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")

    with raw_server(talk) as port:
        http.request(get(port), allow_hosts=ANY)
        http.request(get(port), allow_hosts=ANY)
        http.close()

    assert len(seen) == 2
    assert b"cookie" not in seen[1].lower()


def test_proxies_of_the_environment_are_not_used(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    adapter = HttpxHttp()

    assert adapter.request(Call("GET", ledger.url + "/effects"), allow_hosts=ANY).status == 200
    adapter.close()


def test_a_long_answer_is_cut_and_says_so(http: HttpxHttp) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900000000\r\n\r\n")
        with suppress(OSError):
            for _ in range(900_000):
                connection.sendall(b"1" * 1000)

    with raw_server(talk) as port:
        reply = http.request(get(port, max_bytes=5000), allow_hosts=ANY)

    assert (reply.status, len(reply.text), reply.body) == (200, 5000, None)
    assert "cut after 5000 bytes" in reply.error


def test_a_compressed_answer_is_not_unpacked(http: HttpxHttp) -> None:
    import gzip

    bomb = gzip.compress(b"0" * 10_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    with raw_server(answering(head + bomb)) as port:
        reply = http.request(get(port), allow_hosts=ANY)

    assert len(reply.text) <= len(bomb)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b"\xff\xfe{}",
        b'{"a": 1} trailing',
        b"[1" + b"1" * 5000 + b"]",
    ],
)
def test_hostile_json_is_text_only(http: HttpxHttp, body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with raw_server(answering(head + body)) as port:
        reply = http.request(get(port), allow_hosts=ANY)

    assert (reply.status, reply.body) == (200, None)
    assert reply.text


@pytest.mark.parametrize(
    "garbage",
    [
        b"not http at all\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    ],
)
def test_an_answer_that_makes_no_sense_is_no_answer(http: HttpxHttp, garbage: bytes) -> None:
    with raw_server(answering(garbage)) as port:
        reply = http.request(Call("POST", f"http://127.0.0.1:{port}/", json={}), allow_hosts=ANY)

    assert (reply.status, reply.was_sent) == (None, True)
    assert f"127.0.0.1:{port}" in reply.error


def test_a_refused_connection_sent_nothing(http: HttpxHttp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    reply = http.request(Call("POST", f"http://127.0.0.1:{port}/", json={}), allow_hosts=ANY)

    assert (reply.status, reply.was_sent) == (None, False)
    assert "refused" in reply.error.lower()


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 63 + ".invalid"])
def test_a_name_that_cannot_be_looked_up_sent_nothing(http: HttpxHttp, host: str) -> None:
    reply = http.request(Call("POST", f"http://{host}/", timeout=timedelta(seconds=5)), allow_hosts=[host])

    assert (reply.status, reply.was_sent) == (None, False)
    assert "looked up" in reply.error


def test_a_server_that_never_accepts_sent_nothing(http: HttpxHttp) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        started = time.monotonic()
        reply = http.request(get(port, seconds=0.7), allow_hosts=ANY)
        for one in waiting:
            one.close()

    assert (reply.status, reply.was_sent) == (None, False)
    assert 0.5 < time.monotonic() - started < 1.7


def test_a_connection_broken_after_the_request_may_have_acted(http: HttpxHttp, ledger: Ledger) -> None:
    ledger.fault("reset_after")
    reply = http.request(Call("POST", ledger.url + "/effects/broken", json={}), allow_hosts=ANY)

    assert (reply.status, reply.was_sent) == (None, True)
    assert len(ledger.effects("broken")) == 1


def test_nothing_is_sent_twice(http: HttpxHttp, ledger: Ledger) -> None:
    ledger.fault("reset", times=-1)
    for _ in range(5):
        http.request(Call("POST", ledger.url + "/effects/once", json={}), allow_hosts=ANY)
    ledger.control(fault=None)

    assert len(ledger.calls("once")) == 5


@pytest.mark.parametrize(
    ("quick", "slow"),
    [
        (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" * 10),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n", b"x" * 2000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 500),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    ],
)
def test_a_dripping_server_is_left_at_the_deadline(http: HttpxHttp, quick: bytes, slow: bytes) -> None:
    with raw_server(dripping(quick, slow)) as port:
        started = time.monotonic()
        reply = http.request(Call("POST", f"http://127.0.0.1:{port}/", timeout=timedelta(seconds=1.5)), allow_hosts=ANY)
        took = time.monotonic() - started

    assert (reply.status, reply.was_sent) == (None, True)
    assert 1.2 < took < 2.5


@pytest.mark.parametrize("mode", ["drip_headers", "drip_body", "hang_after"])
def test_the_deadline_holds_against_one_byte_a_second(http: HttpxHttp, ledger: Ledger, mode: str) -> None:
    ledger.fault(mode, seconds=8)
    started = time.monotonic()
    call = Call("POST", f"{ledger.url}/effects/{mode}", timeout=timedelta(seconds=2))
    reply = http.request(call, allow_hosts=ANY)

    assert 1.5 < time.monotonic() - started < 3
    assert (reply.status, reply.was_sent) == (None, True)
    assert len(ledger.effects(mode)) == 1


def test_the_deadline_holds_while_a_body_is_not_taken(http: HttpxHttp) -> None:
    done = threading.Event()

    def talk(connection: socket.socket) -> None:
        done.wait(5)

    with raw_server(talk) as port:
        call = Call("POST", f"http://127.0.0.1:{port}/", text="x" * 30_000_000, timeout=timedelta(seconds=1))
        started = time.monotonic()
        reply = http.request(call, allow_hosts=ANY)
        took = time.monotonic() - started
        done.set()

    assert (reply.status, reply.was_sent) == (None, True)
    assert took < 2


def test_a_broken_off_body_names_the_status_that_had_come(http: HttpxHttp) -> None:
    with raw_server(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort")) as port:
        reply = http.request(get(port), allow_hosts=ANY)

    assert reply.status is None
    assert "answered 200" in reply.error


def test_errors_hold_neither_path_nor_query(http: HttpxHttp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    reply = http.request(get(port, path="/hunter2?token=hunter2"), allow_hosts=ANY)

    assert "hunter2" not in reply.error


def test_several_threads_share_one_adapter(http: HttpxHttp, ledger: Ledger) -> None:
    failures: list[str] = []

    def work(number: int) -> None:
        for turn in range(10):
            call = Call("POST", f"{ledger.url}/effects/t{number}", headers={"Idempotency-Key": f"{number}-{turn}"})
            reply = http.request(call, allow_hosts=ANY)
            if reply.status != 200:
                failures.append(reply.error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert failures == []
    assert all(len(ledger.effects(f"t{number}")) == 10 for number in range(6))


def test_a_deadline_of_one_thread_does_not_bind_another(http: HttpxHttp, ledger: Ledger) -> None:
    ledger.fault("hang", seconds=3, path="/effects/slow")
    slow = threading.Thread(
        target=http.request,
        args=(Call("POST", ledger.url + "/effects/slow", timeout=timedelta(seconds=1)),),
        kwargs={"allow_hosts": ANY},
    )
    slow.start()
    replies = [http.request(Call("GET", ledger.url + "/effects/x"), allow_hosts=ANY).status for _ in range(20)]
    slow.join(10)

    assert replies == [200] * 20


def test_a_forked_child_makes_connections_of_its_own(http: HttpxHttp, ledger: Ledger) -> None:
    code = (
        "import os, sys\n"
        "from bot.adapters.http import HttpxHttp\n"
        "from bot.plugins import Call\n"
        "http = HttpxHttp()\n"
        "def call(): return http.request(Call('GET', sys.argv[1]), allow_hosts=['127.0.0.1']).status\n"
        "assert call() == 200\n"
        "child = os.fork()\n"
        "ok = all(call() == 200 for _ in range(20))\n"
        "if child == 0: os._exit(0 if ok else 1)\n"
        "sys.exit(0 if ok and os.waitpid(child, 0)[1] == 0 else 1)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, ledger.url + "/effects/x"], timeout=60, check=False, cwd=Path.cwd()
    )

    assert done.returncode == 0
