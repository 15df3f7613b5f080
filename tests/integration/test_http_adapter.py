"""The HTTP adapter against real servers that behave, and servers that do not."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
import support
from support.ledger import Ledger, running_ledger

from bot.adapters.addresses import is_allowed, parse_address
from bot.adapters.http import HttpxHttp
from bot.domain.errors import Refused
from bot.plugins import Call


@pytest.fixture(scope="module")
def http() -> Iterator[HttpxHttp]:
    adapter = HttpxHttp()
    yield adapter
    adapter.close()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with running_ledger(tmp_path_factory.mktemp("ledger")) as running:
        yield running


@contextmanager
def raw_server(talk: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server whose every connection is handed to `talk`; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    conversations: list[threading.Thread] = []

    def one(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if tls is not None:
                with tls.wrap_socket(connection, server_side=True) as wrapped:
                    talk(wrapped)
            else:
                talk(connection)

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                conversations.append(threading.Thread(target=one, args=(connection,), daemon=True))
                conversations[-1].start()

    accepting = threading.Thread(target=serve, daemon=True)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(5)
        for conversation in conversations:
            conversation.join(5)


def answering(raw: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(raw)

    return talk


def dripping(quick: bytes, slow: bytes, gap: float = 0.2) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(quick)
        for position in range(len(slow)):
            connection.sendall(slow[position : position + 1])
            threading.Event().wait(gap)

    return talk


def get(port: int, *, path: str = "/", seconds: float = 5.0, **values: object) -> Call:
    return Call("GET", f"http://127.0.0.1:{port}{path}", timeout=timedelta(seconds=seconds), **values)  # type: ignore[arg-type]


ANY = ["127.0.0.1"]
CERTIFICATE = str(Path(support.__file__).with_name("localhost.pem"))


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


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:9/", []),
        ("http://127.0.0.1:9/", ["localhost"]),
        ("http://127.0.0.1:9/", ["127.0.0.1:8"]),
        ("http://127.0.0.1/", ["127.0.0.1:9"]),
        ("http://127.0.0.1:9@evil.example/", ["127.0.0.1"]),
        ("http://user:hunter2hunter2@127.0.0.1/", ["127.0.0.1"]),
        ("http://evil.example\\@127.0.0.1/", ["127.0.0.1", "evil.example"]),
        ("http://127.0.0.1.evil.example/", ["127.0.0.1"]),
        ("http://evil.example#@127.0.0.1/", ["127.0.0.1"]),
        ("http://evil.example?@127.0.0.1/", ["127.0.0.1"]),
        ("http://2130706433/", ["127.0.0.1"]),
        ("http://0x7f.1/", ["127.0.0.1"]),
        ("http://[::ffff:127.0.0.1]/", ["127.0.0.1"]),
        ("http://%31%32%37.0.0.1/", ["127.0.0.1"]),
        ("http://127.0.0.1%00.evil.example/", ["127.0.0.1"]),
        ("http://127.0.0.1 .evil.example/", ["127.0.0.1"]),
        ("http://api.example.com/", ["example.com"]),
        ("http://example.com.evil.example/", ["example.com"]),
        ("ftp://127.0.0.1/", ["127.0.0.1"]),
        ("file:///etc/passwd", ["", "127.0.0.1"]),
        ("//127.0.0.1/", ["127.0.0.1"]),
        ("127.0.0.1:80/", ["127.0.0.1"]),
        ("http:///x", [""]),
        ("http://", [""]),
        ("", [""]),
        ("http://127.0.0.1:99999/", ["127.0.0.1"]),
        ("http://127.0.0.1:x/", ["127.0.0.1"]),
        ("http://127.0.0.1:0/", ["127.0.0.1"]),
        ("http://127.0.0.1/\r\nX: y", ["127.0.0.1"]),
        ("http://[::1/", ["::1"]),
        ("http://127.0.0.1/" + "a" * 9000, ["127.0.0.1"]),
    ],
)
def test_an_address_outside_the_list_is_refused(http: HttpxHttp, url: str, allowed: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        http.request(Call("GET", url), allow_hosts=allowed)

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("http://127.0.0.1:9/", "127.0.0.1"),
        ("http://127.0.0.1:9/", "127.0.0.1:9"),
        ("https://deploy.example.com/", "deploy.example.com:443"),
        ("https://DEPLOY.Example.Com/", "deploy.example.com"),
        ("https://deploy.example.com./", "Deploy.Example.COM"),
        ("http://bücher.example/", "xn--bcher-kva.example"),
        ("http://xn--bcher-kva.example/", "bücher.example"),
        ("http://[::1]:80/", "::1"),
        ("http://[::1]:8080/", "[::1]"),
        ("http://[::1]:8080/", "[::1]:8080"),
    ],
)
def test_an_entry_allows_its_host_in_any_spelling(url: str, entry: str) -> None:
    assert is_allowed(parse_address(url), [entry])


@pytest.mark.parametrize(
    "headers",
    [
        {"X": "a\r\nY: b"},
        {"X": "a\x00b"},
        {"X\r\nY": "b"},
        {"Host": "evil.example"},
        {"transfer-encoding": "chunked"},
        {"Content-Length": "0"},
        {"X": "s" * 10_000},
    ],
)
def test_a_header_that_could_change_the_framing_is_refused(http: HttpxHttp, headers: dict[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        http.request(Call("GET", "http://127.0.0.1:9/", headers=headers), allow_hosts=ANY)

    assert "evil" not in str(refused.value)
    assert "sss" not in str(refused.value)


@pytest.mark.parametrize("method", ["CONNECT", "trace", "GET /x", "", "G\r\n"])
def test_a_method_that_is_none_is_refused(http: HttpxHttp, method: str) -> None:
    with pytest.raises(Refused):
        http.request(Call(method, "http://127.0.0.1:9/"), allow_hosts=ANY)


def test_a_body_that_is_no_json_is_refused(http: HttpxHttp) -> None:
    with pytest.raises(Refused):
        http.request(Call("POST", "http://127.0.0.1:9/", json={"a": float("nan")}), allow_hosts=ANY)


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


def test_the_ledger_carries_on_where_a_crash_left_it(tmp_path: Path, http: HttpxHttp) -> None:
    call = {"headers": {"Idempotency-Key": "k"}, "json": {"n": 1}}
    with running_ledger(tmp_path) as before:
        http.request(Call("POST", before.url + "/effects/kept", **call), allow_hosts=ANY)  # type: ignore[arg-type]
    with (tmp_path / "ledger.jsonl").open("ab") as torn:
        torn.write(b'{"kind": "eff')
    with running_ledger(tmp_path) as after:
        reply = http.request(Call("POST", after.url + "/effects/kept", **call), allow_hosts=ANY)  # type: ignore[arg-type]
        assert (reply.status, reply.body["applied"]) == (200, False)
        assert len(after.effects("kept")) == 1
        assert len(after.calls("kept")) == 2


def test_the_ledger_without_dedup_shows_doubles_and_with_fences_refuses_old_ones(
    tmp_path: Path, http: HttpxHttp
) -> None:
    def act(running: Ledger, fence: int) -> int | None:
        headers = {"Idempotency-Key": "same", "Andon-Fence": str(fence)}
        return http.request(Call("POST", running.url + "/effects/x", headers=headers), allow_hosts=ANY).status

    with running_ledger(tmp_path, dedup=False, fences=True) as running:
        assert [act(running, 5), act(running, 5), act(running, 4), act(running, 6)] == [200, 200, 409, 200]
        assert len(running.effects("x")) == 3
        assert [one["outcome"] for one in running.calls("x")] == ["applied", "applied", "stale", "applied"]


def test_the_ledger_plays_a_deployer_with_models(tmp_path: Path, http: HttpxHttp) -> None:
    models = {"fraud": {"serving": "42", "versions": ["41", "42"]}}
    with running_ledger(tmp_path, models=models, bad_versions=["42"]) as running:
        page = http.request(Call("GET", running.url + "/metrics"), allow_hosts=ANY).text
        assert 'model_error_ratio{model="fraud"} 0.2\n' in page
        url = running.url + "/models/fraud/rollback"
        done = http.request(Call("POST", url, json={"from": "42", "to": "41"}), allow_hosts=ANY)
        assert (done.status, done.body["serving"], running.model("fraud")["serving"]) == (200, "41", "41")
        again = http.request(Call("POST", url, json={"from": "42", "to": "41"}), allow_hosts=ANY)
        assert again.status == 409
        page = http.request(Call("GET", running.url + "/metrics"), allow_hosts=ANY).text
        assert 'model_error_ratio{model="fraud"} 0.002\n' in page


def test_what_was_received_is_on_disk_before_the_answer(tmp_path: Path, http: HttpxHttp) -> None:
    with running_ledger(tmp_path) as running:
        http.request(Call("POST", running.url + "/effects/x", json=1), allow_hosts=ANY)
        kinds = [json.loads(line)["kind"] for line in (tmp_path / "ledger.jsonl").read_bytes().splitlines()]
    assert kinds == ["call", "effect"]
