"""What every chore of the clock is given, and how it goes through what is due."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from bot.domain.configuration import Configuration
from bot.flow.consequences import Consequences
from bot.flow.situation import Situation
from bot.ports import Clock, Ids, Queue, Store

Item = TypeVar("Item")


@dataclass(frozen=True)
class Rounds:
    """The parts that a chore works with. Any number of clocks may do the same chore at once."""

    store: Store
    queue: Queue
    clock: Clock
    ids: Ids
    configuration: Callable[[], Configuration]
    consequences: Consequences

    def now(self) -> datetime:
        """Aware, UTC."""
        return self.clock.now()

    @contextmanager
    def at(self, service: str) -> Iterator[Situation]:
        """One commit about a service, which is locked: whoever comes second sees what the first has done."""
        with self.store.write() as tx:
            situation = Situation(tx, tx.standing([service]), self.clock.now(), self.ids)
            yield situation
            situation.write_back()
        self.queue.ring(situation.bells)


def do_each(items: Iterable[Item], do: Callable[[Item], object]) -> None:
    """Do all of them: one that cannot be done keeps no other waiting. The first fault is raised at the end."""
    faults: list[Exception] = []
    for item in items:
        try:
            do(item)
        except Exception as fault:
            faults.append(fault)
    if faults:
        raise faults[0]
