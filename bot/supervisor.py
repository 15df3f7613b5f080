"""`andon up`: every part under one foreground process, each back within a second, and nothing left when it ends."""

from __future__ import annotations

import os
import queue
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from bot.adapters.data_lock import locked
from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.kept_process import PAUSES, SOON, Death, KeptProcess, Part
from bot.adapters.process_signals import SignalWatch
from bot.domain.errors import AndonError, ConfigError
from bot.domain.times import format_duration
from bot.ports import Lane
from bot.settings import Settings

STOP_SECONDS = 10.0
"""From the first stop signal until whatever still runs is killed."""

WEB_SECONDS = 3.0
"""Of these, how long the web process may take before the others are told."""

LOOK_SECONDS = 0.25
"""A dead child is announced by a signal; this is how long one that was missed may go unseen."""

Say = Callable[[str], object]


def parts_of(settings: Settings) -> list[Part]:
    """The processes of a full installation: web, clock, rollback workers, and one worker for each other lane; and
    one that listens to Slack where an app token is set."""
    rollbacks = [
        Part(f"worker {number}", ("worker", "--queue", Lane.ROLLBACKS.value))
        for number in range(1, settings.workers + 1)
    ]
    others = [Part(f"worker {lane}", ("worker", "--queue", lane.value)) for lane in (Lane.NOTICES, Lane.OTHER)]
    chat = [Part("chat", ("chat",), stop_order=0)] if settings.slack_app_token is not None else []
    return [Part("web", ("web",), stop_order=0), *chat, Part("clock", ("clock",)), *rollbacks, *others]


def command_of(part: Part) -> list[str]:
    """How a part is started: this interpreter, this program."""
    return [sys.executable, "-m", "bot", *part.words]


def environment_of(settings: Settings, inherited: Mapping[str, str]) -> dict[str, str]:
    """What a child is given: what this process was given, with its settings resolved, so that all parts have the same.

    An address of Redis is only passed on where one was set: on the embedded default every part finds the server by
    the data folder, before and after a restart of it."""
    kept = {name: value for name, value in inherited.items() if not _is_resolved(name)}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if name in ("webhook_secrets", "playbook_secrets") or value is None or value == frozenset():
            continue
        if hasattr(value, "get_secret_value"):
            value = value.get_secret_value()
        elif isinstance(value, frozenset):
            value = ",".join(sorted(value))
        elif isinstance(value, timedelta):
            value = format_duration(value)
        kept[f"ANDON_{name.upper()}"] = str(value)
    for source, secrets in settings.webhook_secrets.items():
        kept[f"ANDON_WEBHOOK_SECRET_{source.upper()}"] = ",".join(secrets)
    return kept


def _is_resolved(name: str) -> bool:
    # The file behind `ANDON_X_FILE` was read already; passed on with `ANDON_X` it would count as set twice.
    return name.startswith("ANDON_") and name.endswith("_FILE") and not name.startswith("ANDON_SECRET_")


def up(
    settings: Settings,
    *,
    say: Say,
    check: Callable[[], object] = lambda: None,
    on_ready: Callable[[], object] = lambda: None,
    on_reaped: Callable[[str], object] = lambda _: None,
    parts: Sequence[Part] | None = None,
    command: Callable[[Part], Sequence[str]] = command_of,
) -> int:
    """Run every part in the foreground until SIGTERM or SIGINT; the exit status. Main thread only.

    `check` reads the configuration and raises ConfigError where it cannot be used: then SIGHUP is not passed on.
    `on_ready` is called once the embedded server answers and every part was started. `on_reaped` is given the owner
    (`owner_of`) of the leases of each worker found dead. ConfigError where the data folder is taken or no server can be
    started."""
    with locked(settings.data, address=settings.address):
        supervisor = Supervisor(settings, say=say, check=check, on_reaped=on_reaped)
        # Nothing is looked up here: what this process was given is handed on.
        environment = environment_of(settings, dict(os.environ))
        for part in parts_of(settings) if parts is None else parts:
            supervisor.keep(KeptProcess(part, command(part), lambda: environment))
        return supervisor.run(on_ready)


