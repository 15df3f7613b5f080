"""The clock process: rings again for whatever is due, wakes waits punctually, and seals the audit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from bot.adapters.fault_traces import describe_fault
from bot.adapters.process_orders import Reloads, orders
from bot.adapters.process_signals import SignalWatch
from bot.settings import Settings

SEAL_SECONDS = 0.5
LONGEST_NAP = timedelta(seconds=0.5)
"""A worker may park a run that wakes sooner than anything known before: so the next moment is asked for this often."""

SHORTEST_NAP = timedelta(milliseconds=20)

log = structlog.get_logger("andon.clock")


class Sweeps(Protocol):
    """What the clock drives."""

    def wake(self) -> datetime | None:
        """Ring for what is due, record breaches and lapsed approvals; the next moment that something is due."""
        ...

    def seal(self) -> object:
        """Chain the audit rows that are not chained yet."""
        ...

    def look(self) -> object:
        """Ask services outside what became of what was sent to them."""
        ...


class Waits(Protocol):
    """The part of a transaction that knows when something wakes."""

    def next_wake(self) -> datetime | None: ...
    def next_told(self) -> datetime | None: ...


class WaitStore(Protocol):
    """The part of the store that the clock reads."""

    def read(self) -> AbstractContextManager[Waits]: ...
    def now(self) -> datetime: ...


class ClockApp(Protocol):
    """What the clock needs of the program."""

    @property
    def settings(self) -> Settings: ...
    @property
    def sweep(self) -> Sweeps: ...
    @property
    def store(self) -> WaitStore: ...
    @property
    def configuration(self) -> Reloads: ...
    @property
    def stopping(self) -> threading.Event: ...


def tick(app: ClockApp) -> int:
    """Tick until SIGTERM or SIGINT (main thread only); the exit status. Any number of clocks may tick at once."""
    with SignalWatch(orders(app.stopping, app.configuration)):
        run_until_stopped(app)
    return 0


def run_until_stopped(app: ClockApp) -> None:
    """Sweep, seal and wake until `app.stopping` is set. Nothing that goes wrong ends it."""
    scheduler = BackgroundScheduler(timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1})
    one_at_a_time = threading.Lock()

    def wake() -> None:
        with one_at_a_time:
            app.sweep.wake()

    sweep, seal = Survivor("sweep", wake), Survivor("seal", app.sweep.seal)
    # Apart from the sweep: it calls outside, and a slow service must not keep a rollback waiting.
    look = Survivor("look", app.sweep.look)
    # A run may be late by more than its interval while the database is away; it still counts.
    options = {"trigger": "interval", "misfire_grace_time": None}
    scheduler.add_job(sweep, seconds=app.settings.sweep_seconds, next_run_time=datetime.now(UTC), **options)
    scheduler.add_job(look, seconds=app.settings.sweep_seconds, **options)
    scheduler.add_job(seal, seconds=SEAL_SECONDS, **options)
    scheduler.start()
    log.info("clock_started", sweep_seconds=app.settings.sweep_seconds)
    try:
        Waker(app.store, wake).run(app.stopping)
    finally:
        scheduler.shutdown(wait=True)
        log.info("clock_stopped")


class Survivor:
    """A call that logs what goes wrong: once when it begins, once when it is over, not at every tick."""

    def __init__(self, name: str, call: Callable[[], object]) -> None:
        self.name = name
        self._call = call
        self._is_failing = False

    def __call__(self) -> bool:
        """Call it; whether it went well."""
        try:
            self._call()
        except Exception as error:
            if not self._is_failing:
                log.warning("clock_fault", part=self.name, **describe_fault(error))
            self._is_failing = True
            return False
        if self._is_failing:
            log.info("clock_recovered", part=self.name)
        self._is_failing = False
        return True


class Waker:
    """Wakes at the moment when a wait or a lease ends, so that nothing waits for the next sweep."""

    def __init__(self, store: WaitStore, wake: Callable[[], object]) -> None:
        self._store = store
        self._wake = wake
        self._woken_for: datetime | None = None
        self._nap = LONGEST_NAP

    def run(self, stopping: threading.Event) -> None:
        """Look, wake what is due, nap; until `stopping` is set."""
        step = Survivor("waker", self.step)
        while not stopping.is_set():
            self._nap = LONGEST_NAP
            step()
            stopping.wait(self._nap.total_seconds())

    def step(self) -> timedelta:
        """Wake if something is due that was not woken for yet; how long to nap."""
        with self._store.read() as tx:
            moment = min(filter(None, (tx.next_wake(), tx.next_told())), default=None)
        self._nap = LONGEST_NAP
        if moment is None:
            return self._nap
        left = moment - self._store.now()
        if left > timedelta(0):
            self._nap = min(LONGEST_NAP, max(SHORTEST_NAP, left))
        elif moment != self._woken_for:
            # Once for each moment: where workers are too busy to take it, the sweep rings again.
            self._woken_for = moment
            self._wake()
            self._nap = SHORTEST_NAP
        return self._nap
