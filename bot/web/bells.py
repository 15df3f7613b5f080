"""Rings for a front door on a thread of its own, so that a queue that is away never delays an answer."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
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


@dataclass(frozen=True)
class _Sent:
    """Bells whose ring is on its way: what waits for its answer, and those that are not so urgent."""

    heard: Callable[[], bool]
    others: Sequence[Bell]


class Bells:
    """One thread. Rollbacks are rung at once; what only tells or waits a moment later, so that it is not in front.

    What was foreseen and is made by the time of its commit is sent by whoever committed, without waiting for a thread
    to wake up; only its answer is waited for here."""

    def __init__(self, doorbell: Doorbell) -> None:
        self._doorbell = doorbell
        self._inbox: queue.SimpleQueue[Sequence[Bell] | _Foreseen | _Sent | None] = queue.SimpleQueue()
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
        """Have them rung. Called by one thread, the one that calls `foresee`. Never raises: it is committed already."""
        if heard := self._send_made(_urgent(bells)):
            self._inbox.put(_Sent(heard, _others(bells)))
            return
        self._inbox.put(bells)
        time.sleep(0)  # the thread begins before the caller goes on, since a rollback waits for it

    def _run(self) -> None:
        while True:
            try:
                came = self._inbox.get(timeout=max(0.0, self._later_at - time.monotonic()) if self._later else None)
            except queue.Empty:
                came = ()
            self._take(came or ())
            if self._later and (came is None or time.monotonic() >= self._later_at):
                self._safely(partial(self._doorbell.ring, self._later))
                self._later = []
            if came is None:
                self._drop()
                return

    def _take(self, came: Sequence[Bell] | _Foreseen | _Sent) -> None:
        if isinstance(came, _Foreseen):
            self._safely(partial(self._make, _urgent(came.bells)))
            return
        if isinstance(came, _Sent):
            self._safely(came.heard)
            self._put_off(came.others)
            return
        if urgent := _urgent(came):
            self._safely(partial(self._ring_rollbacks, urgent))
        self._put_off(_others(came))

    def _put_off(self, bells: Sequence[Bell]) -> None:
        if not self._later:
            self._later_at = time.monotonic() + LATER_SECONDS
        self._later += bells

    def _make(self, urgent: list[Bell]) -> None:
        self._drop()
        if urgent:
            self._made = urgent, self._doorbell.ready(urgent)

    def _send_made(self, urgent: list[Bell]) -> Callable[[], bool] | None:
        """Send what was made ready for exactly these; what waits for its answer. None where nothing was, or it broke:
        then they are rung the plain way."""
        made = self._made
        if made is None or made[0] != urgent:
            return None
        self._made = None
        try:
            return made[1].send()
        except Exception as error:
            _log.error("ring_not_sent", then="rung anew", **describe_fault(error))
            return None

    def _drop(self) -> None:
        if self._made is not None:
            self._made[1].drop()
            self._made = None

    def _ring_rollbacks(self, urgent: list[Bell]) -> None:
        if heard := self._send_made(urgent):
            heard()
            return
        self._drop()
        self._doorbell.ring(urgent)

    def _safely(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Exception as error:
            # A lost ring costs seconds: the sweep rings again.
            _log.error("ring_failed", **describe_fault(error))


def _urgent(bells: Sequence[Bell]) -> list[Bell]:
    return [bell for bell in bells if bell.lane is Lane.ROLLBACKS]


def _others(bells: Sequence[Bell]) -> list[Bell]:
    return [bell for bell in bells if bell.lane is not Lane.ROLLBACKS]
