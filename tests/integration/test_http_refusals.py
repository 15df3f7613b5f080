"""What the HTTP adapter refuses before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.adapters.addresses import is_allowed, parse_address
from bot.adapters.http import HttpxHttp
from bot.domain.errors import Refused
from bot.plugins import Call

ANY = ["127.0.0.1"]


@pytest.fixture(scope="module")
def http() -> Iterator[HttpxHttp]:
    adapter = HttpxHttp()
    yield adapter
    adapter.close()


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
