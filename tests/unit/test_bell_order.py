"""Bells of the front door: rollbacks are rung at once, what only tells a moment later, and none is forgotten."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence

from support.doorbells import NotedDoorbell

from bot.domain.events import Delivery, Disposition, Receipt
from bot.ports import Bell, JobName, Lane
from bot.web.batching import Batcher
from bot.web.bells import LATER_SECONDS, Bells
from bot.web.head import Ring


def run_bell(number: int) -> Bell:
    return Bell(JobName.ADVANCE_RUN, f"run-{number:026d}", Lane.ROLLBACKS)


def notice_bell(number: int) -> Bell:
    return Bell(JobName.SEND_NOTICE, f"ntc-{number:026d}", Lane.NOTICES)


class Door:
    """A front door that rings both bells for each delivery and notes when they sound."""

    def __init__(self) -> None:
        self.rung: list[tuple[float, Bell]] = []
        self.count = 0
        self.enough = threading.Event()

    def accept(self, deliveries: Sequence[Delivery], ring: Ring, _foresee: Ring) -> list[Receipt]:
        for _ in deliveries:
            self.count += 1
            ring([notice_bell(self.count), run_bell(self.count)])
        return [Receipt(f"evt-{self.count}", Disposition.ACCEPTED, 1) for _ in deliveries]

    def ring(self, bells: Sequence[Bell]) -> bool:
        self.rung += [(time.monotonic(), bell) for bell in bells]
        if any(bell.lane is Lane.NOTICES for bell in bells):
            self.enough.set()
        return True

    def lanes(self) -> list[Lane]:
        return [bell.lane for _, bell in self.rung]


def test_a_rollback_is_rung_before_the_notice_that_stood_in_front_of_it() -> None:
    door = Door()

    async def one() -> None:
        batcher = Batcher(door.accept, NotedDoorbell(door.ring))
        batcher.start()
        await batcher.submit(Delivery("generic", b"{}", {}))
        assert await asyncio.to_thread(door.enough.wait, 10)
        await batcher.stop()

    asyncio.run(one())
    assert door.lanes() == [Lane.ROLLBACKS, Lane.NOTICES]
    (first, _), (second, _) = door.rung
    assert second - first >= LATER_SECONDS * 0.9


def test_a_stop_rings_what_still_waits() -> None:
    door = Door()

    async def some() -> None:
        batcher = Batcher(door.accept, NotedDoorbell(door.ring))
        batcher.start()
        await asyncio.gather(*(batcher.submit(Delivery("generic", b"{}", {})) for _ in range(5)))
        await batcher.stop()

    asyncio.run(some())
    assert sorted(bell.id for _, bell in door.rung) == sorted(
        bell.id for number in range(1, 6) for bell in (run_bell(number), notice_bell(number))
    )


def test_rollbacks_that_keep_coming_do_not_put_off_notices() -> None:
    door = Door()

    async def many() -> None:
        batcher = Batcher(door.accept, NotedDoorbell(door.ring))
        batcher.start()
        while not door.enough.is_set() and door.count < 100_000:
            await batcher.submit(Delivery("generic", b"{}", {}))
        await batcher.stop()

    asyncio.run(many())
    # Stopping rings whatever is left, so what counts is that a notice was rung while rollbacks still came.
    assert door.count < 100_000


def heard_by(door: Door, told: Callable[[Bells], object]) -> NotedDoorbell:
    """What becomes of what a front door says."""
    doorbell = NotedDoorbell(door.ring)
    bells = Bells(doorbell)
    bells.start()
    told(bells)
    bells.stop()
    return doorbell


def test_a_foreseen_rollback_is_made_ready_before_the_commit_and_sent_after_it() -> None:
    door = Door()

    def told(bells: Bells) -> None:
        bells.foresee([notice_bell(1), run_bell(1)])
        bells.ring([notice_bell(1), run_bell(1)])

    made = heard_by(door, told).made
    assert [(one.bells, one.became) for one in made] == [([run_bell(1)], "rung")]
    assert door.lanes() == [Lane.ROLLBACKS, Lane.NOTICES]


def test_what_was_foreseen_for_a_commit_that_came_to_nothing_is_never_rung() -> None:
    door = Door()

    def told(bells: Bells) -> None:
        bells.foresee([run_bell(1)])
        bells.foresee([run_bell(2)])
        bells.ring([run_bell(2)])
        bells.foresee([run_bell(3)])
        bells.ring([run_bell(4), notice_bell(4)])
        bells.foresee([run_bell(5)])

    made = heard_by(door, told).made
    assert [one.became for one in made] == ["dropped", "rung", "dropped", "dropped"]
    assert [bell for _, bell in door.rung] == [run_bell(2), run_bell(4), notice_bell(4)]


def test_a_notice_alone_is_in_no_hurry() -> None:
    door = Door()
    assert heard_by(door, lambda bells: bells.foresee([notice_bell(1)])).made == []


def test_what_is_made_by_the_time_of_its_commit_is_sent_by_whoever_committed() -> None:
    door, threads = Door(), list[str]()

    def sound(bells: Sequence[Bell]) -> bool:
        threads.append(threading.current_thread().name)
        return door.ring(bells)

    doorbell = NotedDoorbell(sound)
    bells = Bells(doorbell)
    bells.start()
    for number in range(1, 21):
        bells.foresee([run_bell(number)])
        end = time.monotonic() + 10
        while len(doorbell.made) < number and time.monotonic() < end:
            threading.Event().wait(0.001)
        bells.ring([run_bell(number), notice_bell(number)])
    here = threads.count(threading.current_thread().name)
    bells.stop()
    assert here >= 15, "one that is handed over in the same moment may still be sent by the other thread"
    rung = [bell for _, bell in door.rung]
    assert [bell for bell in rung if bell.lane is Lane.ROLLBACKS] == [run_bell(number) for number in range(1, 21)]
    assert len(rung) == 40


class BrokenRing:
    """One that cannot be sent, for a reason that nobody foresaw."""

    def send(self) -> Callable[[], bool]:
        raise ValueError("I/O operation on a closed file")

    def drop(self) -> None:
        """Nothing is held."""


class BrokenDoorbell:
    """Makes such rings ready; the plain way works."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.made = threading.Event()

    def ready(self, bells: Sequence[Bell]) -> BrokenRing:
        self.made.set()
        return BrokenRing()

    def ring(self, bells: Sequence[Bell]) -> bool:
        return self.door.ring(bells)


def test_a_ring_that_breaks_hurts_nobody_who_committed_and_is_rung_anew() -> None:
    door = Door()
    doorbell = BrokenDoorbell(door)
    bells = Bells(doorbell)
    bells.start()
    numbers = range(1, 21)
    for number in numbers:
        doorbell.made.clear()
        bells.foresee([run_bell(number)])
        assert doorbell.made.wait(10)
        bells.ring([run_bell(number), notice_bell(number)])
    bells.stop()
    assert sorted(bell.id for _, bell in door.rung) == sorted(
        bell.id for number in numbers for bell in (run_bell(number), notice_bell(number))
    )
