"""The worker of one lane: answers rings from Redis at once, and takes due work from SQL while Redis is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from redis import Redis
from rq.executions import Execution, ExecutionRegistry
from rq.intermediate_queue import IntermediateQueue
from rq.serializers import JSONSerializer
from rq.utils import utcformat
from rq.worker import SimpleWorker, WorkerStatus

from bot.adapters.fault_traces import describe_fault
from bot.adapters.redis_errands import Listener
from bot.adapters.redis_links import AWAY, connect
from bot.adapters.rq_jobs import JOB_ID, AndonJob, bell_in, job_of, read_bell, same_bell
from bot.adapters.rq_queue import ALARMS, FAILURE_SECONDS
from bot.adapters.rq_taking import Taking
from bot.adapters.rq_upkeep import Upkeep
from bot.domain.errors import Refused, TryLater
from bot.ports import Bell, JobName, Lane

WORKER_TTL = 17
"""Seconds for which a worker that says nothing is still listed."""

LISTEN_SECONDS = 2
ANSWER_SECONDS = 1.0
RETRY_SECONDS = 1.0
STANDSTILL_SECONDS = 30.0
"""Listening ends after `LISTEN_SECONDS`, so a loop that stands still for so long does nothing any more."""

log = structlog.get_logger("andon.worker")

Call = Callable[[str], object]


class LaneWorker(SimpleWorker):
    """An RQ worker on exactly one queue (`BLMOVE`), in one process, with a closed list of calls.

    One round trip lies before a call: the `BLMOVE`; a script that reads the job and registers it goes out beside it.
    The stock worker makes five; it also imports what a job names, obeys commands from a channel, stops for good at a
    late answer and waits up to a minute for a server that came back. None of that is wanted here."""

    job_class = AndonJob

    def __init__(
        self,
        lane: Lane,
        url: str,
        *,
        name: str,
        calls: Mapping[JobName, Call],
        due: Callable[[Lane], Sequence[Bell]],
        stopping: threading.Event,
        lease_seconds: float = 6.0,
    ) -> None:
        """`due` says, out of SQL, what a worker of the lane should do now. `stopping` ends `work` after the job."""
        self.lane = lane
        self.calls = dict(calls)
        self.due = due
        self.stopping = stopping
        self.lease_seconds = max(2, round(lease_seconds))
        self._left = threading.Event()
        self._is_linked = True
        self._turned_at = time.monotonic()
        self._at_work = 0
        self._waiting = connect(url, answer_seconds=LISTEN_SECONDS + ANSWER_SECONDS, name=f"{name}-listen")
        super().__init__(
            [lane.value],
            name=name,
            connection=connect(url, answer_seconds=ANSWER_SECONDS, name=name),
            job_class=AndonJob,
            serializer=JSONSerializer,
            worker_ttl=WORKER_TTL,
            default_result_ttl=0,
            log_job_description=False,
        )
        self.birth_date = self.last_heartbeat = datetime.now(UTC)
        queue = self.queues[0]
        self._taken_key = IntermediateQueue.get_intermediate_queue_key(queue.key)
        self._listener = Listener(self._waiting, queue.key, self._taken_key, LISTEN_SECONDS)
        self._taking = Taking(self, self.connection, self._taken_key, self.lease_seconds)
        self._upkeep = Upkeep(self, queue, self.lease_seconds)

    # What the stock worker would do on the wire while it is being made

    def _set_connection(self, connection: Redis) -> Redis:
        """The time limits are set already; the stock worker would raise them to ten seconds and more."""
        return connection

    def _set_ip_address(self, connection: Redis) -> None:  # noqa: ARG002
        """Nothing is asked of the server: it may be away when a worker starts."""
        self.ip_address = "unknown"

    # The loop

    def work(self, *_: Any, **__: Any) -> bool:
        """Serve until `stopping` is set; True once it was. Never raises for Redis, SQL or a job."""
        upkeep = threading.Thread(target=self._upkeep.run, args=(self._left,), name="upkeep", daemon=True)
        waker = threading.Thread(target=self._wake_at_stop, name="waker", daemon=True)
        upkeep.start()
        waker.start()
        log.info("worker_started", lane=self.lane, worker=self.name)
        while not self.stopping.is_set():
            try:
                self._serve_once()
            except AWAY as error:
                self._lose(error)
            except Exception as error:  # the loop outlives everything; the run itself is safe in SQL
                log.error("worker_fault", **describe_fault(error))  # noqa: TRY400
                self.stopping.wait(RETRY_SECONDS)
        self._left.set()
        self._say_goodbye()
        log.info("worker_stopped", lane=self.lane, worker=self.name)
        return True

    def _serve_once(self) -> None:
        self._turned_at = time.monotonic()
        if not self._is_linked and not self._find_again():
            self._take_due()
            self.stopping.wait(RETRY_SECONDS)
            return
        self._taking.ready()
        job_id = self._listener.wait()
        if job_id is not None:
            self.answer(job_id)

    @property
    def is_turning(self) -> bool:
        """Whether its loop goes round, or it has a job in hand; asked by another thread."""
        return self._at_work > 0 or time.monotonic() < self._turned_at + STANDSTILL_SECONDS

    def _lose(self, error: BaseException) -> None:
        if self._is_linked:
            log.warning("queue_away", lane=self.lane, error=type(error).__name__, then="taking due work from SQL")
        self._is_linked = False

    def _find_again(self) -> bool:
        try:
            self.connection.ping()
        except AWAY:
            return False
        self._is_linked = True
        log.info("queue_back", lane=self.lane)
        # Whatever fell due while nobody could ring would otherwise wait for the next sweep.
        self._take_due()
        return True

    def _take_due(self) -> None:
        try:
            bells = self.due(self.lane)
        except Exception as error:  # the database may be away as well
            log.warning("due_work_unknown", **describe_fault(error))
            return
        for bell in bells:
            if self.stopping.is_set():
                return
            self._call(bell)

    def _wake_at_stop(self) -> None:
        """Unblock the listener as soon as a stop is asked for; without that it returns within `LISTEN_SECONDS`."""
        self.stopping.wait()
        while not self._left.wait(0.05):
            try:
                for client in self.connection.client_list():
                    if client.get("name") == f"{self.name}-listen":
                        self.connection.client_unblock(int(client["id"]))
            except AWAY:
                return

    # One job

    def answer(self, raw_id: bytes) -> None:
        """Do what one ring asks for; refuse it where it asks for anything else. Raises only what Redis raises."""
        job_id = raw_id.decode("ascii", "replace")
        if JOB_ID.fullmatch(job_id) is None:
            self._refuse(raw_id, None, "The job id does not look like one")
            return
        bell = bell_in(job_id, self.lane)
        if bell is not None:
            self._answer_ours(bell, job_id)
            return
        fields, execution = self._taking.take(job_id)
        self.execution = execution
        job = job_of(job_id, self.lane, self.connection)
        found = self._checked(job, execution, fields)
        if found is not None:
            self._finish(job, execution, self._call(found))

    def _answer_ours(self, bell: Bell, job_id: str) -> None:
        """A rollback waits for no answer of Redis: what is stored under the job is looked at when it is done."""
        fields, execution = self._taking.begin(job_id)
        self.execution = execution
        problem = self._call(bell)
        job = job_of(job_id, self.lane, self.connection)
        if self._checked(job, execution, fields(), bell) is not None:
            self._finish(job, execution, problem)

    def _checked(self, job: AndonJob, execution: Execution, fields: Any, known: Bell | None = None) -> Bell | None:
        """The ring that the fields stand for; None where the job is gone, or is none of ours and was refused."""
        try:
            if fields == {}:
                self._forget(job, execution)
                return None
            return same_bell(read_bell(fields, self.lane), known)
        except Refused as refusal:
            self._forget(job, execution, keep=True)
            self._refuse(job.id.encode(), job, str(refusal))
            return None

    def _call(self, bell: Bell) -> BaseException | None:
        """Call what the closed list says; the error where there was one. A step that exits does not end the worker."""
        self._at_work += 1
        try:
            self.calls[bell.job](bell.id)
        except TryLater as later:
            log.info("job_later", job=bell.job, id=bell.id, what=str(later))
        except (Exception, SystemExit) as error:
            log.error("job_failed", job=bell.job, id=bell.id, **describe_fault(error))  # noqa: TRY400
            return error
        finally:
            self._at_work -= 1
        return None

    def _forget(self, job: AndonJob, execution: Execution, *, keep: bool = False) -> None:
        """Drop a job that is gone or done; with `keep`, only that it was worked on."""
        with self.connection.pipeline(transaction=True) as pipe:
            self._end(job, execution, pipe)
            if not keep:
                pipe.delete(job.key)
            pipe.execute(raise_on_error=False)

    def _finish(self, job: AndonJob, execution: Execution, problem: BaseException | None) -> None:
        started, ended = execution.created_at, datetime.now(UTC)
        self.total_working_time += (ended - started).total_seconds()
        with self.connection.pipeline(transaction=True) as pipe:
            self._end(job, execution, pipe)
            self.increment_total_working_time(ended - started, pipe)
            if problem is None:
                pipe.delete(job.key)
                self.increment_successful_job_count(pipeline=pipe)
            else:
                self._fail(job.key, job.id, type(problem).__name__, pipe)
                self.increment_failed_job_count(pipeline=pipe)
            pipe.execute()

    def _end(self, job: AndonJob, execution: Execution, pipe: Any) -> None:
        self.execution = None
        execution.delete(job=job, pipeline=pipe)
        pipe.delete(ExecutionRegistry(job.id, connection=self.connection).key)
        self.set_current_job_id(None, pipeline=pipe)
        self.set_state(WorkerStatus.IDLE, pipeline=pipe)

    def _refuse(self, raw_id: bytes, job: AndonJob | None, why: str) -> None:
        """Put it with the failed jobs, untouched, and raise the alarm: nobody but us should write to this server."""
        log.error("job_refused", alarm=True, lane=self.lane, job_id=repr(raw_id[:80]), why=why)
        with self.connection.pipeline(transaction=False) as pipe:
            pipe.lrem(self._taken_key, 1, raw_id)  # type: ignore[arg-type]
            pipe.incr(ALARMS)
            self._fail(None if job is None else job.key, raw_id, why, pipe)
            pipe.execute(raise_on_error=False)

    def _fail(self, key: str | None, job_id: str | bytes, why: str, pipe: Any) -> None:
        pipe.zadd(f"rq:failed:{self.lane}", {job_id: int(time.time()) + FAILURE_SECONDS})
        if key is not None:
            pipe.hset(
                key, mapping={"status": "failed", "refused_because": why, "ended_at": utcformat(datetime.now(UTC))}
            )
            pipe.expire(key, FAILURE_SECONDS)

    def execute_job(self, *_: Any, **__: Any) -> None:
        """The stock worker's entrance, kept closed: jobs come in by `answer` alone."""
        raise Refused("A job is only run from the closed list")

    def perform_job(self, *_: Any, **__: Any) -> bool:
        """See `execute_job`."""
        raise Refused("A job is only run from the closed list")

    def _say_goodbye(self) -> None:
        try:
            self.register_death()  # type: ignore[no-untyped-call]
        except AWAY:
            log.info("goodbye_unsaid", worker=self.name)
        self._listener.close()
        for link in (self._waiting, self.connection):
            link.close()
