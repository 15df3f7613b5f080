"""Reviewed scripts by name: no shell, a bare environment, kept output, and nothing left running afterwards."""

from __future__ import annotations

import json
import os
import re
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import IO

from bot.adapters.places import named_host
from bot.domain.errors import Refused
from bot.plugins import ProcessResult

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KEPT_BYTES = 16 * 1024
_GRACE_SECONDS = 4.0
"""How long the keeper may take to end everything: 2 s after TERM, and a little."""
_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,63}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_TAKEN_OVER = re.compile(
    r"(LD_|DYLD_|PYTHON|PERL5|RUBY|NODE_|BASH_|GCONV_|MALLOC_).*|PATH|ENV|IFS|SHELLOPTS|HOME|TMPDIR|LANG"
)


class Scripts:
    """`bot.ports.Processes` over folders of scripts; an earlier folder wins. Linux and macOS.

    A script gets PATH, LANG, HOME and TMPDIR and what is handed over, an empty folder of its own as working directory
    (removed afterwards), and no standard input. At its deadline it gets TERM and 2 s later KILL, with every process
    that it started, also those that detached themselves; the same when the calling process dies. What it leaves in the
    background when it ends is killed at once.
    """

    def __init__(self, folders: Iterable[Path], *, path: str = DEFAULT_PATH) -> None:
        self._folders = tuple(folders)
        self._path = path

    def run_script(
        self,
        name: str,
        args: Sequence[str],
        *,
        timeout: timedelta,
        env: Mapping[str, str],
        bar_hosts: Collection[str] = (),
    ) -> ProcessResult:
        """Run it and wait. Refused where there is no such script, it cannot be started so, or a
        barred host is handed to it.

        `exit_code` is None where the script was stopped at the deadline, or lost; 128 + n where signal n ended it.
        Each output keeps the first and the last 8 KB.
        """
        script = self._found(name)
        _check(args, env)
        if (barred := named_host((*args, *env.values()), bar_hosts)) is not None:
            raise Refused(f"{barred} is a host of production", why="a drill never hands one to a script")
        with tempfile.TemporaryDirectory(prefix="andon-script-", ignore_cleanup_errors=True) as folder:
            variables = {"PATH": self._path, "LANG": "C.UTF-8", "HOME": folder, "TMPDIR": folder, **env}
            return _Conversation(script, args, variables, folder).held(timeout)

    def _found(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise Refused(f"{name[:64]!r} is not the name of a script", next="use a plain name out of scripts/")
        for folder in self._folders:
            root = folder.resolve()
            script = (root / name).resolve()
            if not (root / name).exists():
                continue
            if not script.is_relative_to(root) or not script.is_file():
                raise Refused(f"Script {name} is not a file inside its folder")
            if not os.access(script, os.X_OK):
                raise Refused(f"Script {name} is not executable", next=f"chmod +x scripts/{name}")
            return script
        raise Refused(f"There is no script {name}", next="put it into the scripts folder of the configuration")


class _Conversation:
    """One keeper with one script under it."""

    def __init__(self, script: Path, args: Sequence[str], env: Mapping[str, str], folder: str) -> None:
        self._name = script.name
        reading, report = os.pipe()
        self._report = open(reading, "rb")  # noqa: PTH123, SIM115 - a descriptor has no path; `held` closes it
        keeper = Path(__file__).with_name("script_keeper.py")
        try:
            # The same session, so that it is seen with its parent; a group of its own, so that ^C is not for it.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(keeper), str(report), str(script), *args],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(env),
                cwd=folder,
                pass_fds=(report,),
                process_group=0,
            )
        except OSError as error:
            self._report.close()
            raise Refused(f"Script {self._name} cannot be started", why=error.strerror or "") from error
        finally:
            os.close(report)

    def held(self, timeout: timedelta) -> ProcessResult:
        """Listen until it ends or is ended."""
        started = time.monotonic()
        out, err = _Kept(), _Kept()
        with self._report, self._process as process:
            assert process.stdout is not None
            assert process.stderr is not None
            deadline = started + timeout.total_seconds()
            with suppress(BrokenPipeError), selectors.DefaultSelector() as ears:
                ears.register(process.stdout, selectors.EVENT_READ, out)
                ears.register(process.stderr, selectors.EVENT_READ, err)
                in_time = _listened(ears, deadline)
                if not in_time:
                    self._end()
                    if not _listened(ears, time.monotonic() + _GRACE_SECONDS):
                        process.kill()
                        _listened(ears, time.monotonic() + 1.0)
            self._end()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_SECONDS)
            process.kill()
            return self._result(in_time, out, err, time.monotonic() - started)

    def _end(self) -> None:
        """Closing its standard input tells the keeper to end the script."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _result(self, in_time: bool, out: _Kept, err: _Kept, seconds: float) -> ProcessResult:
        raw = self._report.read()
        report = json.loads(raw) if raw else {}
        if "error" in report:
            raise Refused(
                f"Script {self._name} cannot be started",
                why=str(report["error"]),
                next="its first line must name an interpreter that exists, such as #!/bin/sh",
            )
        code = report.get("exit") if in_time else None
        return ProcessResult(code, out.text(), err.text(), round(seconds, 3))


class _Kept:
    """The head and the tail of an output."""

    def __init__(self) -> None:
        self._head, self._tail, self._left_out = bytearray(), bytearray(), 0

    def add(self, data: bytes) -> None:
        """Take in more; what falls out of the middle is counted."""
        room = max(0, KEPT_BYTES // 2 - len(self._head))
        self._head += data[:room]
        self._tail += data[room:]
        surplus = max(0, len(self._tail) - KEPT_BYTES // 2)
        del self._tail[:surplus]
        self._left_out += surplus

    def text(self) -> str:
        """What was kept, with a line about what was not."""
        head, tail = (bytes(part).decode("utf-8", "replace") for part in (self._head, self._tail))
        return f"{head}\n… {self._left_out} bytes left out …\n{tail}" if self._left_out else head + tail


def _listened(ears: selectors.BaseSelector, until: float) -> bool:
    """Whether every output came to its end in time."""
    while ears.get_map():
        left = until - time.monotonic()
        if left <= 0:
            return False
        for key, _ in ears.select(left):
            stream: IO[bytes] = key.fileobj  # type: ignore[assignment]
            data = os.read(stream.fileno(), 65536)
            if data:
                key.data.add(data)
            else:
                ears.unregister(stream)
    return True


def _check(args: Sequence[str], env: Mapping[str, str]) -> None:
    if any("\x00" in text for text in (*args, *env.values())):
        raise Refused("A script's arguments and variables cannot hold NUL")
    if sum(len(text) for text in (*args, *env.values())) > 64 * 1024:
        raise Refused("A script's arguments and variables are too long together", why="64 KB are allowed")
    for name in env:
        if not _VARIABLE.fullmatch(name) or _TAKEN_OVER.fullmatch(name):
            raise Refused(f"{name[:64]!r} is not a variable that can be set for a script")
