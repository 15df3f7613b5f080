"""A worker on a real server: what it does with rings, good and hostile ones."""

from __future__ import annotations

import json
import pickle
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue as StockQueue
from rq.job import Job
from rq.serializers import JSONSerializer
from support.redis_servers import eventually, redis_server

from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.process_names import owner_of
from bot.adapters.rq_queue import RqQueue
from bot.adapters.rq_worker import LaneWorker
from bot.domain.errors import Refused, TryLater
from bot.ports import Bell, JobName, Lane

RUN = "run-" + "0" * 26
OTHER = "run-" + "1" * 26
NOTICE = "notice-" + "2" * 26


@dataclass
class Program:
    """What jobs call: keeps what it was called with, and does as told."""

    runs: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    due: list[Bell] = field(default_factory=list)
    asked: int = 0
    act: Callable[[str], object] = lambda _: None

    def advance(self, run_id: str) -> None:
        self.runs.append(run_id)
        self.act(run_id)

    def what_is_due(self, lane: Lane) -> list[Bell]:
        self.asked += 1
        due, self.due = [bell for bell in self.due if bell.lane is lane], []
        return due


@contextmanager
def working(
    server: EmbeddedRedis, program: Program, *, lane: Lane = Lane.ROLLBACKS, name: str = "w"
) -> Iterator[LaneWorker]:
    stopping = threading.Event()
    worker = LaneWorker(
        lane,
        server.url,
        name=name,
        calls={JobName.ADVANCE_RUN: program.advance, JobName.SEND_NOTICE: program.notices.append},
        due=program.what_is_due,
        stopping=stopping,
        lease_seconds=2,
    )
    thread = threading.Thread(target=worker.work)
    thread.start()
    try:
        yield worker
    finally:
        stopping.set()
        thread.join(timeout=10)
        assert not thread.is_alive()


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


def bell(run_id: str = RUN, lane: Lane = Lane.ROLLBACKS) -> Bell:
    return Bell(JobName.ADVANCE_RUN, run_id, lane)


def leftovers(link: Redis) -> set[str]:
    return {key.decode() for key in link.keys("*") if not key.startswith((b"rq:worker", b"rq:queues"))}


def test_a_ring_becomes_one_call_and_leaves_nothing_behind(server: EmbeddedRedis, link: Redis, queue: RqQueue) -> None:
    program = Program()
    with working(server, program):
        assert queue.ring([bell()])
        assert eventually(lambda: program.runs == [RUN])
        assert eventually(lambda: not leftovers(link))


def test_each_job_goes_to_its_own_call(server: EmbeddedRedis, queue: RqQueue) -> None:
    program = Program()
    with working(server, program):
        queue.ring([bell(), Bell(JobName.SEND_NOTICE, NOTICE, Lane.ROLLBACKS)])
        assert eventually(lambda: (program.runs, program.notices) == ([RUN], [NOTICE]))


def test_a_worker_hears_only_its_own_lane(server: EmbeddedRedis, queue: RqQueue) -> None:
    program = Program()
    with working(server, program):
        queue.ring([bell(OTHER, Lane.OTHER), bell()])
        assert eventually(lambda: program.runs == [RUN])
        assert queue.depths()[Lane.OTHER] == 1


def test_the_same_id_rung_while_it_is_worked_on_is_worked_on_again(server: EmbeddedRedis, queue: RqQueue) -> None:
    go = threading.Event()
    program = Program(act=lambda _: go.wait(5))
    with working(server, program):
        queue.ring([bell()])
        assert eventually(lambda: len(program.runs) == 1)
        queue.ring([bell()])
        go.set()
        assert eventually(lambda: len(program.runs) == 2)


@pytest.mark.parametrize(
    "error",
    [ValueError("secret-word"), Refused("no"), SystemExit(3), RecursionError(), MemoryError(), TryLater("busy")],
)
def test_no_error_of_a_job_ends_the_worker(
    server: EmbeddedRedis, link: Redis, queue: RqQueue, error: BaseException
) -> None:
    def act(run_id: str) -> None:
        if run_id == RUN:
            raise error

    program = Program(act=act)
    with working(server, program):
        queue.ring([bell(), bell(OTHER)])
        assert eventually(lambda: program.runs == [RUN, OTHER])
        assert eventually(lambda: bool(link.zcard("rq:failed:rollbacks")) != isinstance(error, TryLater))
    everything = b"".join(b"".join(link.hvals(key)) for key in link.keys("rq:job:*"))
    assert b"secret-word" not in everything


