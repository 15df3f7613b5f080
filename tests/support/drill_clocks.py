"""Real processes that share one clock, which a test turns: `andon clock` as it is, and workers, forked and killed.

Run as a program it is the nursery: it has everything loaded, and each line `clock` or `worker` on its standard input
becomes a process of its own, whose id it prints. All of them are given the time by one file.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.adapters.telemetry import set_up_logging
from bot.app import App, build_app
from bot.clock import run_until_stopped
from bot.domain.errors import AndonError
from bot.ports import JobName, Lane
from bot.settings import Settings
from support.installation import environment

SWEEP_SECONDS = 0.4


class SharedClock:
    """The host's clock, so many seconds later or earlier as a file says."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.now(UTC) + timedelta(seconds=float(self.path.read_text("ascii")))

    def monotonic(self) -> float:
        """Never turned."""
        return time.monotonic()

    def set(self, moment: datetime) -> None:
        """From now on it is that time, for everybody at once."""
        offset = (moment - datetime.now(UTC)).total_seconds()
        fresh = self.path.with_suffix(".new")
        fresh.write_text(f"{offset!r}", "ascii")
        fresh.replace(self.path)


@dataclass
class Nursery:
    """Starts processes and kills them."""

    process: subprocess.Popen[str]
    rng: random.Random
    log: Path
    alive: dict[str, list[int]] = field(default_factory=dict)
    kills: int = 0

    def start(self, what: str) -> None:
        """One more `clock` or `worker`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(what, file=self.process.stdin, flush=True)
        self.alive.setdefault(what, []).append(int(self.process.stdout.readline()))

    def kill_one(self, what: str) -> None:
        """Any of them, in the middle of whatever it does, and another one in its place."""
        victim = self.rng.choice(self.alive[what])
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError as error:
            raise AssertionError(f"a {what} had ended by itself: {self.log.read_text('utf-8')[-4000:]}") from error
        self.alive[what].remove(victim)
        self.kills += 1
        self.start(what)

    def end(self) -> None:
        """All of them, whatever has become of them: they are one session, with the nursery at its head."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=20)


@contextmanager
def nursery(clock: SharedClock, rng: random.Random, **values: str) -> Iterator[Nursery]:
    """A nursery whose processes have these settings."""
    command = [sys.executable, "-m", "support.drill_clocks", str(clock.path)]
    env = environment(**values, PYTHONPATH=os.pathsep.join(sys.path), ANDON_LOG_LEVEL="ERROR")
    # What they complain of while others are killed beside them is kept, but is no news.
    with (kept := clock.path.with_suffix(".log")).open("wb") as log:
        process = subprocess.Popen(
            command,
            env=env,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        made = Nursery(process, rng, kept)
        try:
            yield made
        finally:
            made.end()


def main(path: str) -> int:
    """Fork what standard input asks for. Nothing here has threads, so that a fork is whole."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    settings = Settings.from_environment(dict(os.environ)).model_copy(update={"sweep_seconds": SWEEP_SECONDS})
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.close(0)
            _be(line.strip(), settings, SharedClock(Path(path)))
        print(pid, flush=True)
    os.killpg(0, signal.SIGKILL)  # whoever asked is gone
    return 0


def _be(what: str, settings: Settings, clock: SharedClock) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    set_up_logging(what, "ERROR")
    app = build_app(settings, clock=clock)
    run_until_stopped(app) if what == "clock" else _work(app)
    os._exit(0)


def _work(app: App) -> None:
    """Whatever is due, straight from SQL, as workers do while Redis is away."""
    calls = {
        JobName.ADVANCE_RUN: app.runner.advance,
        JobName.ADVANCE_DRILL: app.drilling.advance,
        JobName.SEND_NOTICE: lambda _: None,
        JobName.JUDGE_RELEASE: app.judge.judge,
        JobName.FOLD_CANARY: app.folder.fold,
    }
    while True:
        is_busy = _do_all(app, calls)
        time.sleep(0.02 if is_busy else 0.15)


def _do_all(app: App, calls: Mapping[JobName, Callable[[str], object]]) -> bool:
    """Whatever is due, and whether that was anything."""
    try:
        bells = [bell for lane in (Lane.ROLLBACKS, Lane.OTHER) for bell in app.due.of(lane)]
        random.shuffle(bells)  # else all workers would be at the same one
        for bell in bells:
            calls[bell.job](bell.id)
    except AndonError as fault:  # a database that is busy, a lease that is lost: it comes again
        print(json.dumps({"fault": repr(fault)[:300]}), file=sys.stderr)
        return False
    return bool(bells)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
