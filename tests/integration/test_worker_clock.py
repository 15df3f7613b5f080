"""The clock: sweeps, seals and wakes punctually, and outlives whatever goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.redis_servers import eventually

from bot.clock import LONGEST_NAP, SHORTEST_NAP, Survivor, Waker, run_until_stopped
from bot.domain.errors import TryLater
from bot.settings import Settings

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Diary:
    """A program of which only the moments matter: when something is due, and when it was woken, swept and sealed."""

    def __init__(self, *, sweep_seconds: float = 60.0) -> None:
        self.settings = Settings(sweep_seconds=sweep_seconds)
        self.stopping = threading.Event()
        self.sweep = self.store = self.configuration = self
        self.due: list[datetime] = []
        self.woken: list[datetime] = []
        self.sealed = self.looked = 0
        self.is_away = False
        self.fixed: datetime | None = None
        self.inside = 0
        self.most_inside = 0

    def now(self) -> datetime:
        return self.fixed or datetime.now(UTC)

    @contextmanager
    def read(self) -> Iterator[Diary]:
        if self.is_away:
            raise TryLater("The database is away")
        yield self

    def next_wake(self) -> datetime | None:
        return min(self.due, default=None)

    def next_told(self) -> datetime | None:
        return None

    def wake(self) -> datetime | None:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        with self.read():
            now = self.now()
            self.woken.append(now)
            self.due = [moment for moment in self.due if moment > now]
        self.inside -= 1
        return self.next_wake()

    def seal(self) -> object:
        with self.read():
            self.sealed += 1
        return None

    def look(self) -> object:
        with self.read():
            self.looked += 1
        return None

    def reload(self) -> object:
        return None


@contextmanager
def ticking(diary: Diary) -> Iterator[None]:
    thread = threading.Thread(target=run_until_stopped, args=(diary,))
    thread.start()
    try:
        yield
    finally:
        diary.stopping.set()
        thread.join(timeout=5)
        assert not thread.is_alive()


def test_it_sweeps_at_once_and_then_at_its_interval_and_seals_meanwhile() -> None:
    diary = Diary(sweep_seconds=0.3)
    with ticking(diary):
        assert eventually(lambda: len(diary.woken) >= 4)
        assert eventually(lambda: diary.sealed >= 2)
        assert eventually(lambda: diary.looked >= 2)
    assert diary.most_inside == 1


def test_a_moment_between_two_sweeps_is_not_missed() -> None:
    diary = Diary()
    with ticking(diary):
        assert eventually(lambda: len(diary.woken) == 1)
        moment = datetime.now(UTC) + timedelta(seconds=0.8)
        diary.due = [moment]
        assert eventually(lambda: len(diary.woken) == 2)
    assert diary.woken[1] >= moment


def test_it_outlives_a_database_that_is_away() -> None:
    diary = Diary(sweep_seconds=0.2)
    diary.is_away = True
    with ticking(diary):
        assert not eventually(lambda: diary.woken or diary.sealed, seconds=0.7)
        diary.is_away = False
        assert eventually(lambda: diary.woken and diary.sealed)


def waker_at(diary: Diary, moment: datetime) -> Waker:
    diary.fixed = moment
    return Waker(diary, diary.wake)


def test_with_nothing_due_it_looks_again_after_the_longest_nap() -> None:
    diary = Diary()
    assert waker_at(diary, NOON).step() == LONGEST_NAP
    assert diary.woken == []


@pytest.mark.parametrize(
    ("left", "nap"),
    [
        (timedelta(minutes=5), LONGEST_NAP),
        (timedelta(milliseconds=200), timedelta(milliseconds=200)),
        (timedelta(microseconds=1), SHORTEST_NAP),
    ],
)
def test_it_naps_until_the_next_moment_but_never_long_and_never_not_at_all(left: timedelta, nap: timedelta) -> None:
    diary = Diary()
    diary.due = [NOON + left]
    assert waker_at(diary, NOON).step() == nap
    assert diary.woken == []


def test_a_moment_that_came_wakes_and_the_next_is_looked_for_at_once() -> None:
    diary = Diary()
    diary.due = [NOON]
    assert waker_at(diary, NOON).step() == SHORTEST_NAP
    assert diary.woken == [NOON]


def test_a_moment_that_stays_due_because_nobody_takes_it_does_not_make_it_spin() -> None:
    diary = Diary()
    waker = Waker(diary, lambda: diary.woken.append(NOON))
    diary.fixed = NOON
    diary.due = [NOON - timedelta(seconds=3)]
    assert [waker.step() for _ in range(3)] == [SHORTEST_NAP, LONGEST_NAP, LONGEST_NAP]
    assert len(diary.woken) == 1


def test_a_fault_is_told_once_until_it_is_over() -> None:
    diary = Diary()
    part = Survivor("sweep", diary.wake)
    diary.is_away = True
    assert [part(), part()] == [False, False]
    diary.is_away = False
    assert part()


PROGRAM = """
import sys
from pathlib import Path
from integration.test_worker_clock import Diary
from bot.clock import tick
diary = Diary(sweep_seconds=0.2)
diary.reload = lambda: Path(sys.argv[1]).write_text("reloaded")
wake = diary.wake
def noted():
    Path(sys.argv[1] + ".swept").touch()
    return wake()
diary.wake = noted
sys.exit(tick(diary))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_as_a_process_it_reloads_on_hang_up_and_ends_well_when_told(tmp_path: Path, number: signal.Signals) -> None:
    note = tmp_path / "note"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(note)], env=env) as process:
        assert eventually(Path(f"{note}.swept").exists)
        process.send_signal(signal.SIGHUP)
        assert eventually(note.exists)
        process.send_signal(number)
        assert process.wait(5) == 0
