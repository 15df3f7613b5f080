"""What a process does when it is told to stop or to read its configuration again."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Protocol

import structlog

from bot.domain.errors import ConfigError

GRACE = timedelta(seconds=8)
"""For the step in hand, after a stop was asked for; then the process ends, and the step is found interrupted."""

ORPHAN_GRACE = timedelta(seconds=2)
"""The same where the supervisor is gone: nobody is left to end this process."""

TWICE = 0.5
"""A second signal of the same kind sooner than this, in seconds, is the same wish told twice."""

log = structlog.get_logger("andon.process")


class Reloads(Protocol):
    """The configuration of a process."""

    def reload(self) -> object:
        """Read it again; ConfigError where it cannot be used, and then the old one stays."""
        ...


def orders(stopping: threading.Event, configuration: Reloads) -> Mapping[signal.Signals, Callable[[int], object]]:
    """What `SignalWatch` should do in a process that works until it is told to stop."""
    stop = Stop(stopping)
    return {
        signal.SIGTERM: stop,
        signal.SIGINT: stop,
        signal.SIGHUP: lambda _: reload_configuration(configuration),
    }


def reload_configuration(configuration: Reloads) -> None:
    """Take the new configuration; where it cannot be used, say so and keep the old one."""
    try:
        configuration.reload()
    except ConfigError as error:
        log.error("configuration_refused", what=str(error), kept="the one before")  # noqa: TRY400
    else:
        log.info("configuration_reloaded")


class Stop:
    """The answer to a stop signal: set the flag, and end the process after the grace or at the second signal."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._told: dict[int, float] = {}
        self._parent = os.getppid()

    def __call__(self, number: int) -> None:
        """Called with the number of the signal, on the thread that watches signals."""
        now = time.monotonic()
        # Ctrl-C reaches every process of a terminal, and then the supervisor asks each of them again: that is no
        # second wish. Only the same signal once more, and not at once, is.
        if now - self._told.setdefault(number, now) > TWICE:
            os._exit(128 + number)
        if not self._stopping.is_set():
            self._stopping.set()
            threading.Thread(target=self._end_after_grace, args=(now,), name="grace", daemon=True).start()

    def _end_after_grace(self, since: float) -> None:
        pause = threading.Event()
        while not pause.wait(0.1):
            grace = GRACE if os.getppid() == self._parent else ORPHAN_GRACE
            if time.monotonic() - since > grace.total_seconds():
                log.warning("stopped_hard", why="the step in hand took longer than the grace")
                os._exit(1)
