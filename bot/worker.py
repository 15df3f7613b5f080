"""The worker process: serves one lane until it is told to stop, finishing the step in hand."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import structlog

from bot import jobs
from bot.adapters.embedded_redis import address_of
from bot.adapters.process_names import owner_of
from bot.adapters.process_orders import Reloads, orders
from bot.adapters.process_signals import SignalWatch
from bot.adapters.rq_worker import LaneWorker
from bot.beside import Beside
from bot.domain.errors import AndonError
from bot.domain.pulses import BEAT_EVERY, Part
from bot.ports import Bell, JobName, Lane
from bot.settings import Settings

log = structlog.get_logger("andon.worker")


class DueWork(jobs.DueWork, Protocol):
    """What is due according to SQL."""

    def of(self, lane: Lane) -> Sequence[Bell]:
        """What a worker of the lane should do now."""
        ...


class Beats(Protocol):
    """Says in SQL that a part is at work."""

    def beat(self, part: Part) -> object:
        """At most as often as the pace; TryLater where the database is away."""
        ...


class WorkerApp(jobs.HasJobs, Protocol):
    """What a worker needs of the program."""

    @property
    def settings(self) -> Settings: ...
    @property
    def due(self) -> DueWork: ...
    @property
    def beating(self) -> Beats: ...
    @property
    def configuration(self) -> Reloads: ...
    @property
    def stopping(self) -> threading.Event:
        """Set once this process should stop; the runner looks at it between steps."""
        ...


def redis_address(settings: Settings) -> str:
    """Where the queue is: the address that was given, else the embedded server of the data folder."""
    return address_of(settings.data) if settings.redis_url is None else settings.redis_url.get_secret_value()


def serve(app: WorkerApp, lane: Lane) -> int:
    """Work until SIGTERM or SIGINT (main thread only); the exit status. A second one of the same kind ends it hard."""
    jobs.bind(app, lane)
    worker = LaneWorker(
        lane,
        redis_address(app.settings),
        name=owner_of(os.getpid()),
        # Gates may ask outside for half a minute; folds, halts and promotions of the same lane do not wait for them.
        calls={**jobs.CALLS, JobName.JUDGE_RELEASE: Beside(jobs.judge_release)},
        due=app.due.of,
        stopping=app.stopping,
        lease_seconds=app.settings.lease_seconds,
    )
    with SignalWatch(orders(app.stopping, app.configuration)), _beats(app, worker):
        worker.work()
    return 0


@contextmanager
def _beats(app: WorkerApp, worker: LaneWorker) -> Iterator[None]:
    """Signs of life from a thread of its own: no job ever waits for one."""
    ended = threading.Event()
    thread = threading.Thread(target=_beat, args=(app.beating, worker, ended), name="beats", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=1)


def _beat(beating: Beats, worker: LaneWorker, ended: threading.Event) -> None:
    part = Part(f"worker:{worker.lane}")
    while not ended.is_set():
        try:
            if worker.is_turning:
                beating.beat(part)
        except AndonError as error:
            log.debug("beat_missed", error=error.what)  # the heartbeat stops by itself where this goes on
        ended.wait(BEAT_EVERY.total_seconds())
