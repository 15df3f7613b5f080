"""Runs one script and lets none of its processes outlive it, its deadline or the process that asked for it.

A program of its own, started by `bot.adapters.processes` as `python -I -S script_keeper.py REPORT_FD PROGRAM ARGS…`;
standard library only, so that it starts in some 15 ms. Standard input is a pipe whose other end the asking process
holds: when that is closed, or its holder dies by whatever signal, the script is told to end (TERM) and after 2 s is
killed with all its descendants. It reports one JSON object, {"exit": code} or {"error": why}.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import time
from pathlib import Path

GRACE_SECONDS = 2.0
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def main() -> int:
    """Run the script to its end or its keeper's orders."""
    report = int(sys.argv[1])
    os.set_inheritable(report, False)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    # Processes that detach from the script become children of the keeper instead of escaping it.
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    child, error = _started(sys.argv[2:])
    if child is None:
        _tell(report, {"error": error})
        return 0
    code = _until_it_ends(child, woken)
    if code is None:
        code = _ended(child)
    _kill_all(child)
    _tell(report, {"exit": code})
    return 0


def _started(command: list[str]) -> tuple[int | None, str]:
    """The process, or why it cannot be started; a pipe that closes at exec carries the reason."""
    reading, writing = os.pipe()
    keeper = os.getpid()
    child = os.fork()
    if child == 0:
        _become(command, keeper, writing)
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123 - a descriptor has no path
        error = pipe.read().decode("utf-8", "replace")
    if error:
        os.waitpid(child, 0)
        return None, error
    return child, ""


def _become(command: list[str], keeper: int, errors: int) -> None:
    """In the child: turn into the script. Never returns."""
    try:
        os.setpgid(0, 0)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != keeper:
            os._exit(1)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, scripts rely on them
            signal.signal(number, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.execve(command[0], command, os.environ)  # noqa: S606 - without a shell is the point
    except OSError as error:
        os.write(errors, (error.strerror or "it cannot be started").encode())
    finally:
        os._exit(127)


def _until_it_ends(child: int, woken: int) -> int | None:
    """Its exit code; None when its keeper is told to end it."""
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        code = _reaped(child)
        if code is not None:
            return code
        if 0 in ready and not os.read(0, 1):
            return None
        if woken in ready and set(os.read(woken, 64)) & {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}:
            return None


def _ended(child: int) -> int | None:
    """Ask it to end, and wait a while."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGTERM)
    until = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < until:
        code = _reaped(child)
        if code is not None:
            return code
        time.sleep(0.01)
    return None


def _reaped(child: int) -> int | None:
    """Collect whatever has ended; the script's exit code if it has, 128 + n after signal n."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid == 0:
            return None
        if pid == child:
            return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _kill_all(child: int) -> None:
    """Kill the script's group and every descendant, again while new ones appear."""
    for _ in range(200):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        alive = _descendants()
        for pid in alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        _reaped(0)
        if not alive:
            return
        time.sleep(0.005)


def _descendants() -> set[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            parents[int(entry.parent.name)] = int(entry.read_text("utf-8", "replace").rpartition(")")[2].split()[1])
    found: set[int] = set()
    wanted = {os.getpid()}
    while wanted:
        wanted = {pid for pid, parent in parents.items() if parent in wanted} - found
        found |= wanted
    return found


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _tell(report: int, words: dict[str, object]) -> None:
    with contextlib.suppress(OSError):
        os.write(report, json.dumps(words).encode())


if __name__ == "__main__":
    sys.exit(main())
