"""The supervisor with real processes: keeps its parts alive, stops them in order, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from redis import Redis
from redis.exceptions import RedisError
from support.redis_servers import eventually

from bot.adapters.embedded_redis import address_of
from bot.settings import Settings
from bot.supervisor import command_of, environment_of, parts_of

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests" / "support" / "supervisor_process.py"


class Running:
    """A supervisor under test: what it said, and what its parts wrote down."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.said.extend(line.rstrip("\n") for line in iter(self.process.stdout.readline, ""))

    def has_said(self, words: str) -> bool:
        return any(words in line for line in self.said)

    def notes(self, part: str) -> list[str]:
        file = self.folder / part
        return file.read_text().splitlines() if file.exists() else []

    def starts(self, part: str) -> list[int]:
        return [int(line.split()[1]) for line in self.notes(part) if line.startswith("start ")]

    def is_up(self, *parts: str) -> bool:
        return all("ready" in self.notes(part) for part in parts)

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, seconds: float = 15) -> int:
        status = self.process.wait(seconds)
        self._reader.join(timeout=2)
        return status


@contextmanager
def supervising(tmp_path: Path, *parts: str, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    folder = tmp_path / "notes"
    folder.mkdir(exist_ok=True)
    env = {
        **os.environ,
        "ANDON_DATA": str(tmp_path / "data"),
        "ANDON_PORT": "8123",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
        **(environment or {}),
    }
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), str(folder), *parts], stdout=subprocess.PIPE, text=True, env=env
    )
    running = Running(process, folder)
    try:
        yield running
    finally:
        left = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()
        process.wait()
        for child in left:
            if child.is_running():
                child.kill()
        assert process.stdout is not None
        running._reader.join(timeout=5)
        process.stdout.close()


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def redis_answers(tmp_path: Path) -> bool:
    with Redis.from_url(address_of(tmp_path / "data")) as link:
        try:
            return bool(link.ping())
        except RedisError:
            return False


def test_all_parts_are_started_beside_a_server_in_one_session_and_group(tmp_path: Path) -> None:
    with supervising(tmp_path, "web", "worker", "clock") as running:
        assert eventually(lambda: running.is_up("web", "worker", "clock"))
        assert running.has_said("up")
        assert redis_answers(tmp_path)
        family = running.family()
        assert len(family) == 4
        assert {os.getsid(child.pid) for child in family} == {os.getsid(running.process.pid)}
        assert {os.getpgid(child.pid) for child in family} == {os.getpgid(running.process.pid)}
        assert any("-server" in child.cmdline()[0] for child in family)
        assert running.notes("web")[0].endswith(" 8123")


@pytest.mark.parametrize("blow", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_of_it_whatever_ends_it(tmp_path: Path, blow: signal.Signals) -> None:
    with supervising(tmp_path, "web", "worker", "clock") as running:
        assert eventually(lambda: running.is_up("web", "worker", "clock"))
        family = running.family()
        running.tell(blow)
        running.end()
        assert eventually(lambda: alive(family) == [], seconds=5)
        told = [[one for one in running.notes(part) if one != "SIGTERM"] for part in ("web", "worker", "clock")]
        assert [notes[-1] for notes in told] == ["end"] * 3


def test_a_kill_before_the_parts_are_ready_leaves_nothing_either(tmp_path: Path) -> None:
    with supervising(tmp_path, "web", "worker", "clock") as running:
        assert eventually(lambda: len(running.family()) >= 4, every=0.001)
        family = running.family()
        running.tell(signal.SIGKILL)
        running.end()
        assert eventually(lambda: alive(family) == [], seconds=5)


def test_a_stop_is_orderly_web_first_then_the_rest_then_the_server(tmp_path: Path) -> None:
    with supervising(tmp_path, "worker", "web", "clock") as running:
        assert eventually(lambda: running.is_up("web", "worker", "clock"))
        running.tell(signal.SIGTERM)
        assert running.end() == 0
        assert not redis_answers(tmp_path)
        ends = {part: (running.folder / part).stat().st_mtime_ns for part in ("web", "worker", "clock")}
        assert ends["web"] <= min(ends.values())


@pytest.mark.parametrize("part", ["web", "worker", "clock"])
def test_a_killed_part_is_back_within_a_second(tmp_path: Path, part: str) -> None:
    with supervising(tmp_path, "web", "worker", "clock") as running:
        assert eventually(lambda: running.is_up("web", "worker", "clock"))
        for times in (2, 3, 4):
            os.kill(running.starts(part)[-1], signal.SIGKILL)
            assert eventually(lambda: len(running.starts(part)) == times, seconds=2)  # noqa: B023
            assert eventually(lambda: running.notes(part)[-1] == "ready")
        assert running.has_said(f"{part} (process {running.starts(part)[0]}) was ended by SIGKILL")


def test_the_leases_of_a_dead_worker_are_named_at_once_under_the_name_it_gave_itself(tmp_path: Path) -> None:
    with supervising(tmp_path, "web", "worker") as running:
        assert eventually(lambda: running.is_up("web", "worker"))
        owner = running.notes("worker")[0].split()[2]
        for part in ("web", "worker"):
            os.kill(running.starts(part)[0], signal.SIGKILL)
        assert eventually(lambda: running.has_said(f"reaped {owner}"), seconds=2)
        assert eventually(lambda: len(running.starts("web")) == 2)
        assert sum(line.startswith("reaped ") for line in running.said) == 1


def test_a_killed_server_is_back_with_what_it_held(tmp_path: Path) -> None:
    with supervising(tmp_path, "web") as running:
        assert eventually(lambda: running.is_up("web"))
        with Redis.from_url(address_of(tmp_path / "data")) as link:
            link.set("kept", "1")
            pid = int(link.info("server")["process_id"])
        os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: redis_answers(tmp_path), seconds=3)
        with Redis.from_url(address_of(tmp_path / "data")) as link:
            assert link.get("kept") == b"1"
            assert int(link.info("server")["process_id"]) != pid
        assert running.has_said("embedded Redis server ended")