def test_a_stop_is_heard_at_once_and_the_job_in_hand_is_finished_first(server: EmbeddedRedis, queue: RqQueue) -> None:
    go = threading.Event()
    program = Program(act=lambda _: go.wait(5))
    with working(server, program) as worker:
        queue.ring([bell(), bell(OTHER)])
        assert eventually(lambda: program.runs == [RUN])
        worker.stopping.set()
        go.set()
    assert program.runs == [RUN]
    assert queue.depths()[Lane.ROLLBACKS] == 1


def test_an_idle_worker_does_not_wait_out_its_listening_to_stop(server: EmbeddedRedis) -> None:
    with working(server, Program()) as worker:
        assert eventually(lambda: _is_blocked(server))
        worker.stopping.set()
        assert worker._left.wait(1.0)


def _is_blocked(server: EmbeddedRedis) -> bool:
    with Redis.from_url(server.url) as link:
        return any("b" in client["flags"] for client in link.client_list())


def test_a_worker_is_listed_while_it_lives_and_again_after_the_server_forgot_it(
    server: EmbeddedRedis, link: Redis
) -> None:
    name = owner_of(1)
    with working(server, Program(), name=name):
        assert eventually(lambda: link.smembers("rq:workers") == {f"rq:worker:{name}".encode()})
        link.flushall()
        assert eventually(lambda: link.hget(f"rq:worker:{name}", "queues") == b"rollbacks", seconds=5)
        assert 0 < link.ttl(f"rq:worker:{name}") <= 17


def test_a_job_whose_worker_died_is_rung_again_within_the_lease(
    server: EmbeddedRedis, link: Redis, queue: RqQueue
) -> None:
    program = Program()
    queue.ring([bell()])
    job_id = link.lpop("rq:queue:rollbacks")
    assert isinstance(job_id, bytes)
    link.zadd("rq:wip:rollbacks", {job_id + b":deadexecution": int(link.time()[0]) + 1})
    with working(server, program):
        assert eventually(lambda: program.runs == [RUN], seconds=6)
        assert eventually(lambda: not leftovers(link))


def test_a_job_taken_but_never_started_is_rung_again(server: EmbeddedRedis, link: Redis, queue: RqQueue) -> None:
    program = Program()
    queue.ring([bell()])
    link.lmove("rq:queue:rollbacks", "rq:queue:rollbacks:intermediate")
    with working(server, program):
        assert eventually(lambda: program.runs == [RUN], seconds=6)
        assert link.llen("rq:queue:rollbacks:intermediate") == 0


def test_a_job_that_kills_every_worker_is_not_rung_for_ever(server: EmbeddedRedis, link: Redis, queue: RqQueue) -> None:
    program = Program()
    queue.ring([bell()])
    job_id = link.lpop("rq:queue:rollbacks")
    assert isinstance(job_id, bytes)
    link.hset(b"rq:job:" + job_id, "abandoned", 3)
    link.zadd("rq:wip:rollbacks", {job_id + b":deadexecution": 1})
    with working(server, program):
        assert eventually(lambda: link.zscore("rq:failed:rollbacks", job_id))
    assert program.runs == []


def test_a_job_that_is_gone_is_dropped(server: EmbeddedRedis, link: Redis, queue: RqQueue) -> None:
    program = Program()
    link.rpush("rq:queue:rollbacks", "gone")
    with working(server, program):
        queue.ring([bell()])
        assert eventually(lambda: program.runs == [RUN])
        assert eventually(lambda: not leftovers(link))
    assert link.zcard("rq:failed:rollbacks") == 0


# Hostile jobs: whoever can write to Redis must not be able to make a worker do anything else.


class Bomb:
    def __init__(self, target: str) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path(self.target),))


def call(name: Any = "bot.jobs.advance_run", args: Any = (RUN,), kwargs: Any = None, instance: Any = None) -> bytes:
    return zlib.compress(
        json.dumps([name, instance, list(args) if isinstance(args, tuple) else args, kwargs or {}]).encode()
    )


