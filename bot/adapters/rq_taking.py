"""Taking a job: read it and register that it is worked on, by one script that answers with its fields."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import structlog
from redis import Redis
from redis.exceptions import ResponseError
from rq.executions import Execution, ExecutionRegistry
from rq.worker import SimpleWorker, WorkerStatus

from bot.adapters.rq_jobs import AndonJob
from bot.adapters.rq_queue import mark_key

TAKE = """
local fields = redis.pcall('HGETALL', KEYS[1])
redis.call('LREM', KEYS[2], 1, ARGV[1])
redis.call('DEL', KEYS[7])
redis.call('HSET', KEYS[3], 'id', ARGV[2], 'created_at', ARGV[3], 'last_heartbeat', ARGV[3], 'worker_name', ARGV[4])
redis.call('EXPIRE', KEYS[3], ARGV[5])
redis.call('ZADD', KEYS[4], ARGV[6] + ARGV[5] + 60, ARGV[2])
redis.call('EXPIRE', KEYS[4], ARGV[5] + 60)
redis.call('ZADD', KEYS[5], ARGV[6] + ARGV[5], ARGV[1] .. ':' .. ARGV[2])
redis.call('HSET', KEYS[6], 'state', ARGV[7], 'current_job', ARGV[1])
if fields.err then return 'not a hash' end
return fields
"""
"""KEYS: job, taken (intermediate), execution, its registry, started, worker, mark. ARGV: job id, execution id,
created at, worker name, lease in seconds, now in seconds, state. What RQ's own pipeline writes, without its packing."""

_BELL = re.compile(r"(.+)_[0-9a-f]+")

log = structlog.get_logger("andon.worker")


class Taking:
    """For one worker; `take` is one round trip, and `begin` waits for none."""

    def __init__(self, worker: SimpleWorker, link: Redis, taken_key: str, lease_seconds: int) -> None:
        self._worker = worker
        self._link = link
        self._taken_key = taken_key
        self._lease_seconds = lease_seconds
        self._script = link.register_script(TAKE)
        self._is_loaded = False
        self._started_key = f"rq:wip:{worker.queue_names()[0]}"

    def take(self, job: AndonJob) -> tuple[Any, Execution]:
        """What the server says is stored under the job, and the note that it is worked on."""
        try:
            return self._by_script(job)
        except ResponseError as error:
            # A server may forbid scripts to this user, or hold something strange under one of the keys.
            log.info("taking_without_script", error=type(error).__name__)
            return self._by_pipeline(job)

    def begin(self, job: AndonJob) -> tuple[Callable[[], Any], Execution]:
        """The same, on its way while the job is done already: the answer is read by the call that is returned."""
        if not self._is_loaded:
            fields, execution = self.take(job)
            return lambda: fields, execution
        keys, args, execution = self._asked(job)
        pool = self._link.connection_pool
        connection: Any = pool.get_connection()
        try:
            connection.send_command("EVALSHA", self._script.sha, len(keys), *keys, *args)
        except BaseException:
            connection.disconnect()
            pool.release(connection)
            raise
        self._worker._state = WorkerStatus.BUSY
        return lambda: self._answer(connection, job), execution

    def _answer(self, connection: Any, job: AndonJob) -> Any:
        try:
            return _fields(connection.read_response())
        except ResponseError:
            # The server was started anew and has forgotten the script, or forbids it.
            self._is_loaded = False
            return self.take(job)[0]
        except BaseException:
            connection.disconnect()
            raise
        finally:
            self._link.connection_pool.release(connection)

    def _by_script(self, job: AndonJob) -> tuple[Any, Execution]:
        keys, args, execution = self._asked(job)
        answer = self._script(keys=keys, args=args)
        self._is_loaded = True
        self._worker._state = WorkerStatus.BUSY
        return _fields(answer), execution

    def _asked(self, job: AndonJob) -> tuple[list[str], list[Any], Execution]:
        worker = self._worker
        execution = Execution(uuid4().hex, job.id, self._link, worker_name=worker.name)
        keys = [
            job.key,
            self._taken_key,
            execution.key,
            ExecutionRegistry.key_template.format(job.id),
            self._started_key,
            worker.key,
            _mark(job.id),
        ]
        began, now = execution.created_at.timestamp(), int(time.time())
        state = WorkerStatus.BUSY.value
        return keys, [job.id, execution.id, began, worker.name, self._lease_seconds, now, state], execution

    def _by_pipeline(self, job: AndonJob) -> tuple[Any, Execution]:
        worker = self._worker
        with self._link.pipeline(transaction=True) as pipe:
            pipe.hgetall(job.key)
            pipe.lrem(self._taken_key, 1, job.id)
            pipe.delete(_mark(job.id))
            execution = Execution.create(job, self._lease_seconds, pipeline=pipe, worker_name=worker.name)
            worker.set_state(WorkerStatus.BUSY, pipeline=pipe)
            worker.set_current_job_id(job.id, pipeline=pipe)
            return pipe.execute(raise_on_error=False)[0], execution


def _fields(answer: Any) -> Any:
    return dict(zip(answer[::2], answer[1::2], strict=True)) if isinstance(answer, list) else answer


def _mark(job_id: str) -> str:
    """The mark of the bell that the job stands for; of nothing where its id is not one of ours."""
    match = _BELL.fullmatch(job_id)
    return mark_key(match[1] if match else job_id)