def test_a_part_that_ends_at_once_each_time_is_started_ever_less_often(tmp_path: Path) -> None:
    with supervising(tmp_path, "web", "worker:broken") as running:
        assert eventually(lambda: running.is_up("web"))
        assert eventually(lambda: running.has_said("started again in 1 s"), seconds=8)
        assert len(running.starts("worker")) <= 4
        assert running.starts("web") == running.starts("web")[:1]
        running.tell(signal.SIGTERM)
        assert running.end() == 0


def test_a_part_that_will_not_stop_is_killed_in_bounded_time(tmp_path: Path) -> None:
    with supervising(tmp_path, "web", "worker:stubborn") as running:
        assert eventually(lambda: running.is_up("web", "worker"))
        family = running.family()
        running.tell(signal.SIGTERM)
        assert running.end(14) == 0
        assert running.has_said("worker did not stop in time")
        assert alive(family) == []


def test_a_second_stop_signal_waits_for_nothing(tmp_path: Path) -> None:
    with supervising(tmp_path, "web:stubborn", "worker:stubborn") as running:
        assert eventually(lambda: running.is_up("web", "worker"))
        running.tell(signal.SIGTERM)
        assert eventually(lambda: running.has_said("Stopping"))
        running.tell(signal.SIGTERM)
        assert running.end(3) == 0


def test_a_reload_reaches_every_part_but_not_with_an_invalid_configuration(tmp_path: Path) -> None:
    with supervising(tmp_path, "web", "worker") as running:
        assert eventually(lambda: running.is_up("web", "worker"))
        (running.folder / "invalid").touch()
        running.tell(signal.SIGHUP)
        assert eventually(lambda: running.has_said("Line 3 is wrong"))
        (running.folder / "invalid").unlink()
        running.tell(signal.SIGHUP)
        assert eventually(lambda: running.has_said("is read again"))
        assert eventually(lambda: [running.notes(part).count("SIGHUP") for part in ("web", "worker")] == [1, 1])
        assert [len(running.starts(part)) for part in ("web", "worker")] == [1, 1]


def test_a_second_one_on_the_same_folder_says_who_runs_there_and_stops(tmp_path: Path) -> None:
    with supervising(tmp_path, "web") as first:
        assert eventually(lambda: first.is_up("web"))
        with supervising(tmp_path, "web") as second:
            assert second.end() == 1
            assert second.has_said(f"process {first.process.pid} serves it at http://127.0.0.1:8123")
        assert redis_answers(tmp_path)
        assert first.process.poll() is None


@pytest.mark.parametrize("blow", [signal.SIGTERM, signal.SIGKILL])
def test_the_folder_is_free_again_after_an_end_of_any_kind(tmp_path: Path, blow: signal.Signals) -> None:
    for _ in range(2):
        with supervising(tmp_path, "web") as running:
            assert eventually(lambda: running.has_said("up"))
            with Redis.from_url(address_of(tmp_path / "data")) as link:
                assert link.incr("starts")
            running.tell(blow)
            running.end()
    with supervising(tmp_path, "web") as running:
        assert eventually(lambda: running.has_said("up"))
        with Redis.from_url(address_of(tmp_path / "data")) as link:
            assert link.get("starts") == b"2"


def test_a_data_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with supervising(tmp_path, "web", environment={"ANDON_DATA": str(tmp_path / "file" / "data")}) as running:
        assert running.end() == 1
        assert running.has_said("name another one with ANDON_DATA")


def test_with_a_server_of_ones_own_none_is_started(tmp_path: Path) -> None:
    with supervising(tmp_path, "web", environment={"ANDON_REDIS_URL": "redis://127.0.0.1:1/0"}) as running:
        assert eventually(lambda: running.is_up("web"))
        assert len(running.family()) == 1


def test_a_full_installation_has_a_worker_for_each_lane_and_as_many_as_asked_for_rollbacks() -> None:
    parts = parts_of(Settings(workers=3))
    assert [" ".join(command_of(part)[1:]) for part in parts] == [
        "-m bot web",
        "-m bot clock",
        "-m bot worker --queue rollbacks",
        "-m bot worker --queue rollbacks",
        "-m bot worker --queue rollbacks",
        "-m bot worker --queue notices",
        "-m bot worker --queue other",
    ]
    assert len({part.name for part in parts}) == len(parts)


def test_children_get_the_same_settings(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("tok-from-file\n")
    given = {
        "ANDON_HEARTBEAT_EVERY": "3s",
        "ANDON_WATCHDOG_WITHIN": "10m",
        "ANDON_RUNBOOKS": "/srv/runbooks",
        "PATH": "/bin",
        "ANDON_DATA": str(tmp_path),
        "ANDON_TOKEN_FILE": str(secret),
        "ANDON_WEBHOOK_SECRET_GRAFANA": "one,two",
        "ANDON_SECRET_DEPLOYER": "deep",
        "ANDON_WORKERS": "7",
        "DEPLOYER_TOKEN": "plain",
    }
    settings = Settings.from_environment(given, port=9999)
    again = Settings.from_environment(environment_of(settings, given))
    assert again.model_dump(exclude={"playbook_secrets"}) == settings.model_dump(exclude={"playbook_secrets"})
    assert again.playbook_secrets == settings.playbook_secrets
    assert again.is_embedded_redis