def hostile(proof: str) -> dict[str, dict[str, Any]]:
    touch = f"touch {proof}"
    good = call()
    return {
        "pickle": {"data": pickle.dumps(("os.system", None, (touch,), {}))},
        "zipped pickle": {"data": zlib.compress(pickle.dumps(Bomb(proof)))},
        "os.system": {"data": call("os.system", (touch,))},
        "posix.system": {"data": call("posix.system", (touch,))},
        "subprocess": {"data": call("subprocess.getoutput", (touch,))},
        "builtin": {"data": call("eval", (f"open({proof!r}, 'w')",))},
        "exec": {"data": call("builtins.exec", (f"open({proof!r}, 'w')",))},
        "own module, other function": {"data": call("bot.jobs.bind")},
        "own list under another path": {"data": call("bot.jobs.CALLS")},
        "name with a suffix": {"data": call("bot.jobs.advance_run.__globals__")},
        "name in capitals": {"data": call("BOT.JOBS.ADVANCE_RUN")},
        "bare name": {"data": call("advance_run")},
        "name is a list": {"data": call(["bot.jobs.advance_run"])},
        "name is null": {"data": call(None)},
        "instance": {"data": call(instance="bot.jobs")},
        "kwargs": {"data": call(kwargs={"x": 1})},
        "two ids": {"data": call(args=(RUN, RUN))},
        "no id": {"data": call(args=())},
        "args is text": {"data": call(args=RUN)},
        "id is a number": {"data": call(args=(1,))},
        "id is a path": {"data": call(args=("../../etc/passwd",))},
        "id with a newline": {"data": call(args=(RUN + "\n",))},
        "id too long": {"data": call(args=("run-" + "0" * 27,))},
        "id in capitals": {"data": call(args=("RUN-" + "0" * 26,))},
        "success callback": {"data": good, "success_callback_name": "os.system"},
        "failure callback": {"data": good, "failure_callback_name": "os.system"},
        "stopped callback": {"data": good, "stopped_callback_name": "os.system"},
        "webhook": {"data": good, "webhooks": '[{"url": "http://127.0.0.1:1/"}]'},
        "dependency": {"data": good, "dependency_ids": '["x"]'},
        "repeat": {"data": good, "repeats_left": "3"},
        "retry": {"data": good, "retries_left": "3"},
        "not JSON": {"data": zlib.compress(b"{{{")},
        "deep JSON": {"data": zlib.compress(b"[" * 1000)},
        "not zipped": {"data": json.dumps(["bot.jobs.advance_run", None, [RUN], {}])},
        "zip bomb": {"data": zlib.compress(b"0" * 50_000_000, 9)[:1000]},
        "large": {"data": b"x" * 100_000},
        "cut off": {"data": good[:-3]},
        "empty": {"data": b""},
        "no data": {"status": "queued"},
        "bad UTF-8": {"data": zlib.compress(b"\xff\xfe")},
        "JSON text": {"data": zlib.compress(b'"bot.jobs.advance_run"')},
    }


