"""One part of the program as a child process that is kept alive: started, watched, started again, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.adapters.parent_death import bound_to_parent
from bot.adapters.process_names import owner_of

PAUSES = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds before a part is started again, by how often in a row it ended by itself soon after its start."""

SOON = 10.0
KILLED_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT)


@dataclass(frozen=True)
class Part:
    """A part of the program: the words that select it on the command line, and when it is stopped (lowest first)."""

    name: str
    words: tuple[str, ...]
    stop_order: int = 1

    @property
    def is_worker(self) -> bool:
        """Takes leases, which end with it."""
        return self.words[0] == "worker"


@dataclass(frozen=True)
class Death:
    """A part that ended: who it was in leases, its status (negative: the signal), the pause before the next."""

    part: Part
    pid: int
    owner: str
    status: int
    pause: float


class KeptProcess:
    """One part. Use it from the main thread: the child ends when the thread that started it does."""

    def __init__(self, part: Part, command: Sequence[str], environment: Callable[[], Mapping[str, str]]) -> None:
        self.part = part
        self._command = list(command)
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = ""
        self._started = 0.0
        self._failures = 0
        self._start_at = 0.0

    @property
    def pid(self) -> int | None:
        """The child, while it was not found dead."""
        return None if self._process is None else self._process.pid

    def start_if_due(self, now: float) -> bool:
        """Start the child where it is not running and its pause (by the monotonic clock) is over."""
        if self._process is not None or now < self._start_at:
            return False
        self._process = subprocess.Popen(
            bound_to_parent(self._command, parent=os.getpid()),
            stdin=subprocess.DEVNULL,
            env=dict(self._environment()),
        )
        self._owner = owner_of(self._process.pid)
        self._started = now
        return True

    def reap(self, now: float) -> Death | None:
        """The death of the child, once, and the plan for its return."""
        if self._process is None or (status := self._process.poll()) is None:
            return None
        pid, self._process = self._process.pid, None
        # Whoever kills a part from outside wants it back; one that ends by itself again and again is left alone longer.
        is_own_fault = status not in KILLED_FROM_OUTSIDE and now - self._started < SOON
        self._failures = self._failures + 1 if is_own_fault else 0
        pause = PAUSES[min(self._failures, len(PAUSES) - 1)]
        self._start_at = now + pause
        return Death(self.part, pid, self._owner, status, pause)

    def send(self, number: signal.Signals) -> None:
        """Send a signal, where the child still lives."""
        if self._process is not None:
            self._process.send_signal(number)

    def wait_until(self, deadline: float) -> bool:
        """Whether the child ended before the deadline of the monotonic clock."""
        if self._process is None:
            return True
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """End it now."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
