"""Group commit: who shares a commit, who waits for none, and who is hurt by whom."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from support.doorbells import NotedDoorbell

from bot.domain.errors import BadInput, TryLater
from bot.domain.events import Delivery, Disposition, Receipt
from bot.ports import Bell, JobName, Lane
from bot.web.batching import Batcher
from bot.web.head import Ring

BELL = Bell(JobName.ADVANCE_RUN, "run-1", Lane.ROLLBACKS)


class Door:
    """An intake that keeps what it took; a delivery of source `broken`, `bad` or `away` fails the way it says."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.open = threading.Event()
        self.open.set()

    def accept(self, deliveries: Sequence[Delivery], ring: Ring, _foresee: Ring) -> list[Receipt]:
        self.batches.append([one.raw for one in deliveries])
        assert self.open.wait(10)
        for one in deliveries:
            if one.source == "broken":
                raise KeyError("a fault")
            if one.source == "bad":
                raise BadInput("cannot be taken")
            if one.source == "away":
                raise TryLater("the store is away")
        ring([BELL])
        return [Receipt(f"evt-{one.raw.decode()}", Disposition.ACCEPTED) for one in deliveries]


def played(scene: Callable[[Batcher], Coroutine[Any, Any, None]], door: Door, **options: Any) -> list[Sequence[Bell]]:
    """Run a scene in an event loop of its own; gives the bells that were rung."""
    rung: list[Sequence[Bell]] = []

    async def play() -> None:
        batcher = Batcher(door.accept, NotedDoorbell(rung.append), **options)
        batcher.start()
        try:
            await scene(batcher)
        finally:
            door.open.set()
            await batcher.stop()

    asyncio.run(play())
    return rung


def delivery(raw: str, source: str = "generic") -> Delivery:
    return Delivery(source, raw.encode())


async def first_is_at_the_door(door: Door) -> None:
    async with asyncio.timeout(10):
        while not door.batches:
            await asyncio.sleep(0.001)


def test_a_lone_delivery_goes_at_once_and_by_itself() -> None:
    door = Door()

    async def scene(batcher: Batcher) -> None:
        for number in range(3):
            assert (await batcher.submit(delivery(str(number)))).event_id == f"evt-{number}"

    rung = played(scene, door)
    assert door.batches == [[b"0"], [b"1"], [b"2"]]
    assert len(rung) == 3


def test_deliveries_that_come_during_a_commit_share_the_next_one() -> None:
    door = Door()
    door.open.clear()

    async def scene(batcher: Batcher) -> None:
        first = asyncio.create_task(batcher.submit(delivery("first")))
        await first_is_at_the_door(door)
        others = [asyncio.create_task(batcher.submit(delivery(str(number)))) for number in range(50)]
        await asyncio.sleep(0)
        door.open.set()
        receipts = await asyncio.gather(first, *others)
        assert [one.event_id for one in receipts] == ["evt-first", *(f"evt-{number}" for number in range(50))]

    played(scene, door)
    assert [len(batch) for batch in door.batches] == [1, 50]


def test_a_batch_has_an_upper_size() -> None:
    door = Door()
    door.open.clear()

    async def scene(batcher: Batcher) -> None:
        first = asyncio.create_task(batcher.submit(delivery("first")))
        await first_is_at_the_door(door)
        others = [asyncio.create_task(batcher.submit(delivery(str(number)))) for number in range(25)]
        await asyncio.sleep(0)
        door.open.set()
        await asyncio.gather(first, *others)

    played(scene, door, most=10)
    assert [len(batch) for batch in door.batches] == [1, 10, 10, 5]


@pytest.mark.parametrize(("source", "kind"), [("broken", KeyError), ("bad", BadInput)])
def test_one_that_cannot_be_taken_hurts_no_other(source: str, kind: type[Exception]) -> None:
    door = Door()
    door.open.clear()

    async def scene(batcher: Batcher) -> None:
        first = asyncio.create_task(batcher.submit(delivery("first")))
        await first_is_at_the_door(door)
        tasks = [
            asyncio.create_task(batcher.submit(delivery(str(number), source if number == 3 else "generic")))
            for number in range(6)
        ]
        await asyncio.sleep(0)
        door.open.set()
        await first
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results[3], kind)
        assert [one.event_id for one in results if isinstance(one, Receipt)] == [
            f"evt-{number}" for number in range(6) if number != 3
        ]

    played(scene, door)


def test_a_store_that_is_away_is_said_to_all_and_asked_only_once() -> None:
    door = Door()

    async def scene(batcher: Batcher) -> None:
        results = await asyncio.gather(
            *(batcher.submit(delivery(str(number), "away")) for number in range(5)), return_exceptions=True
        )
        assert all(isinstance(one, TryLater) for one in results)

    played(scene, door)
    assert sum(len(batch) for batch in door.batches) == 5


def test_too_many_that_wait_are_sent_back_before_they_are_taken() -> None:
    door = Door()
    door.open.clear()

    async def scene(batcher: Batcher) -> None:
        waiting = [asyncio.create_task(batcher.submit(delivery(str(number)))) for number in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(TryLater):
            await batcher.submit(delivery("late"))
        door.open.set()
        await asyncio.gather(*waiting)
        assert (await batcher.submit(delivery("after"))).event_id == "evt-after"

    played(scene, door, most_waiting=4)
    assert b"late" not in [raw for batch in door.batches for raw in batch]


def test_an_asker_who_left_disturbs_nobody() -> None:
    door = Door()
    door.open.clear()

    async def scene(batcher: Batcher) -> None:
        gone = asyncio.create_task(batcher.submit(delivery("gone")))
        await first_is_at_the_door(door)
        gone.cancel()
        stays = asyncio.create_task(batcher.submit(delivery("stays")))
        await asyncio.sleep(0)
        door.open.set()
        assert (await stays).event_id == "evt-stays"

    played(scene, door)


def test_what_waits_at_the_end_is_stored_and_rung_before_the_end() -> None:
    door = Door()
    answers: list[asyncio.Task[Receipt]] = []

    async def scene(batcher: Batcher) -> None:
        answers.extend(asyncio.create_task(batcher.submit(delivery(str(number)))) for number in range(20))
        await asyncio.sleep(0)

    rung = played(scene, door)
    assert sum(len(batch) for batch in door.batches) == 20
    assert len(rung) == len(door.batches)


def test_a_bell_that_cannot_be_rung_delays_no_answer() -> None:
    door = Door()
    stuck = threading.Event()

    async def play() -> None:
        batcher = Batcher(door.accept, NotedDoorbell(lambda _: stuck.wait(10)))
        batcher.start()
        try:
            async with asyncio.timeout(5):
                for number in range(3):
                    await batcher.submit(delivery(str(number)))
        finally:
            stuck.set()
            await batcher.stop()

    asyncio.run(play())
    assert len(door.batches) == 3
