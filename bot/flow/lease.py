"""Keeps one worker's lease alive while it works, and tells it at once when the lease is lost."""

from __future__ import annotations

import threading
from datetime import timedelta

from bot.domain.errors import AndonError, LeaseLost
from bot.domain.runs import Lease
from bot.ports import Clock, Log, Store


class LeaseKeeper:
    """One background thread per process; it renews whatever lease is held, three times in its lifetime.

    It looks by itself and is not woken for a new lease: that would be one more thread that wants to run at the very
    moment at which the first call of a rollback is to leave.

    `guard` is what stands between a paused process and a second effect: it compares against this process's
    monotonic clock, which goes on while the process is stopped, so that work resumed too late is refused
    before its call leaves.
    """

    def __init__(self, store: Store, clock: Clock, ttl: timedelta, log: Log) -> None:
        self._store = store
        self._clock = clock
        self._ttl = ttl
        self._log = log
        self._lock = threading.Lock()
        self._lease: Lease | None = None
        self._valid_until = 0.0
        self._thread: threading.Thread | None = None

    def hold(self, lease: Lease, taken_at: float) -> None:
        """Renew this lease from now on. `taken_at` is the monotonic time just before it was claimed."""
        with self._lock:
            self._lease = lease
            self._valid_until = taken_at + self._ttl.total_seconds()
            if self._thread is None:
                self._thread = threading.Thread(target=self._renew_forever, name="lease-keeper", daemon=True)
                self._thread.start()

    def drop(self) -> None:
        """Renew nothing."""
        with self._lock:
            self._lease = None

    def guard(self, lease: Lease) -> None:
        """LeaseLost unless this lease is held and surely has not ended."""
        with self._lock:
            lives = self._lease is not None and self._lease.fence == lease.fence and self._lease.run_id == lease.run_id
            if not lives or self._clock.monotonic() >= self._valid_until:
                raise LeaseLost(f"The lease of run {lease.run_id} is not held any more")

    def _renew_forever(self) -> None:
        third = pause = self._ttl.total_seconds() / 3
        clock = threading.Event()
        while True:
            clock.wait(pause)
            with self._lock:
                lease = self._lease
            pause = third if lease is None or self._renew(lease) else third / 4

    def _renew(self, lease: Lease) -> bool:
        """False where the database is away."""
        asked_at = self._clock.monotonic()
        try:
            with self._store.write() as tx:
                renewed = tx.renew(lease, self._ttl)
        except LeaseLost:
            self._log("lease lost", run_id=lease.run_id, fence=lease.fence)
            with self._lock:
                if self._lease is lease:
                    self._lease = None
        except AndonError as error:
            # The database is away: the lease runs out by itself unless a later try succeeds.
            self._log("lease not renewed", run_id=lease.run_id, problem=str(error))
            return False
        else:
            with self._lock:
                if self._lease is lease:
                    self._lease = renewed
                    self._valid_until = asked_at + self._ttl.total_seconds()
        return True
