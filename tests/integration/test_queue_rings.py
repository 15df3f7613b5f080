"""The doorbell on a real server: what it writes, how long it takes at worst, and that it never raises."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError
from rq import Queue as StockQueue
from rq.job import Job
from rq.serializers import JSONSerializer
from support.redis_servers import eventually, redis_server

from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.rq_jobs import AndonJob
from bot.adapters.rq_queue import BATCH, MARK_SECONDS, PAUSE_SECONDS, RqQueue, queue_key
from bot.domain.errors import ConfigError
from bot.ports import Bell, JobName, Lane

IDS = ["run-" + f"{number:026}" for number in range(500)]


def bell(number: int = 0, lane: Lane = Lane.ROLLBACKS) -> Bell:
    return Bell(JobName.ADVANCE_RUN, IDS[number], lane)


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


def jobs(link: Redis, lane: Lane = Lane.ROLLBACKS) -> list[Job]:
    return StockQueue(lane, connection=link, serializer=JSONSerializer).jobs


def test_a_ring_is_a_job_that_stock_rq_understands(link: Redis, queue: RqQueue) -> None:
    assert queue.ring([bell()])
    (job,) = jobs(link)
    assert (job.func_name, job.args, job.kwargs) == ("bot.jobs.advance_run", [IDS[0]], {})
    assert (job.origin, job.timeout, job.result_ttl, job.get_status()) == ("rollbacks", -1, 0, "queued")
    assert job.failure_ttl == 7 * 24 * 3600
    assert job.description == f"advance_run {IDS[0]}"
    assert job.enqueued_at is not None
    assert [one.name for one in StockQueue.all(connection=link)] == ["rollbacks"]


def test_what_the_script_writes_is_what_the_stock_queue_writes(link: Redis, queue: RqQueue) -> None:
    queue.ring([bell()])
    (mine,) = (link.hgetall(f"rq:job:{job.id}") for job in jobs(link))
    plain = AndonJob.for_bell(bell(), "plain", connection=link, failure_seconds=7 * 24 * 3600)
    StockQueue("rollbacks", connection=link, job_class=AndonJob, serializer=JSONSerializer).enqueue_job(plain)
    stock = link.hgetall("rq:job:plain")
    times = {b"created_at", b"enqueued_at"}
    assert {k: v for k, v in mine.items() if k not in times} == {k: v for k, v in stock.items() if k not in times}
    assert times <= set(mine)


def test_many_rings_go_out_in_order_and_each_to_its_lane(link: Redis, queue: RqQueue) -> None:
    bells = [bell(number, Lane.NOTICES if number % 2 else Lane.ROLLBACKS) for number in range(500)]
    assert queue.ring(bells)
    assert [job.args[0] for job in jobs(link)] == IDS[::2]
    assert [job.args[0] for job in jobs(link, Lane.NOTICES)] == IDS[1::2]


def test_one_ring_for_many_bells_is_one_round_trip(link: Redis, queue: RqQueue) -> None:
    queue.ring([bell(499)])
    before = link.info("commandstats")["cmdstat_evalsha"]["calls"]
    queue.ring([bell(number) for number in range(100)])
    assert link.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1


def test_a_bell_that_nobody_heard_yet_is_not_rung_twice_until_its_mark_is_over(link: Redis, queue: RqQueue) -> None:
    assert [queue.ring([bell()]) for _ in range(3)] == [True] * 3
    assert len(jobs(link)) == 1
    assert 0 < link.ttl(f"andon:rung:{IDS[0]}") <= MARK_SECONDS
    link.delete(f"andon:rung:{IDS[0]}")
    queue.ring([bell()])
    assert len(jobs(link)) == 2


def test_no_bells_are_no_work(queue: RqQueue, server: EmbeddedRedis) -> None:
    server.stop()
    assert queue.ring([])


def test_threads_may_share_it(link: Redis, queue: RqQueue) -> None:
    threads = [threading.Thread(target=queue.ring, args=([bell(number)],)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(jobs(link)) == 40


def test_while_redis_is_away_a_ring_says_so_at_once_and_the_first_after_the_pause_gets_through(
    server: EmbeddedRedis, queue: RqQueue
) -> None:
    assert queue.ring([bell()])
    server.stop()
    assert not queue.ring([bell(1)])
    assert not queue.ping()
    server.start()
    assert not queue.ring([bell(2)]), "for a moment nobody tries"
    assert queue.ping()
    assert eventually(lambda: queue.ring([bell(3)]), seconds=PAUSE_SECONDS + 1)


def test_a_restart_between_two_rings_is_not_noticed(server: EmbeddedRedis, queue: RqQueue) -> None:
    assert queue.ring([bell()])
    server.stop()
    server.start()
    assert queue.ring([bell(1)])


def test_a_server_that_never_answers_costs_a_bounded_time_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        queue = RqQueue(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        began = time.monotonic()
        assert not queue.ring([bell()])
        first = time.monotonic() - began
        began = time.monotonic()
        assert not queue.ring([bell()])
        second = time.monotonic() - began
        queue.close()
    assert first < 3, "bounded"
    assert second < 0.1, "not tried again"


@pytest.mark.parametrize("url", ["", "nonsense", "http://127.0.0.1", "redis//x"])
def test_an_address_that_makes_no_sense_is_a_configuration_error_that_does_not_repeat_it(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RqQueue(url)
    assert "ANDON_REDIS_URL" in str(caught.value)


def test_a_password_in_an_address_never_comes_out() -> None:
    queue = RqQueue("redis://:hunter2@127.0.0.1:1/0")
    assert not queue.ring([bell()])
    with pytest.raises(ConfigError) as caught:
        RqQueue("redis://:hunter2@127.0.0.1:port/0")
    assert "hunter2" not in str(caught.value)


def test_a_server_that_is_full_is_away(link: Redis, queue: RqQueue) -> None:
    link.config_set("maxmemory", "1")
    assert not queue.ring([bell()])


def test_where_scripts_are_forbidden_the_stock_way_is_taken(link: Redis, server: EmbeddedRedis) -> None:
    link.acl_setuser(
        "plain", enabled=True, nopass=True, keys=["*"], channels=["*"], categories=["+@all", "-@scripting"]
    )
    with Redis.from_url(server.url, username="plain", password="x") as limited:
        with pytest.raises(NoPermissionError):
            limited.eval("return 1", 0)
        queue = RqQueue(limited)
        assert queue.ring([bell(), bell(1)])
    assert [job.args[0] for job in jobs(link)] == IDS[:2]


def test_depths_and_refusals_can_be_read(link: Redis, queue: RqQueue) -> None:
    queue.ring([bell(), bell(1), bell(2, Lane.OTHER)])
    assert queue.depths() == {Lane.ROLLBACKS: 2, Lane.NOTICES: 0, Lane.OTHER: 1}
    assert queue.refused() == 0


# Rings that are made ready: each rings once, whatever became of the server meanwhile; one that is dropped never does.


def waiting(link: Redis) -> list[str]:
    """The ids for which a job waits."""
    jobs: list[bytes] = link.lrange(queue_key(Lane.ROLLBACKS), 0, -1)  # type: ignore[assignment]
    return [job.decode().partition("_")[0] for job in jobs]


def test_it_waits_until_it_is_rung_and_is_then_like_any_other(link: Redis, queue: RqQueue) -> None:
    assert queue.ring([bell()])
    [job] = link.lrange(queue_key(Lane.ROLLBACKS), 0, -1)  # type: ignore[misc]
    stamps = {b"created_at", b"enqueued_at"}
    plain = {name: value for name, value in link.hgetall(f"rq:job:{job.decode()}").items() if name not in stamps}  # type: ignore[union-attr]
    link.flushall()
    ring = queue.ready([bell()])
    assert waiting(link) == []
    assert ring.send()()
    assert waiting(link) == IDS[:1]
    [job] = link.lrange(queue_key(Lane.ROLLBACKS), 0, -1)  # type: ignore[misc]
    made = link.hgetall(f"rq:job:{job.decode()}")
    assert {name: value for name, value in made.items() if name not in stamps} == plain  # type: ignore[union-attr]


def test_one_that_was_dropped_gives_its_connection_back(link: Redis, queue: RqQueue) -> None:
    for _ in range(20):
        queue.ready([bell()]).drop()
    assert waiting(link) == []
    assert len(queue.link.connection_pool._available_connections) == 1  # type: ignore[attr-defined]


def test_a_server_that_forgot_the_script_is_told_it_again(link: Redis, queue: RqQueue) -> None:
    ring = queue.ready([bell()])
    link.script_flush()
    assert ring.send()()
    assert waiting(link) == IDS[:1]


def test_a_connection_that_was_cut_meanwhile_is_replaced(link: Redis, queue: RqQueue) -> None:
    ring = queue.ready([bell()])
    for client in link.client_list():
        if client["id"] != str(link.client_id()):
            link.client_kill(client["addr"])
    assert ring.send()()
    assert waiting(link) == IDS[:1]


def test_what_waits_already_is_not_rung_again(link: Redis, queue: RqQueue) -> None:
    ring = queue.ready([bell(), bell()])
    assert queue.ring([bell()])
    assert ring.send()()
    assert waiting(link) == IDS[:1]


def test_more_than_one_message_holds_is_rung_as_ever(link: Redis, queue: RqQueue) -> None:
    many = [bell(number) for number in range(BATCH + 1)]
    assert queue.ready(many).send()()
    assert len(waiting(link)) == BATCH + 1


def test_a_server_that_is_away_makes_it_silent_and_never_an_error(server: EmbeddedRedis, queue: RqQueue) -> None:
    ring = queue.ready([bell()])
    server.stop()
    assert not ring.send()()
    assert not queue.ready([bell()]).send()()
