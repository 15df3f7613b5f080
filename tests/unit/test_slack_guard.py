"""The guard in front of Slack's requests, and the memory that makes each of them count once."""

from __future__ import annotations

import hashlib
import hmac
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from support.redis_servers import redis_server

from bot.adapters.once import RedisOnce
from bot.slack.guard import KEPT, Guard, Seal

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
STAMP = str(int(NOW.timestamp())).encode()
BODY = b"command=%2Fhalt-release&text=fraud-model"


class Anew:
    """Everything is new."""

    def first(self, key: str, keep: timedelta) -> bool:
        return True

    def forget(self, key: str) -> None:
        """Nothing was kept."""


def sign(secret: str, stamp: bytes = STAMP, body: bytes = BODY) -> bytes:
    return b"v0=" + hmac.new(secret.encode(), b"v0:" + stamp + b":" + body, hashlib.sha256).hexdigest().encode()


def test_each_of_several_secrets_counts() -> None:
    guard = Guard(("new", "old"), Anew())
    for secret in ("new", "old"):
        assert guard.is_authentic(BODY, Seal(STAMP, sign(secret)), NOW)
    assert not guard.is_authentic(BODY, Seal(STAMP, sign("older")), NOW)
    assert not guard.is_authentic(BODY + b"x", Seal(STAMP, sign("new")), NOW)


def test_without_a_secret_nothing_is_authentic() -> None:
    for secrets in ((), ("",)):
        guard = Guard(secrets, Anew())
        assert not guard.is_open
        assert not guard.is_authentic(BODY, Seal(STAMP, sign("")), NOW)


@pytest.mark.parametrize(
    "stamp",
    [b"", b"abc", b"1e9", b" 1", b"+1", b"-1", b"1" * 11, b"9" * 5000, "١٢٣".encode(), b"1700000000\n", b"0x1", b"1_0"],
)
def test_odd_timestamps_are_refused_even_where_they_are_well_signed(stamp: bytes) -> None:
    assert not Guard(("secret",), Anew()).is_authentic(BODY, Seal(stamp, sign("secret", stamp)), NOW)


@pytest.mark.parametrize(("age", "is_fresh"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_a_request_is_fresh_for_300_seconds_both_ways(age: int, is_fresh: bool) -> None:
    seal = Seal(STAMP, sign("secret"))
    assert Guard(("secret",), Anew()).is_authentic(BODY, seal, NOW + timedelta(seconds=age)) is is_fresh


@pytest.mark.parametrize(
    "signature", [b"", b"v0=", b"v0=" + b"0" * 63, b"v1=" + b"0" * 64, b"v0=" + b"F" * 64, b"\xff" * 67]
)
def test_odd_signatures_are_refused(signature: bytes) -> None:
    assert not Guard(("secret",), Anew()).is_authentic(BODY, Seal(STAMP, signature), NOW)


def test_headers_have_to_be_there_exactly_once() -> None:
    stamp, signature = (b"x-slack-request-timestamp", STAMP), (b"x-slack-signature", sign("secret"))
    assert Seal.of([stamp, signature]) == Seal(STAMP, sign("secret"))
    assert Seal.of([stamp]).signature is None
    assert Seal.of([stamp, signature, signature]).signature is None
    assert not Guard(("secret",), Anew()).is_authentic(BODY, Seal.of([signature]), NOW)


@given(st.binary(max_size=300), st.none() | st.binary(max_size=80), st.none() | st.binary(max_size=80))
def test_whatever_a_stranger_sends_is_refused_without_a_fault(
    body: bytes, stamp: bytes | None, signature: bytes | None
) -> None:
    assert Guard(("secret", "other"), Anew()).is_authentic(body, Seal(stamp, signature), NOW) is False


# What was seen once


class Clock:
    """Seconds that a test moves."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def away(clock: Clock) -> RedisOnce:
    """A memory whose Redis nobody answers for."""
    return RedisOnce("unix:///nonexistent/once.sock", monotonic=clock)


def test_while_redis_is_away_this_process_remembers() -> None:
    clock = Clock()
    once = away(clock)
    assert once.first("a", KEPT)
    assert not once.first("a", KEPT)
    assert once.first("b", KEPT)
    clock.seconds += KEPT.total_seconds() - 1
    assert not once.first("a", KEPT)
    clock.seconds += 2
    assert once.first("a", KEPT)


def test_what_is_forgotten_may_come_again() -> None:
    once = away(Clock())
    assert once.first("a", KEPT)
    once.forget("a")
    assert once.first("a", KEPT)


def test_the_memory_of_a_process_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.adapters.once.MOST_KEPT", 100)
    once = away(Clock())
    assert all(once.first(str(number), KEPT) for number in range(500))
    assert not once.first("499", KEPT)
    assert len(once._own) <= 101


@pytest.fixture
def redis_address(short_tmp: Path) -> Iterator[str]:
    with redis_server(short_tmp) as server:
        yield server.url


def test_two_processes_with_one_redis_take_it_once_and_nothing_secret_is_kept(redis_address: str) -> None:
    clock = Clock()
    one, other = RedisOnce(redis_address, monotonic=clock), RedisOnce(redis_address, monotonic=clock)
    assert one.first("slack:v0=secret", KEPT)
    assert not other.first("slack:v0=secret", KEPT)
    with Redis.from_url(redis_address) as link:
        names = [name.decode() for name in link.keys("andon:once:*")]
        assert len(names) == 1
        assert "secret" not in names[0]
        assert 590 <= link.ttl(names[0]) <= 600
    one.forget("slack:v0=secret")
    fresh = RedisOnce(redis_address, monotonic=clock)
    assert fresh.first("slack:v0=secret", KEPT)
    for memory in (one, other, fresh):
        memory._redis.close()


@pytest.mark.parametrize("module", ["bot.worker", "bot.clock", "bot.app", "bot.cli.entry", "bot.web.application"])
def test_only_who_hears_slack_loads_its_libraries(module: str) -> None:
    code = (
        f"import sys, {module}\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('slack_bolt', 'slack_sdk', 'slackblocks')])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
