"""The outbound heartbeat: given only while the house is truly well, so that its absence is noticed elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.pulses import Part, Pulse, ailments
from bot.ports import Clock, Log, Store

RETRY = timedelta(seconds=10)
"""After this it is tried again where the house was not well, or the switch did not answer."""

Call = Callable[[], str]
"""Tells the switch that all is well; what went wrong, empty where nothing did. Never raises."""


class Heartbeat:
    """A look of the clock. Of any number of clocks one gives each beat: SQL decides whose turn it is.

    Well means: the database took a write and answered; a clock swept to the end, and a worker of each lane went
    through its loop, within the last minute. Workers take due work from SQL while Redis is away, and their loops turn
    only while they hear Redis or do that, so the queue, or its fallback, works too.
    """

    def __init__(
        self, *, store: Store, clock: Clock, owner: str, every: timedelta, call: Call | None, log: Log
    ) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self._every = every
        self._call = call
        self._log = log
        self._again: datetime | None = None

    def look(self) -> None:
        """Give the beat that is due, if the house is well and it is this clock's turn. TryLater without SQL."""
        now = self._clock.now()
        if self._again is not None and now < self._again <= now + self._every:
            return
        self._again = now + min(self._every, RETRY) / 2
        with self._store.write() as tx:
            if not tx.claim_pulse(Part.HEARTBEAT, now, now + self._every, self._owner):
                return
            pulses = tx.pulses()
        self._give(pulses, now)

    def _give(self, pulses: Mapping[str, Pulse], now: datetime) -> None:
        before = pulses[Part.HEARTBEAT]
        ill = ailments(pulses, now)
        problem = "; ".join(ill) or (self._call() if self._call else "")
        pause = min(self._every, RETRY) if problem else self._every
        after = replace(before, at=before.at if ill else now, due_at=now + pause, problem=problem)
        with self._store.write() as tx:
            tx.save(after)
        if problem != before.problem:
            self._log("heartbeat withheld" if ill else "heartbeat", well=not ill, problem=problem)
