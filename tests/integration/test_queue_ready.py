"""A ring that was made ready rings once, whatever became of the server meanwhile; one that is dropped never does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from support.redis_servers import redis_server

from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.rq_queue import BATCH, RqQueue, queue_key
from bot.ports import Bell, JobName, Lane

RUN = "run-" + "0" * 26
BELL = Bell(JobName.ADVANCE_RUN, RUN, Lane.ROLLBACKS)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    with redis_server(tmp_path) as running:
        yield running


@pytest.fixture
def link(server: EmbeddedRedis) -> Iterator[Redis]:
    with Redis.from_url(server.url) as client:
        yield client


@pytest.fixture
def queue(server: EmbeddedRedis) -> Iterator[RqQueue]:
    ringing = RqQueue(server.url)
    yield ringing
    ringing.close()


def waiting(link: Redis) -> list[str]:
    """The ids for which a job waits."""
    jobs: list[bytes] = link.lrange(queue_key(Lane.ROLLBACKS), 0, -1)  # type: ignore[assignment]
    return [job.decode().partition("_")[0] for job in jobs]


def test_it_waits_until_it_is_rung_and_is_then_like_any_other(link: Redis, queue: RqQueue) -> None:
    assert queue.ring([BELL])
    [job] = link.lrange(queue_key(Lane.ROLLBACKS), 0, -1)  # type: ignore[misc]
    stamps = {b"created_at", b"enqueued_at"}
    plain = {name: value for name, value in link.hgetall(f"rq:job:{job.decode()}").items() if name not in stamps}  # type: ignore[union-attr]
    link.flushall()
    ring = queue.ready([BELL])
    assert waiting(link) == []
    assert ring.ring()
    assert waiting(link) == [RUN]
    [job] = link.lrange(queue_key(Lane.ROLLBACKS), 0, -1)  # type: ignore[misc]
    made = link.hgetall(f"rq:job:{job.decode()}")
    assert {name: value for name, value in made.items() if name not in stamps} == plain  # type: ignore[union-attr]


def test_one_that_was_dropped_gives_its_connection_back(link: Redis, queue: RqQueue) -> None:
    for _ in range(20):
        queue.ready([BELL]).drop()
    assert waiting(link) == []
    assert len(queue.link.connection_pool._available_connections) == 1  # type: ignore[attr-defined]


def test_a_server_that_forgot_the_script_is_told_it_again(link: Redis, queue: RqQueue) -> None:
    ring = queue.ready([BELL])
    link.script_flush()
    assert ring.ring()
    assert waiting(link) == [RUN]


def test_a_connection_that_was_cut_meanwhile_is_replaced(link: Redis, queue: RqQueue) -> None:
    ring = queue.ready([BELL])
    for client in link.client_list():
        if client["id"] != str(link.client_id()):
            link.client_kill(client["addr"])
    assert ring.ring()
    assert waiting(link) == [RUN]


def test_what_waits_already_is_not_rung_again(link: Redis, queue: RqQueue) -> None:
    ring = queue.ready([BELL, BELL])
    assert queue.ring([BELL])
    assert ring.ring()
    assert waiting(link) == [RUN]


def test_more_than_one_message_holds_is_rung_as_ever(link: Redis, queue: RqQueue) -> None:
    many = [Bell(JobName.ADVANCE_RUN, f"run-{number:026d}", Lane.ROLLBACKS) for number in range(BATCH + 1)]
    assert queue.ready(many).ring()
    assert len(waiting(link)) == BATCH + 1


def test_a_server_that_is_away_makes_it_silent_and_never_an_error(server: EmbeddedRedis, queue: RqQueue) -> None:
    ring = queue.ready([BELL])
    server.stop()
    assert not ring.ring()
    assert not queue.ready([BELL]).ring()
