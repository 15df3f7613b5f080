"""Worker processes and the faults they must survive: killed, told to stop, left by Redis."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from support.redis_servers import eventually, redis_server

from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.process_names import owner_of
from bot.adapters.rq_queue import RqQueue
from bot.ports import Bell, JobName, Lane

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests" / "support" / "worker_process.py"
RUN = "run-" + "0" * 26
OTHER = "run-" + "1" * 26


class Yard:
    """A folder, a server, and the workers started on them."""

    def __init__(self, folder: Path, server: EmbeddedRedis) -> None:
        self.folder = folder
        self.server = server
        self.queue = RqQueue(server.url)
        self.workers: list[subprocess.Popen[bytes]] = []

    def hire(self, lane: Lane = Lane.ROLLBACKS) -> subprocess.Popen[bytes]:
        env = {
            **os.environ,
            "ANDON_DATA": str(self.folder),
            "ANDON_LEASE_SECONDS": "2",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
        }
        worker = subprocess.Popen([sys.executable, str(PROGRAM), lane, str(self.folder)], env=env)
        self.workers.append(worker)
        with Redis.from_url(self.server.url) as link:
            assert eventually(lambda: link.exists(f"rq:worker:{owner_of(worker.pid)}"))
        return worker

    def ring(self, *ids: str) -> None:
        assert self.queue.ring([Bell(JobName.ADVANCE_RUN, run_id, Lane.ROLLBACKS) for run_id in ids])

    def calls(self, word: str, run_id: str = RUN) -> list[int]:
        """The processes that did this to the run, in order."""
        file = self.folder / "calls"
        lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
        return [int(pid) for pid, what, which in lines if (what, which) == (word, run_id)]

    def hold(self) -> None:
        (self.folder / "hold").touch()

    def let_go(self) -> None:
        (self.folder / "hold").unlink()


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with redis_server(tmp_path) as server:
        yard = Yard(tmp_path, server)
        yield yard
        for worker in yard.workers:
            worker.kill()
            worker.wait()
        yard.queue.close()


def test_a_job_whose_worker_is_killed_half_way_is_rung_again_for_another(yard: Yard) -> None:
    first = yard.hire()
    yard.hold()
    yard.ring(RUN)
    assert eventually(lambda: yard.calls("begin") == [first.pid])
    second = yard.hire()
    first.kill()
    first.wait()
    yard.let_go()
    assert eventually(lambda: yard.calls("end") == [second.pid], seconds=6)


def test_a_job_that_takes_longer_than_its_lease_is_not_rung_again(yard: Yard) -> None:
    first = yard.hire()
    yard.hold()
    yard.ring(RUN)
    assert eventually(lambda: yard.calls("begin") == [first.pid])
    yard.hire()
    assert not eventually(lambda: len(yard.calls("begin")) > 1, seconds=4.5)
    yard.let_go()
    assert eventually(lambda: yard.calls("end") == [first.pid])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_the_job_in_hand_come_to_its_next_pause_and_ends_well(yard: Yard, number: signal.Signals) -> None:
    worker = yard.hire()
    yard.hold()
    yard.ring(RUN, OTHER)
    assert eventually(lambda: yard.calls("begin") == [worker.pid])
    worker.send_signal(number)
    assert worker.wait(5) == 0
    assert yard.calls("end") == [worker.pid]
    assert yard.calls("begin", OTHER) == []
    with Redis.from_url(yard.server.url) as link:
        assert link.smembers("rq:workers") == set()


def test_an_idle_worker_stops_at_once(yard: Yard) -> None:
    worker = yard.hire()
    worker.terminate()
    assert worker.wait(1.5) == 0


def test_a_second_stop_ends_it_hard_but_not_one_that_is_the_same_wish_told_twice(yard: Yard) -> None:
    (yard.folder / "deaf").touch()
    worker = yard.hire()
    yard.hold()
    yard.ring(RUN)
    assert eventually(lambda: yard.calls("begin") == [worker.pid])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGTERM):
        worker.send_signal(number)
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(1.0)
    worker.terminate()
    assert worker.wait(2) == 128 + signal.SIGTERM
    assert yard.calls("end") == []


def test_a_job_that_will_not_pause_is_left_after_the_grace(yard: Yard) -> None:
    (yard.folder / "deaf").touch()
    worker = yard.hire()
    yard.hold()
    yard.ring(RUN)
    assert eventually(lambda: yard.calls("begin") == [worker.pid])
    worker.terminate()
    assert worker.wait(10) == 1


def test_a_hang_up_reads_the_configuration_again(yard: Yard) -> None:
    worker = yard.hire()
    worker.send_signal(signal.SIGHUP)
    assert eventually(lambda: yard.calls("reload", "-") == [worker.pid])
    yard.ring(RUN)
    assert eventually(lambda: yard.calls("end") == [worker.pid])


def test_redis_killed_and_back_costs_no_run_and_no_worker(yard: Yard) -> None:
    worker = yard.hire()
    os.kill(yard.server.pid or 0, signal.SIGKILL)
    assert eventually(lambda: yard.server.pid is None)
    (yard.folder / "due").write_text(RUN)
    assert eventually(lambda: yard.calls("end"), seconds=4)
    (yard.folder / "due").unlink()
    yard.server.start()
    assert eventually(yard.queue.ping)
    assert eventually(lambda: yard.queue.ring([Bell(JobName.ADVANCE_RUN, OTHER, Lane.ROLLBACKS)]))
    assert eventually(lambda: yard.calls("end", OTHER) == [worker.pid], seconds=4)
    assert worker.poll() is None


def test_a_server_that_hangs_is_as_good_as_away(yard: Yard) -> None:
    worker = yard.hire()
    os.kill(yard.server.pid or 0, signal.SIGSTOP)
    (yard.folder / "due").write_text(RUN)
    try:
        assert not yard.queue.ring([Bell(JobName.ADVANCE_RUN, OTHER, Lane.ROLLBACKS)])
        assert eventually(lambda: yard.calls("end"), seconds=8)
    finally:
        os.kill(yard.server.pid or 0, signal.SIGCONT)
    (yard.folder / "due").unlink()
    assert eventually(lambda: yard.queue.ring([Bell(JobName.ADVANCE_RUN, OTHER, Lane.ROLLBACKS)]))
    assert eventually(lambda: yard.calls("end", OTHER) == [worker.pid], seconds=5)


def test_a_paused_worker_loses_its_job_to_another_and_goes_on_with_the_next_when_it_wakes(yard: Yard) -> None:
    first = yard.hire()
    yard.hold()
    yard.ring(RUN)
    assert eventually(lambda: yard.calls("begin") == [first.pid])
    first.send_signal(signal.SIGSTOP)
    second = yard.hire()
    yard.let_go()
    assert eventually(lambda: yard.calls("end") == [second.pid], seconds=6)
    first.send_signal(signal.SIGCONT)
    assert eventually(lambda: yard.calls("end") == [second.pid, first.pid])
    second.terminate()
    second.wait()
    yard.ring(OTHER)
    assert eventually(lambda: yard.calls("end", OTHER) == [first.pid])
