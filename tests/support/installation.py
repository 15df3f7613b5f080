"""A real Andon for tests: `andon up`, or single processes on a given database and Redis, with surely no leftovers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

ENDED = ("succeeded", "failed", "cancelled", "superseded")
SETTLED = (*ENDED, "needs_human")

WEBHOOK_SECRET = "hook-secret-of-the-tests"
SECRETS = {"ada": "admin-secret-of-ada", "olga": "operator-secret-of-olga", "otto": "operator-secret-of-otto"}
TOKENS = (
    f"ada:admin:{SECRETS['ada']},olga:operator:{SECRETS['olga']},otto:operator:{SECRETS['otto']},"
    "vera:viewer:viewer-secret-of-vera"
)

QUICK = {"ANDON_LEASE_SECONDS": "1.5", "ANDON_SWEEP_SECONDS": "1"}
"""Leases and sweeps as short as they may be, so that tests of what happens after them stay quick."""

Found = TypeVar("Found")


def until(what: str, look: Callable[[], Found | None], *, seconds: float = 30.0, every: float = 0.05) -> Found:
    """The first that `look` finds and that is not empty; an assertion that names `what` when the time is over."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain until {what}"
        pause.wait(every)


def environment(**values: str) -> dict[str, str]:
    """What an Andon process is given: nothing of the caller's own Andon, then these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANDON_")}
    return {**kept, "ANDON_LOG_LEVEL": "INFO", **QUICK, **values}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def alive(process: psutil.Process) -> bool:
    """Runs, and is no corpse that only waits to be buried."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def family_of(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    try:
        head = psutil.Process(pid)
        return [head, *head.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def end_all(processes: list[psutil.Process]) -> None:
    """Kill whatever of these still lives, stopped ones included."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=10)


@dataclass
class Api:
    """The HTTP side of an installation: webhooks in, JSON out."""

    address: str
    webhook_secret: str
    token: str
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=20, trust_env=False))

    def post(self, body: Any, source: str = "alertmanager") -> httpx.Response:
        """One delivery with the bearer secret."""
        headers = {"Authorization": f"Bearer {self.webhook_secret}"}
        return self.http.post(f"{self.address}/webhooks/{source}", json=body, headers=headers)

    def alert(self, body: Any) -> dict[str, Any]:
        """The receipt of a delivery that must be taken."""
        answer = self.post(body)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def get(self, path: str) -> dict[str, Any]:
        """One answer of the JSON API."""
        answer = self.http.get(f"{self.address}/api/v1{path}", headers=self._as(None))
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        return dict(answer.json())

    def order(self, path: str, body: Mapping[str, Any] | None = None, *, by: str | None = None) -> httpx.Response:
        """An order by the holder of a token."""
        return self.http.post(f"{self.address}/api/v1{path}", json=dict(body or {}), headers=self._as(by))

    def run(self, run_id: str) -> dict[str, Any]:
        """A run as it is now."""
        return self.get(f"/runs/{run_id}")

    def settled(self, run_id: str, *, seconds: float = 30.0) -> dict[str, Any]:
        """The run once it ended or needs a person."""

        def look() -> dict[str, Any] | None:
            run = self.run(run_id)
            return run if run["status"] in SETTLED else None

        return until(f"run {run_id} is settled", look, seconds=seconds)

    def step(self, run_id: str, step_id: str) -> dict[str, Any]:
        """One step of a run as it is now."""
        return dict(next(step for step in self.run(run_id)["steps"] if step["id"] == step_id))

    def is_ready(self) -> bool:
        """Deliveries can be stored."""
        with suppress(httpx.TransportError):
            return self.http.get(f"{self.address}/readyz").status_code == 200
        return False

    def _as(self, name: str | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {SECRETS[name] if name else self.token}"}


@dataclass
class Up:
    """A running `andon up`."""

    process: subprocess.Popen[str]
    data: Path
    said: list[str] = field(default_factory=list)
    seen: dict[int, psutil.Process] = field(default_factory=dict)
    api: Api = field(init=False)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with suppress(ValueError):
            for line in self.process.stdout:
                self.said.append(line.rstrip("\n"))

    def has_said(self, words: str) -> bool:
        """On standard output."""
        return any(words in line for line in list(self.said))

    def connect(self, *, seconds: float = 40.0) -> Up:
        """Wait until it takes alerts, and find the secrets that it made."""
        line = until("`andon up` says where it listens", lambda: self._line("listens on"), seconds=seconds)
        token = (self.data / "api-tokens").read_text().strip().split(":", 2)[2]
        self.api = Api(line.rsplit(" ", 1)[1], (self.data / "webhook-token").read_text().strip(), token)
        until("it is ready", self.api.is_ready, seconds=seconds)
        self.family()
        return self

    def _line(self, words: str) -> str | None:
        assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.said}"
        return next((line for line in list(self.said) if words in line), None)

    def family(self) -> list[psutil.Process]:
        """All processes below it, now."""
        found = family_of(self.process.pid)[1:]
        self.seen.update({one.pid: one for one in found})
        return found

    def children(self, *words: str) -> list[psutil.Process]:
        """Those that can be told by these arguments, for instance `worker`."""

        def has_them(process: psutil.Process) -> bool:
            with suppress(psutil.NoSuchProcess):
                line = process.cmdline()
                return all(any(part == word or part.endswith(f"/{word}") for part in line) for word in words)
            return False

        return [process for process in self.family() if has_them(process)]

    def kill(self, *words: str) -> list[int]:
        """Kill the parts with these arguments; their process ids."""
        found = self.children(*words)
        for process in found:
            process.kill()
        return [process.pid for process in found]

    def stop(self, number: signal.Signals = signal.SIGTERM, *, seconds: float = 20.0) -> int:
        """Send a signal to the supervisor alone; its exit status."""
        self.family()
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def close(self) -> None:
        """End everything that was ever seen of it."""
        self.family()
        end_all([psutil.Process(self.process.pid)] if self.process.poll() is None else [])
        self.process.wait(10)
        end_all([one for one in self.seen.values() if alive(one)])
        self._reader.join(timeout=5)
        assert self.process.stdout is not None
        self.process.stdout.close()
        if hasattr(self, "api"):
            self.api.http.close()


def start_up(folder: Path, config: Path, **values: str) -> Up:
    """`andon up` on the data folder `folder/var`, not waited for."""
    data = folder / "var"
    env = environment(ANDON_DATA=str(data), ANDON_CONFIG=str(config), **values)
    with (folder / "andon.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "up", "--port", "0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=env,
        )
    return Up(process, data)


@contextmanager
def running_up(folder: Path, config: Path, **values: str) -> Iterator[Up]:
    """`andon up`, ready for alerts; ended with everything below it."""
    up = start_up(folder, config, **values)
    try:
        yield up.connect()
    finally:
        up.close()


@dataclass
class Parts:
    """Single processes (web, worker, clock) on one database and one Redis, each started by itself."""

    folder: Path
    config: Path
    database: str
    redis: str
    values: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)
    api: Api = field(init=False)

    def __post_init__(self) -> None:
        self.api = Api(f"http://127.0.0.1:{self.port}", WEBHOOK_SECRET, SECRETS["ada"])

    def env(self, **values: str) -> dict[str, str]:
        """What each part is given."""
        return environment(
            **{
                "ANDON_DATA": str(self.folder / "var"),
                "ANDON_CONFIG": str(self.config),
                "ANDON_DATABASE_URL": self.database,
                "ANDON_REDIS_URL": self.redis,
                "ANDON_API_TOKENS": TOKENS,
                "ANDON_WEBHOOK_SECRET_ALERTMANAGER": WEBHOOK_SECRET,
                **self.values,
                **values,
            }
        )

    def upgrade(self) -> None:
        """Make the tables."""
        subprocess.run([sys.executable, "-m", "bot", "db", "upgrade"], check=True, env=self.env(), capture_output=True)

    def start(self, *words: str, **values: str) -> subprocess.Popen[bytes]:
        """One process; `values` are further environment variables of its own."""
        name = "-".join(word.lstrip("-") for word in words)
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "bot", *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=self.env(**values),
            )
        self.started.append(process)
        return process

    def kill_all(self, word: str) -> None:
        """Kill the parts of one kind, paused ones included."""
        for process in self.started:
            if process.poll() is None and word in process.args:  # type: ignore[operator]
                end_all(family_of(process.pid))
                process.wait(10)

    def web(self, **values: str) -> subprocess.Popen[bytes]:
        """A web process, ready."""
        process = self.start("web", "--port", str(self.port), **values)
        until("the web process is ready", lambda: self.api.is_ready() or process.poll() is not None, seconds=60)
        assert process.poll() is None, self.log(f"web-port-{self.port}")
        return process

    def stop_all(self, word: str) -> None:
        """Stop the parts of one kind: `web`, `worker` or `clock`."""
        for process in self.started:
            if process.poll() is None and word in process.args:  # type: ignore[operator]
                self.stop(process)

    def worker(self, lane: str = "rollbacks", **values: str) -> subprocess.Popen[bytes]:
        """A worker of one lane, not waited for."""
        return self.start("worker", "--queue", lane, **values)

    def clock(self) -> subprocess.Popen[bytes]:
        """A clock, not waited for."""
        return self.start("clock")

    def log(self, name: str) -> str:
        """The end of what a part said."""
        file = self.folder / f"{name}.log"
        return file.read_text(errors="replace")[-3000:] if file.exists() else ""

    def stop(self, process: subprocess.Popen[bytes], *, seconds: float = 15.0) -> int:
        """Ask it to end; its exit status."""
        process.terminate()
        return process.wait(seconds)

    def close(self) -> None:
        """Kill whatever still runs, with what is below it."""
        for process in self.started:
            if process.poll() is None:
                end_all(family_of(process.pid))
            process.wait(10)
        self.api.http.close()


@contextmanager
def running_parts(folder: Path, config: Path, database: str, redis: str, **values: str) -> Iterator[Parts]:
    """A web process on a made database; workers and clock are started by the test."""
    parts = Parts(folder, config, database, redis, dict(values))
    try:
        parts.upgrade()
        parts.web()
        yield parts
    finally:
        parts.close()
