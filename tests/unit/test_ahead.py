"""What is done ahead of its time: by another thread, once, with its errors for whoever asked."""

from __future__ import annotations

import gc
import threading

import pytest

from bot.domain.errors import StepFailed
from bot.flow.ahead import Ahead


def test_it_is_done_meanwhile_by_one_other_thread() -> None:
    ahead, go_on = Ahead(), threading.Event()

    def act() -> str:
        go_on.wait(10)
        return threading.current_thread().name

    first, second = ahead.begin(act), ahead.begin(threading.get_ident)
    go_on.set()
    assert first() == "andon-ahead"
    assert second() != threading.get_ident()


def test_an_error_is_raised_where_the_answer_is_taken_and_hurts_nothing_else() -> None:
    def fail() -> None:
        raise StepFailed("no")

    ahead = Ahead()
    failed = ahead.begin(fail)
    assert ahead.begin(lambda: 7)() == 7
    with pytest.raises(StepFailed, match="no"):
        failed()


def test_an_answer_that_nobody_takes_is_let_go() -> None:
    ahead = Ahead()
    ahead.begin(lambda: 1 / 0)
    assert ahead.begin(lambda: 8)() == 8


def test_the_thread_ends_with_its_owner() -> None:
    ahead = Ahead()
    ident = ahead.begin(threading.get_ident)()
    (thread,) = (one for one in threading.enumerate() if one.ident == ident)
    del ahead
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()