def test_hostile_jobs_are_failed_with_an_alarm_and_nothing_of_them_is_done(
    server: EmbeddedRedis, link: Redis, queue: RqQueue, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    program = Program()
    jobs = hostile(str(proof))
    with working(server, program):
        for number, fields in enumerate(jobs.values()):
            link.hset(f"rq:job:evil-{number}", mapping=fields)
            link.rpush("rq:queue:rollbacks", f"evil-{number}")
        assert eventually(lambda: queue.refused() == len(jobs))
        queue.ring([bell(OTHER)])
        assert eventually(lambda: program.runs == [OTHER]), "the worker still works"
    assert (program.notices, proof.exists()) == ([], False)
    failed = {job_id.decode() for job_id in link.zrange("rq:failed:rollbacks", 0, -1)}
    assert failed == {f"evil-{number}" for number in range(len(jobs))}
    assert all(link.hget(f"rq:job:{job_id}", "status") == b"failed" for job_id in failed)
    assert link.llen("rq:queue:rollbacks:intermediate") == 0
    assert link.zcard("rq:wip:rollbacks") == 0


def test_the_stock_job_class_would_have_done_it(link: Redis, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    link.hset("rq:job:evil", mapping=hostile(str(proof))["posix.system"])
    Job.fetch("evil", connection=link, serializer=JSONSerializer).perform()
    assert proof.exists(), "the hostile jobs above are real"


@pytest.mark.parametrize("job_id", [b"\xff\xfe", b"a:b", b"a" * 500, b"x\ny", b"../x", b"", b"bot.jobs"])
def test_hostile_job_ids_are_refused(server: EmbeddedRedis, link: Redis, queue: RqQueue, job_id: bytes) -> None:
    program = Program()
    with working(server, program):
        link.rpush("rq:queue:rollbacks", job_id)
        assert eventually(lambda: queue.refused() == 1)
        queue.ring([bell()])
        assert eventually(lambda: program.runs == [RUN])
    assert link.llen("rq:queue:rollbacks:intermediate") == 0


@pytest.mark.parametrize("kind", ["string", "list", "set"])
def test_a_job_that_is_no_hash_is_refused(server: EmbeddedRedis, link: Redis, queue: RqQueue, kind: str) -> None:
    program = Program()
    {"string": link.set, "list": link.rpush, "set": link.sadd}[kind]("rq:job:odd", "x")
    with working(server, program):
        link.rpush("rq:queue:rollbacks", "odd")
        assert eventually(lambda: queue.refused() == 1)
        queue.ring([bell()])
        assert eventually(lambda: program.runs == [RUN])


def test_commands_on_the_stock_workers_channel_are_not_obeyed(
    server: EmbeddedRedis, link: Redis, queue: RqQueue
) -> None:
    program = Program()
    with working(server, program, name="target"):
        queue.ring([bell()])
        assert eventually(lambda: program.runs == [RUN])
        assert link.publish("rq:pubsub:target", '{"command": "shutdown"}') == 0
        link.set("rq:suspended", 1)
        queue.ring([bell(OTHER)])
        assert eventually(lambda: program.runs == [RUN, OTHER])


def test_a_job_that_the_stock_queue_made_is_understood(server: EmbeddedRedis, link: Redis) -> None:
    program = Program()
    with working(server, program):
        StockQueue("rollbacks", connection=link, serializer=JSONSerializer).enqueue("bot.jobs.advance_run", RUN)
        assert eventually(lambda: program.runs == [RUN])


# Redis away


def test_while_redis_is_away_due_runs_come_from_sql_and_rings_count_again_when_it_is_back(
    server: EmbeddedRedis, queue: RqQueue
) -> None:
    program = Program()
    with working(server, program):
        server.stop()
        program.due = [bell(), bell(NOTICE, Lane.NOTICES)]
        assert eventually(lambda: program.runs == [RUN], seconds=4)
        program.due = [bell(OTHER)]
        assert eventually(lambda: program.runs == [RUN, OTHER], seconds=4)
        server.start()
        assert eventually(lambda: queue.ring([bell()]), seconds=4)
        assert eventually(lambda: program.runs == [RUN, OTHER, RUN], seconds=4)
        assert eventually(lambda: _is_blocked(server))
        asked = program.asked
        queue.ring([bell(OTHER)])
        assert eventually(lambda: len(program.runs) == 4, seconds=4)
        assert program.asked == asked, "with Redis there, SQL is not polled"


def test_a_worker_starts_while_redis_is_away(server: EmbeddedRedis) -> None:
    server.stop()
    program = Program(due=[bell()])
    with working(server, program):
        assert eventually(lambda: program.runs == [RUN], seconds=4)


def test_redis_lost_during_a_job_costs_neither_the_job_nor_the_worker(server: EmbeddedRedis, queue: RqQueue) -> None:
    go = threading.Event()
    program = Program(act=lambda _: go.wait(10))
    with working(server, program):
        queue.ring([bell()])
        assert eventually(lambda: program.runs == [RUN])
        server.stop()
        go.set()
        program.due = [bell(OTHER)]
        assert eventually(lambda: program.runs == [RUN, OTHER], seconds=5)
        server.start()
        assert eventually(lambda: _is_blocked(server), seconds=5)


def test_a_database_that_is_away_too_is_waited_for(server: EmbeddedRedis) -> None:
    class Away(Program):
        def what_is_due(self, lane: Lane) -> list[Bell]:
            if self.asked < 1:
                self.asked += 1
                raise TryLater("The database is away")
            return super().what_is_due(lane)

    program = Away(due=[bell()])
    with working(server, program):
        server.stop()
        assert eventually(lambda: program.runs == [RUN], seconds=6)


def test_a_job_that_says_something_else_than_its_id_is_refused_with_an_alarm(
    server: EmbeddedRedis, link: Redis, queue: RqQueue
) -> None:
    program = Program()
    with working(server, program):
        queue.ring([Bell(JobName.ADVANCE_RUN, RUN, Lane.ROLLBACKS)])
        assert eventually(lambda: program.runs == [RUN])
        forged = f"{OTHER}_{'0' * 10}"
        payload = zlib.compress(json.dumps(["posix.system", None, ["true"], {}]).encode())
        link.hset(f"rq:job:{forged}", mapping={"data": payload, "status": "queued", "origin": "rollbacks"})
        link.rpush("rq:queue:rollbacks", forged)
        assert eventually(lambda: queue.refused() == 1)
    assert program.runs == [RUN, OTHER], "its id was answered as any ring is, and nothing else of it was done"


def test_rings_are_answered_after_the_server_has_forgotten_its_scripts(
    server: EmbeddedRedis, link: Redis, queue: RqQueue
) -> None:
    program = Program()
    with working(server, program):
        queue.ring([Bell(JobName.ADVANCE_RUN, RUN, Lane.ROLLBACKS)])
        assert eventually(lambda: program.runs == [RUN])
        link.script_flush()
        queue.ring([Bell(JobName.ADVANCE_RUN, OTHER, Lane.ROLLBACKS)])
        assert eventually(lambda: program.runs == [RUN, OTHER])
        assert eventually(lambda: not link.keys("rq:job:*") and not link.llen("rq:queue:rollbacks:intermediate"))
    assert queue.refused() == 0
