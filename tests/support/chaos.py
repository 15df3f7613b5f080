"""What fault tests do to an installation: kill, pause and count, with two deployers that remember."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from redis import Redis
from redis.exceptions import RedisError

from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.process_names import owner_of
from support.installation import Parts, running_parts, until
from support.ledger import Ledger, running_ledger
from support.redis_servers import redis_server
from support.written_config import WAYS, Tree, policy, write_config


@dataclass
class Deployers:
    """Two ledgers: one that knows idempotency keys, and one that applies whatever it is asked."""

    keyed: Ledger
    plain: Ledger

    def of(self, way: str) -> Ledger:
        """The one against which a way of being interrupted must hold."""
        return self.keyed if way == "repeat" else self.plain

    def policy(self, service: str, way: str) -> Tree:
        """A policy whose playbook acts this way on the ledger that suits it."""
        return policy(service, self.of(way).url, playbook=str(WAYS[way]["playbook"]))


@contextmanager
def deployers(folder: Path) -> Iterator[Deployers]:
    """Both, started and ended."""
    for name in ("keyed", "plain"):
        (folder / name).mkdir()
    with running_ledger(folder / "keyed") as keyed, running_ledger(folder / "plain", dedup=False) as plain:
        yield Deployers(keyed, plain)


@dataclass
class House:
    """An installation of single parts with its Redis and its deployers."""

    parts: Parts
    redis: EmbeddedRedis
    deployers: Deployers

    def listening(self, workers: Iterable[subprocess.Popen[bytes]]) -> bool:
        """Whether each of these workers waits for a ring, or has ended."""
        return all(worker.poll() is not None or self._listens(worker) for worker in workers)

    def _listens(self, worker: subprocess.Popen[bytes]) -> bool:
        name = f"{owner_of(worker.pid)}-listen"
        with Redis.from_url(self.redis.url) as link:
            try:
                clients = link.client_list()
            except RedisError:
                return False
        return any(client.get("name") == name and "b" in client.get("flags", "") for client in clients)

    def kill_redis(self) -> None:
        """Kill the server, without a chance to write anything down."""
        pid = self.redis.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until("the server is gone", lambda: self.redis.pid is None)

    def ready(self, *workers: subprocess.Popen[bytes]) -> None:
        """Wait until they listen."""
        until("the workers listen", lambda: self.listening(workers), seconds=60)
        for worker in workers:
            assert worker.poll() is None, f"a worker ended with {worker.returncode}"


@contextmanager
def running_house(folder: Path, both: Deployers, policies: Iterable[Tree], **values: str) -> Iterator[House]:
    """Redis, SQLite and a web process; clock and workers are started by the test."""
    (folder / "redis").mkdir()
    config = write_config(folder / "config", policies)
    database = f"sqlite:///{folder / 'andon.db'}"
    with (
        redis_server(folder / "redis") as redis,
        running_parts(folder, config, database, redis.url, **values) as parts,
    ):
        yield House(parts, redis, both)


def killed(process: subprocess.Popen[bytes], *, seconds: float = 30.0) -> bool:
    """Whether it dies of SIGKILL within the time."""
    try:
        return process.wait(seconds) == -signal.SIGKILL
    except subprocess.TimeoutExpired:
        return False


def paused(process: subprocess.Popen[bytes]) -> bool:
    """Whether it is stopped by SIGSTOP."""
    return psutil.Process(process.pid).status() == psutil.STATUS_STOPPED
