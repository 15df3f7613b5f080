"""Work beside a lane's own: it keeps nobody waiting, and is done once at a time for each id."""

from __future__ import annotations

import threading

from bot.beside import Beside

PATIENCE = 20.0


def test_a_slow_call_keeps_no_other_waiting() -> None:
    release, quick = threading.Event(), threading.Event()

    def call(name: str) -> None:
        if name == "slow":
            assert release.wait(PATIENCE)
        else:
            quick.set()

    beside = Beside(call)
    beside("slow")
    beside("quick")
    assert quick.wait(PATIENCE)
    release.set()


def test_what_comes_while_it_is_done_is_done_once_more_and_never_twice_at_once() -> None:
    entered, release, done = threading.Event(), threading.Event(), threading.Semaphore(0)
    at_once = [0, 0]

    def call(_: str) -> None:
        at_once[0] += 1
        at_once[1] = max(at_once)
        entered.set()
        assert release.wait(PATIENCE)
        at_once[0] -= 1
        done.release()

    beside = Beside(call)
    beside("one")
    assert entered.wait(PATIENCE)
    for _ in range(5):
        beside("one")
    release.set()
    assert done.acquire(timeout=PATIENCE)
    assert done.acquire(timeout=PATIENCE), "five rings meanwhile are one more look"
    assert not done.acquire(timeout=0.2)
    assert at_once[1] == 1


def test_a_call_that_breaks_ends_nothing() -> None:
    tried = threading.Semaphore(0)

    def call(_: str) -> None:
        tried.release()
        raise ValueError("broken")

    beside = Beside(call)
    beside("one")
    assert tried.acquire(timeout=PATIENCE)
    beside("two")
    assert tried.acquire(timeout=PATIENCE)


def test_what_got_no_thread_is_done_when_it_is_rung_for_again() -> None:
    done = threading.Event()
    beside = Beside(lambda _: done.set())
    before = threading.stack_size(1 << 46)  # more than there can be, so that no thread starts
    try:
        beside("one")
    finally:
        threading.stack_size(before)
    assert not done.is_set()
    beside("one")
    assert done.wait(PATIENCE)
