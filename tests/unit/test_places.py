"""One host in all its forms is one place: what a drill may not reach is told from the place, not from the spelling."""

from __future__ import annotations

import pytest

from bot.adapters.addresses import parse_address
from bot.adapters.places import is_barred, named_host, shared_hosts

OWN = ["127.0.0.1:80", "localhost:80", "LOCALHOST:80", "localhost.:80", "127.1:80", "0.0.0.0:80", "2130706433:80"]
OWN += ["0x7f000001:80", "[::1]:80", "[::]:80", "[::ffff:127.0.0.1]:80", "a.localhost:80"]


@pytest.mark.parametrize("listed", ["127.0.0.1", "127.0.0.1:80", "localhost", "[::1]:80", "::1"])
@pytest.mark.parametrize("written", OWN)
def test_the_own_host_is_one_place_however_it_is_written(written: str, listed: str) -> None:
    assert is_barred(parse_address(f"http://{written}/x"), [listed])
    assert shared_hosts([written], [listed]) == [written]


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("https://DEPLOY.Example.com./x", "deploy.example.com"),
        ("https://deploy.example.com/x", "Deploy.Example.Com:443"),
        ("https://bücher.example/x", "xn--bcher-kva.example"),
        ("http://10.1:8080/", "10.0.0.1:8080"),
        ("http://[2001:db8:0:0::1]/", "2001:db8::1"),
        ("http://[::ffff:10.0.0.1]/", "10.0.0.1"),
    ],
)
def test_a_host_is_barred_in_every_form(url: str, listed: str) -> None:
    assert is_barred(parse_address(url), [listed])


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("https://deploy.staging.example.com/x", "deploy.example.com"),
        ("https://example.com/x", "deploy.example.com"),
        ("https://deploy.example.com:8443/x", "deploy.example.com:443"),
        ("http://127.0.0.1:8001/", "127.0.0.1:8002"),
        ("http://10.0.0.11/", "10.0.0.1"),
    ],
)
def test_another_host_or_port_is_another_place(url: str, listed: str) -> None:
    assert not is_barred(parse_address(url), [listed])


def test_hosts_are_shared_where_either_entry_means_every_port() -> None:
    assert shared_hosts(["a.example", "b.example:1", "c.example:1"], ["A.example:9", "b.example", "c.example:2"]) == [
        "a.example",
        "b.example:1",
    ]


@pytest.mark.parametrize(
    "word",
    ["http://0x7f000001:80/x", "--to=127.0.0.1:80", "a,localhost:80", "http://[::1]:80/", "2130706433", "u@LOCALHOST."],
)
def test_a_barred_host_is_found_in_what_a_script_is_handed(word: str) -> None:
    assert named_host(["fine", word], ["127.0.0.1:80"]) == "127.0.0.1:80"


@pytest.mark.parametrize("word", ["0", "1", "80", "127.0.0.1:81", "staging.example", "41", "2026-01-01", ""])
def test_numbers_and_other_hosts_are_handed_over(word: str) -> None:
    assert named_host([word], ["127.0.0.1:80", "deploy.example.com"]) is None
