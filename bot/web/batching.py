"""Group commit: one thread stores all deliveries that wait in one transaction, so that many requests share a commit."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Generic, TypeVar

import structlog

from bot.adapters.fault_traces import describe_fault
from bot.domain.errors import AndonError, TryLater
from bot.web.bells import Bells, Doorbell
from bot.web.head import Ring

Came = TypeVar("Came")
"""What comes in: a delivery, or a batch of observations."""
Said = TypeVar("Said")
"""The answer to it, given after its commit."""

Accept = Callable[[Sequence[Came], Ring, Ring], Sequence[Said | AndonError]]
"""Gets what came, what takes the bells after the commit, and what is told just before it which they will be."""
Settled = tuple["_Waiting[Came, Said]", Said | BaseException]

_log = structlog.get_logger("andon.web")


class _Waiting(Generic[Came, Said]):
    """One delivery and the future of its request."""

    __slots__ = ("delivery", "future")

    def __init__(self, delivery: Came, future: asyncio.Future[Said]) -> None:
        self.delivery = delivery
        self.future = future


class Batcher(Generic[Came, Said]):
    """Hands deliveries to `accept` in batches. A lone delivery goes at once; those that come meanwhile share the next.

    An error among the answers is that delivery's alone; one that is raised is everybody's.
    """

    def __init__(
        self,
        accept: Accept[Came, Said],
        doorbell: Doorbell,
        *,
        most: int = 256,
        most_waiting: int = 4096,
        measure: Callable[[int], object] = lambda _: None,
        note: Callable[[Sequence[Said]], object] = lambda _: None,
    ) -> None:
        self._note = note
        self._accept = accept
        self._bells = Bells(doorbell)
        self._most = most
        self._most_waiting = most_waiting
        self._measure = measure
        self._inbox: queue.SimpleQueue[_Waiting[Came, Said] | None] = queue.SimpleQueue()
        self._count = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._intake = threading.Thread(target=self._take, name="andon-intake", daemon=True)

    def start(self) -> None:
        """Begin, inside the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._bells.start()
        self._intake.start()

    async def stop(self) -> None:
        """Store what waits, ring what is to be rung, and end."""
        self._inbox.put(None)
        await asyncio.to_thread(self._intake.join)
        await asyncio.to_thread(self._bells.stop)

    async def submit(self, delivery: Came) -> Said:
        """The receipt, after the commit. TryLater where too many wait or the store is away."""
        if self._loop is None or self._count >= self._most_waiting:
            raise TryLater(
                "More requests wait than can be stored right now",
                delay=timedelta(seconds=2),
                next="send it again",
            )
        waiting: _Waiting[Came, Said] = _Waiting(delivery, self._loop.create_future())
        self._count += 1
        self._inbox.put(waiting)
        return await waiting.future

    def _take(self) -> None:
        """The intake thread: block for the first, then take whatever else is there."""
        while (first := self._inbox.get()) is not None:
            batch = [first]
            ended = False
            while len(batch) < self._most and not ended:
                try:
                    another = self._inbox.get_nowait()
                except queue.Empty:
                    break
                if another is None:
                    ended = True
                else:
                    batch.append(another)
            self._measure(len(batch))
            settled = self._answers(batch)
            self._settle(settled)
            self._note([result for _, result in settled if not isinstance(result, BaseException)])
            if ended:
                return

    def _answers(self, batch: list[_Waiting[Came, Said]]) -> list[Settled[Came, Said]]:
        try:
            receipts = self._accept([one.delivery for one in batch], self._bells.ring, self._bells.foresee)
            return list(zip(batch, receipts, strict=True))
        except AndonError as error:
            if isinstance(error, TryLater) or len(batch) == 1:
                return [(one, error) for one in batch]
        except Exception as error:
            sources = sorted({str(getattr(one.delivery, "source", "observations")) for one in batch})
            _log.error("accept_failed", deliveries=len(batch), sources=sources, **describe_fault(error))
            if len(batch) == 1:
                return [(batch[0], error)]
        # One request that cannot be taken must not hurt those that came with it.
        return [settled for one in batch for settled in self._answers([one])]

    def _settle(self, settled: list[Settled[Came, Said]]) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._resolve, settled)
        except RuntimeError:
            # The loop is closed and nobody waits: what was committed stays, and a resend is a duplicate.
            _log.warning("answers_lost", deliveries=len(settled))

    def _resolve(self, settled: list[Settled[Came, Said]]) -> None:
        self._count -= len(settled)
        for waiting, result in settled:
            if waiting.future.done():
                continue
            if isinstance(result, BaseException):
                waiting.future.set_exception(result)
            else:
                waiting.future.set_result(result)