class Supervisor:
    """Keeps parts alive and stops them in order; see `up`."""

    def __init__(
        self, settings: Settings, *, say: Say, check: Callable[[], object], on_reaped: Callable[[str], object]
    ) -> None:
        self._say = say
        self._check = check
        self._on_reaped = on_reaped
        self._kept: list[KeptProcess] = []
        self._signals: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._redis = EmbeddedRedis(Path(settings.data)) if settings.is_embedded_redis else None
        self._redis_failures = 0
        self._redis_at = self._redis_started = 0.0
        self._is_hurried = False

    def keep(self, process: KeptProcess) -> None:
        """Keep this part alive from `run` on."""
        self._kept.append(process)

    def run(self, on_ready: Callable[[], object]) -> int:
        """Start everything, watch until told to stop, stop everything."""
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
        with SignalWatch(dict.fromkeys(numbers, self._signals.put)):
            try:
                if self._redis is not None:
                    self._redis.start()
                self._start_due()
                on_ready()
                self._watch()
            finally:
                self._stop()
        return 0

    def _watch(self) -> None:
        while True:
            try:
                number = self._signals.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                number = 0
            if number in (signal.SIGTERM, signal.SIGINT):
                self._say("Stopping.")
                return
            if number == signal.SIGHUP:
                self._reload()
            self._look()

    def _look(self) -> None:
        now = time.monotonic()
        for process in self._kept:
            death = process.reap(now)
            if death is not None:
                self._mourn(death)
        self._keep_redis(now)
        self._start_due()

    def _start_due(self) -> None:
        for process in self._kept:
            try:
                process.start_if_due(time.monotonic())
            except OSError as error:
                self._say(f"{process.part.name} could not be started: {error.strerror}. It is tried again.")

    def _mourn(self, death: Death) -> None:
        how = f"was ended by {_name(-death.status)}" if death.status < 0 else f"ended with status {death.status}"
        when = f"in {death.pause:g} s" if death.pause else "at once"
        self._say(f"{death.part.name} (process {death.pid}) {how}. It is started again {when}.")
        if not death.part.is_worker:
            return
        try:
            self._on_reaped(death.owner)
        except Exception as error:  # the keeper of all parts must not fall over one of them
            what = str(error) if isinstance(error, AndonError) else type(error).__name__
            self._say(f"Its leases could not be released, they end by themselves: {what}")

    def _keep_redis(self, now: float) -> None:
        if self._redis is None or self._redis.pid is not None or now < self._redis_at:
            return
        is_soon = now - self._redis_started < SOON
        self._redis_failures = self._redis_failures + 1 if is_soon else 0
        self._say("The embedded Redis server ended. It is started again; workers take due runs from SQL meanwhile.")
        try:
            self._redis.spawn()
        except (OSError, ConfigError) as error:
            self._say(f"It could not be started: {error}")
        self._redis_started = now
        self._redis_at = now + PAUSES[min(self._redis_failures + 1, len(PAUSES) - 1)]

    def _reload(self) -> None:
        try:
            self._check()
        except ConfigError as error:
            self._say(f"The configuration is refused and the one before stays:\n{error}")
            return
        for process in self._kept:
            process.send(signal.SIGHUP)
        self._say("The configuration is read again.")

    def _stop(self) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        web = [process for process in self._kept if process.part.stop_order == 0]
        others = [process for process in self._kept if process.part.stop_order != 0]
        self._end(web, time.monotonic() + WEB_SECONDS)
        self._end(others, deadline)
        late = [process for process in self._kept if not process.wait_until(time.monotonic())]
        for process in late:
            self._say(f"{process.part.name} did not stop in time and is killed.")
            process.kill()
        if self._redis is not None:
            self._redis.stop()

    def _end(self, processes: Sequence[KeptProcess], deadline: float) -> None:
        for process in processes:
            process.send(signal.SIGTERM)
        for process in processes:
            while not process.wait_until(min(deadline, time.monotonic() + 0.1)):
                if time.monotonic() >= deadline or self._is_told_again():
                    return

    def _is_told_again(self) -> bool:
        """Whether a second stop signal came: then nothing is waited for any more."""
        while not self._signals.empty():
            if self._signals.get() in (signal.SIGTERM, signal.SIGINT):
                self._is_hurried = True
        return self._is_hurried


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
