"""The client that serving code uses, against real servers on loopback that are well, slow, broken or not there."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from andon_observations import Observer

from bot.evidence.observations import parse_observations
from tests.support.held_server import HeldServer, held_server
from tests.support.scripted_server import Answer

QUICK = {"batch_seconds": 0.01, "first_pause": 0.01}
TOKEN = "token-of-the-test"


@pytest.fixture
def receiver() -> Iterator[HeldServer]:
    with held_server() as server:
        yield server


@contextmanager
def observing(url: str, **settings: Any) -> Iterator[Observer]:
    observer = Observer(url, TOKEN, "fraud/2026 11", **{**QUICK, **settings})
    try:
        yield observer
    finally:
        observer.close(0.0)


def counted(observer: Observer) -> dict[str, int]:
    return {name: value for name, value in observer.stats().items() if value and name != "last_error"}


def test_what_serving_code_says_arrives_as_it_is_asked_for(receiver: HeldServer) -> None:
    with observing(receiver.url + "/andon/") as observer:
        assert observer.pair(
            "a", incumbent="ok", candidate="fraud", incumbent_ms=1.5, candidate_ms=2, slice={"c": "DE"}, session="s"
        )
        observer.incumbent("b", 0.25, ms=3.5, session="s")
        observer.candidate("b", error="timeout")
        observer.label("a", "fraud")
        assert observer.close(10)
    assert receiver.lines() == [
        {
            "key": "a",
            "incumbent": "ok",
            "candidate": "fraud",
            "incumbent_ms": 1.5,
            "candidate_ms": 2,
            "slice": {"c": "DE"},
            "session": "s",
        },
        {"key": "b", "incumbent": 0.25, "incumbent_ms": 3.5, "session": "s"},
        {"key": "b", "error": {"candidate": "timeout"}},
        {"key": "a", "label": "fraud"},
    ]
    one = receiver.received[0]
    assert (one.method, one.path) == ("POST", "/andon/api/v1/canaries/fraud%2F2026%2011/observations")
    assert one.headers["authorization"] == f"Bearer {TOKEN}"
    assert one.headers["content-type"] == "application/x-ndjson"
    assert one.headers["content-encoding"] == "gzip"
    assert len(one.headers["idempotency-key"]) == 32
    assert counted(observer)["sent"] == 4
    taken = parse_observations(one.body, encoding="gzip", unit="session")
    assert len(taken) == 4
    assert taken.aside.total == 0


def test_a_batch_leaves_when_it_is_full_and_when_its_time_is_over(receiver: HeldServer) -> None:
    with observing(receiver.url, batch_lines=3, batch_seconds=60) as observer:
        for number in range(3):
            observer.label(str(number), number)
        receiver.arrived.get(timeout=10)
    with observing(receiver.url, batch_lines=1000, batch_seconds=0.01) as observer:
        observer.label("alone", 1)
        receiver.arrived.get(timeout=10)
    assert [one["key"] for one in receiver.lines()] == ["0", "1", "2", "alone"]


@pytest.mark.parametrize("bad", [Answer(500), Answer(503), Answer(429), Answer(0)], ids=lambda answer: answer.status)
def test_a_batch_that_was_not_taken_is_sent_again_under_the_same_key(receiver: HeldServer, bad: Answer) -> None:
    receiver.will(bad, bad, Answer(202))
    with observing(receiver.url) as observer:
        observer.label("a", 1)
        assert [receiver.arrived.get(timeout=10) for _ in range(3)]
        assert observer.close(10)
    assert len({one.headers["idempotency-key"] for one in receiver.received}) == 1
    assert len({one.body for one in receiver.received}) == 1
    assert counted(observer) == {"sent": 1, "batches": 1, "retries": 2}


def test_each_batch_has_a_key_of_its_own(receiver: HeldServer) -> None:
    with observing(receiver.url, batch_lines=1) as observer:
        for number in range(5):
            observer.label(str(number), 1)
        assert observer.close(10)
    assert len({one.headers["idempotency-key"] for one in receiver.received}) == 5


def test_a_batch_that_is_too_large_is_sent_in_halves(receiver: HeldServer) -> None:
    receiver.will(Answer(413), Answer(202), Answer(413), Answer(413), Answer(202))
    with observing(receiver.url, batch_lines=4, batch_seconds=60) as observer:
        for number in range(4):
            observer.label(str(number), 1)
        assert observer.close(10)
    # 0-3 too large; 0-1 taken; 2-3 too large; 2 alone too large: refused; 3 taken.
    assert counted(observer) == {"sent": 3, "refused": 1, "batches": 2}
    assert [one["key"] for one in receiver.lines()] == ["0", "1", "2", "3", "0", "1", "2", "3", "2", "3"]


@pytest.mark.parametrize("status", [301, 400, 401, 404, 422])
def test_a_no_is_taken_for_an_answer(receiver: HeldServer, status: int) -> None:
    receiver.will(Answer(status))
    with observing(receiver.url) as observer:
        observer.label("a", 1)
        assert observer.close(10)
    assert counted(observer) == {"refused": 1}
    assert observer.stats()["last_error"] == f"Andon answered {status}"


def test_what_waits_is_bounded_and_what_is_dropped_is_counted_while_andon_is_slow(receiver: HeldServer) -> None:
    receiver.gate.clear()
    with observing(receiver.url, queue_lines=10, batch_lines=1, timeout=20) as observer:
        observer.label("first", 1)
        receiver.arrived.get(timeout=10)  # the thread now waits for an answer that does not come
        taken = [observer.label(str(number), 1) for number in range(25)]
        assert taken == [True] * 10 + [False] * 15
        assert counted(observer) == {"dropped_full": 15, "waiting": 11}
        receiver.gate.set()
        assert observer.close(10)
    assert counted(observer)["sent"] == 11


def test_a_server_that_is_down_costs_lines_and_nothing_else() -> None:
    with socket.socket() as taken:  # bound and not listening: every connection is refused
        taken.bind(("127.0.0.1", 0))
        with observing(f"http://127.0.0.1:{taken.getsockname()[1]}", give_up_after=0.05) as observer:
            assert observer.pair("a", incumbent=1, candidate=1)
            assert observer.close(10)
    assert counted(observer)["dropped_unsent"] == 1
    assert observer.stats()["last_error"] == "Andon cannot be reached: ConnectionRefusedError"


def test_close_gives_up_in_time_and_counts_what_was_left(receiver: HeldServer) -> None:
    receiver.gate.clear()
    with observing(receiver.url, batch_lines=1, timeout=20) as observer:
        for number in range(3):
            observer.label(str(number), 1)
        receiver.arrived.get(timeout=10)
        assert observer.close(0.05) is False
        assert counted(observer) == {"dropped_unsent": 2, "waiting": 1}
        assert observer.label("after", 1) is False


def test_nothing_that_is_said_raises_and_what_is_no_json_is_counted(receiver: HeldServer) -> None:
    class Hostile:
        def tolist(self) -> None:
            raise RuntimeError("no")

    loop: list[Any] = []
    loop.append(loop)
    with observing(receiver.url) as observer:
        for answer in (float("nan"), object(), b"bytes", Hostile(), loop, {1, 2}, "x" * 300_000):
            observer.pair("a", incumbent=answer)
        observer.pair(object(), incumbent=1)
        observer.pair("good", incumbent=np.float32(0.5), candidate=np.array([1, 2]), label=(1, np.int64(2)))
        assert observer.close(10)
    assert receiver.lines() == [{"key": "good", "incumbent": 0.5, "candidate": [1, 2], "label": [1, 2]}]
    assert counted(observer) == {"sent": 1, "batches": 1, "refused": 8}


def test_an_answer_that_is_changed_afterwards_is_reported_as_it_was(receiver: HeldServer) -> None:
    ranking = [3, 1, 2]
    with observing(receiver.url, batch_seconds=60) as observer:
        observer.pair("a", incumbent=ranking, candidate=ranking)
        ranking.clear()
        assert observer.close(10)
    assert receiver.lines() == [{"key": "a", "incumbent": [3, 1, 2], "candidate": [3, 1, 2]}]


def test_many_threads_lose_nothing(receiver: HeldServer) -> None:
    with observing(receiver.url, batch_lines=50) as observer, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: observer.label(str(number), number), range(2000)))
        assert observer.close(20)
    assert sorted(one["label"] for one in receiver.lines()) == list(range(2000))
    assert counted(observer)["sent"] == 2000


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_of_a_fork_sends_its_own_lines_and_the_parent_its_own(receiver: HeldServer, tmp_path: Path) -> None:
    with observing(receiver.url, batch_seconds=60) as observer:
        observer.label("parent", 1)
        child = os.fork()
        if child == 0:
            observer.label("child", 1)
            taken = observer.close(10)
            (tmp_path / "said").write_text(json.dumps([taken, observer.stats()["sent"]]))
            os._exit(0)
        os.waitpid(child, 0)
        assert json.loads((tmp_path / "said").read_text()) == [True, 1]
        assert [one["key"] for one in receiver.lines()] == ["child"]
        assert observer.close(10)
    assert [one["key"] for one in receiver.lines()] == ["child", "parent"]


def test_an_address_that_is_none_is_said_at_once() -> None:
    for url in ("andon.example", "ftp://andon.example", "http://"):
        with pytest.raises(ValueError, match="address"):
            Observer(url, TOKEN, "release")


def test_the_token_stands_in_no_description_of_it() -> None:
    observer = Observer("http://127.0.0.1:1", TOKEN, "release")
    assert TOKEN not in repr(observer) + str(observer.stats())
