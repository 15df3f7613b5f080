"""Taking a job: read it and register that it is worked on, by one script that answers with its fields."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import structlog
from redis import Redis
from redis.exceptions import ResponseError
from rq.executions import Execution, ExecutionRegistry
from rq.worker import SimpleWorker, WorkerStatus

from bot.adapters.redis_errands import Errand
from bot.adapters.rq_jobs import AndonJob, job_of
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
        self._started_key = f"rq:wip:{worker.queue_names()[0]}"
        self._is_loaded = False
        self._ready: tuple[Errand, Execution] | None = None

    def take(self, job_id: str) -> tuple[Any, Execution]:
        """What the server says is stored under the job, and the note that it is worked on."""
        execution = self._execution(job_id)
        return self._take(execution), execution

    def ready(self) -> None:
        """Have at hand for `begin`: a living connection to a server that knows the script, and the note of a job that
        is yet to come. Raises what Redis raises."""
        ready, self._ready = self._ready, None
        if ready is not None:
            ready[0].give_back()
        if not self._is_loaded:
            self._is_loaded = self._load()
        self._ready = Errand(self._link, self._script), self._execution("")

    def _load(self) -> bool:
        try:
            self._link.script_load(TAKE)
        except ResponseError:
            return False
        return True

    def begin(self, job_id: str) -> tuple[Callable[[], Any], Execution]:
        """The same, on its way while the job is done already: the answer is read by the call that is returned."""
        if self._ready is None or not self._is_loaded:
            fields, execution = self.take(job_id)
            return lambda: fields, execution
        (errand, execution), self._ready = self._ready, None
        execution.job_id = job_id
        execution.created_at = execution.last_heartbeat = datetime.now(UTC)
        errand.pack(*self._asked(execution))
        errand.send()
        self._worker._state = WorkerStatus.BUSY
        return lambda: self._answer(errand, execution), execution

    def _answer(self, errand: Errand, execution: Execution) -> Any:
        try:
            return _fields(errand.answer())
        except ResponseError:
            # The server was started anew and has forgotten the script, or forbids it.
            self._is_loaded = False
            return self._take(execution)

    def _execution(self, job_id: str) -> Execution:
        return Execution(uuid4().hex, job_id, self._link, worker_name=self._worker.name)

    def _take(self, execution: Execution) -> Any:
        try:
            keys, args = self._asked(execution)
            answer = self._script(keys=keys, args=args)
        except ResponseError as error:
            # A server may forbid scripts to this user, or hold something strange under one of the keys.
            log.info("taking_without_script", error=type(error).__name__)
            return self._by_pipeline(execution)
        self._worker._state = WorkerStatus.BUSY
        return _fields(answer)

    def _asked(self, execution: Execution) -> tuple[list[str], list[Any]]:
        worker, job_id = self._worker, execution.job_id
        keys = [
            AndonJob.key_for(job_id),
            self._taken_key,
            execution.key,
            ExecutionRegistry.key_template.format(job_id),
            self._started_key,
            worker.key,
            _mark(job_id),
        ]
        began, now = execution.created_at.timestamp(), int(time.time())
        state = WorkerStatus.BUSY.value
        return keys, [job_id, execution.id, began, worker.name, self._lease_seconds, now, state]

    def _by_pipeline(self, execution: Execution) -> Any:
        """As the library itself does it."""
        worker, ttl = self._worker, self._lease_seconds
        job = job_of(execution.job_id, worker.queue_names()[0], self._link)
        with self._link.pipeline(transaction=True) as pipe:
            pipe.hgetall(job.key)
            pipe.lrem(self._taken_key, 1, job.id)
            pipe.delete(_mark(job.id))
            execution.save(ttl, pipe)
            ExecutionRegistry(job.id, connection=pipe).add(execution, ttl, pipe)
            job.started_job_registry.add_execution(execution, pipe, ttl=ttl, xx=False)
            worker.set_state(WorkerStatus.BUSY, pipeline=pipe)
            worker.set_current_job_id(job.id, pipeline=pipe)
            return pipe.execute(raise_on_error=False)[0]


def _fields(answer: Any) -> Any:
    return dict(zip(answer[::2], answer[1::2], strict=True)) if isinstance(answer, list) else answer


def _mark(job_id: str) -> str:
    """The mark of the bell that the job stands for; of nothing where its id is not one of ours."""
    match = _BELL.fullmatch(job_id)
    return mark_key(match[1] if match else job_id)
