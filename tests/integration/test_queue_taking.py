"""Taking a job by script does exactly what RQ's own commands do, and where scripts are forbidden these do it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq.serializers import JSONSerializer
from support.redis_servers import redis_server

from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.rq_jobs import AndonJob
from bot.adapters.rq_queue import RqQueue
from bot.adapters.rq_taking import Taking
from bot.adapters.rq_worker import LaneWorker
from bot.ports import Bell, JobName, Lane

RUN = "run-" + "0" * 26
QUEUE, TAKEN = "rq:queue:rollbacks", "rq:queue:rollbacks:intermediate"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    with redis_server(tmp_path) as running:
        yield running


@pytest.fixture
def link(server: EmbeddedRedis) -> Iterator[Redis]:
    with Redis.from_url(server.url) as client:
        yield client


def limited(link: Redis, server: EmbeddedRedis) -> Redis:
    link.acl_setuser(
        "plain", enabled=True, nopass=True, keys=["*"], channels=["*"], categories=["+@all", "-@scripting"]
    )
    return Redis.from_url(server.url, username="plain", password="x")


def worker_at(server: EmbeddedRedis) -> LaneWorker:
    return LaneWorker(
        Lane.ROLLBACKS, server.url, name="w", calls={}, due=lambda _: [], stopping=threading.Event(), lease_seconds=6
    )


def rung(link: Redis, server: EmbeddedRedis) -> AndonJob:
    """A job that stands between the queue and its worker."""
    queue = RqQueue(server.url)
    assert queue.ring([Bell(JobName.ADVANCE_RUN, RUN, Lane.ROLLBACKS)])
    queue.close()
    raw: Any = link.lmove(QUEUE, TAKEN)
    job = AndonJob(raw.decode(), connection=link, serializer=JSONSerializer)
    job.origin = Lane.ROLLBACKS.value
    return job


def written(link: Redis, *names: str) -> dict[str, Any]:
    """Everything on the server but the jobs, with ids that differ replaced by what they are."""

    def plain(text: bytes) -> str:
        said = text.decode()
        for number, name in enumerate(names):
            said = said.replace(name, f"<{number}>")
        return said

    found: dict[str, Any] = {}
    for key in link.keys("*"):
        kind: Any = link.type(key)
        if key.startswith((b"rq:job:", b"rq:queues")):
            continue
        if kind == b"hash":
            fields: Any = link.hgetall(key)
            found[plain(key)] = {name: plain(value) for name, value in fields.items() if not name.endswith(b"_at")}
            found[plain(key)].pop(b"last_heartbeat", None)
        elif kind == b"zset":
            found[plain(key)] = [plain(member) for member, _ in link.zrange(key, 0, -1, withscores=True)]
        else:
            found[plain(key)] = kind
        found[plain(key) + " lives"] = link.ttl(key)
    return found


def test_the_script_writes_what_the_commands_write(server: EmbeddedRedis, link: Redis) -> None:
    states, answers = [], []
    for client in (Redis.from_url(server.url), limited(link, server)):
        job = rung(link, server)
        fields, execution = Taking(worker_at(server), client, TAKEN, 6).take(job.id)
        answers.append({name: value for name, value in fields.items() if not name.endswith(b"_at")})
        states.append(written(link, job.id, execution.id))
        client.close()
        for key in link.keys("*"):
            link.delete(key)
    assert answers[0] == answers[1]
    assert b"data" in answers[0]
    assert states[0] == states[1]
    assert any(name.startswith("rq:execution:") for name in states[0])


def test_the_lease_of_a_taken_job_is_where_the_upkeep_looks_for_it(server: EmbeddedRedis, link: Redis) -> None:
    job = rung(link, server)
    now: Any = link.time()
    Taking(worker_at(server), link, TAKEN, 6).take(job.id)
    [(member, score)] = link.zrange("rq:wip:rollbacks", 0, -1, withscores=True)  # type: ignore[misc]
    assert member.decode().startswith(job.id + ":")
    assert now[0] + 5 <= score <= now[0] + 8
    assert link.llen(TAKEN) == 0


def test_a_job_that_is_no_hash_is_told_as_such(server: EmbeddedRedis, link: Redis) -> None:
    link.set("rq:job:odd", "text")
    job = AndonJob("odd", connection=link, serializer=JSONSerializer)
    fields, _ = Taking(worker_at(server), link, TAKEN, 6).take(job.id)
    assert not isinstance(fields, dict)


def test_a_job_that_is_gone_has_no_fields(server: EmbeddedRedis, link: Redis) -> None:
    job = AndonJob("gone", connection=link, serializer=JSONSerializer)
    fields, _ = Taking(worker_at(server), link, TAKEN, 6).take(job.id)
    assert fields == {}
