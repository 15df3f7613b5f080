"""Signs of life: a process says in SQL that it does its work, at a pace of its own, beside that work."""

from __future__ import annotations

from datetime import datetime

from bot.domain.pulses import BEAT_EVERY, Part, Pulse
from bot.ports import Clock, Store


class Beating:
    """For one process. Several of the same kind write the same row: one that lives is enough."""

    def __init__(self, store: Store, clock: Clock, owner: str) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self._last: dict[Part, datetime] = {}

    def beat(self, part: Part) -> bool:
        """Say that this part is at work now; more often than the pace it is not written. TryLater without SQL."""
        now, last = self._clock.now(), self._last.get(part)
        if last is not None and last <= now < last + BEAT_EVERY:
            return False
        with self._store.write() as tx:
            tx.save(Pulse(part, now, self._owner))
        self._last[part] = now
        return True

    def sweep(self) -> None:
        """Say that a clock swept to the end."""
        self.beat(Part.SWEEP)
