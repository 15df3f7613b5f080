"""Rings for a front door on a thread of its own, so that a queue that is away never delays an answer."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from bot.adapters.fault_traces import describe_fault
from bot.ports import Bell, Lane, ReadyRing

LATER_SECONDS = 0.03
"""How long notices and the like stand back: the first call of a rollback leaves within this time on an idle machine,
and the workers of the other lanes would take processors and the writers' turn from it."""

_log = structlog.get_logger("andon.web")


class Doorbell(Protocol):
    """What rings in the end: `bot.ports.Queue`, as far as it is needed here."""

    def ready(self, bells: Sequence[Bell]) -> ReadyRing:
        """Make a ring that is not sent yet."""
        ...

    def ring(self, bells: Sequence[Bell]) -> bool:
        """Send one."""
        ...


@dataclass(frozen=True)
class _Foreseen:
    """Bells that will be rung unless their commit comes to nothing."""

    bells: Sequence[Bell]


class Bells:
    """One thread. Rollbacks are rung at once; what only tells or waits a moment later, so that it is not in front."""

    def __init__(self, doorbell: Doorbell) -> None:
        self._doorbell = doorbell
        self._inbox: queue.SimpleQueue[Sequence[Bell] | _Foreseen | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="andon-bells", daemon=True)
        self._made: tuple[list[Bell], ReadyRing] | None = None
        self._later: list[Bell] = []
        self._later_at = 0.0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ring what is to be rung, and end."""
        self._inbox.put(None)
        self._thread.join()

    def foresee(self, bells: Sequence[Bell]) -> None:
        """Make them ready while the caller waits for its commit."""
        self._inbox.put(_Foreseen(bells))

    def ring(self, bells: Sequence[Bell]) -> None:
        """Have them rung: the thread begins before the caller goes on, since a rollback waits for it."""
        self._inbox.put(bells)
        time.sleep(0)

    def _run(self) -> None:
        while True:
            try:
                came = self._inbox.get(timeout=max(0.0, self._later_at - time.monotonic()) if self._later else None)
            except queue.Empty:
                came = ()
            if isinstance(came, _Foreseen):
                self._safely(self._make, came.bells)
                came = ()
            self._safely(self._ring_rollbacks, [bell for bell in came or () if bell.lane is Lane.ROLLBACKS])
            self._put_off([bell for bell in came or () if bell.lane is not Lane.ROLLBACKS])
            if came is None or time.monotonic() >= self._later_at:
                self._safely(self._doorbell.ring, self._later)
                self._later = []
            if came is None:
                self._drop()
                return

    def _put_off(self, bells: Sequence[Bell]) -> None:
        if not self._later:
            self._later_at = time.monotonic() + LATER_SECONDS
        self._later += bells

    def _make(self, bells: Sequence[Bell]) -> None:
        self._drop()
        urgent = [bell for bell in bells if bell.lane is Lane.ROLLBACKS]
        if urgent:
            self._made = urgent, self._doorbell.ready(urgent)

    def _drop(self) -> None:
        if self._made is not None:
            self._made[1].drop()
            self._made = None

    def _ring_rollbacks(self, bells: Sequence[Bell]) -> None:
        if self._made is not None and self._made[0] == bells:
            made, self._made = self._made, None
            made[1].ring()
            return
        self._drop()
        self._doorbell.ring(bells)

    def _safely(self, act: Callable[[Sequence[Bell]], object], bells: Sequence[Bell]) -> None:
        if not bells:
            return
        try:
            act(bells)
        except Exception as error:
            # A lost ring costs seconds: the sweep rings again.
            _log.error("ring_failed", bells=len(bells), **describe_fault(error))
