"""Starts a program that ends when its parent does; also run as a script, between the parent and the program.

The kernel can signal a child when the thread that started it ends (`prctl(PR_SET_PDEATHSIG)`, Linux). It has to be
asked by the child itself, before the program is loaded. Running Python code between fork and exec of a process with
threads is unsafe, so this file is started as a small program of its own, asks, and becomes the wanted program: same
process id, and its arguments are the program's alone. Standard library only, and as little of it as possible."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def bound_to_parent(command: Sequence[str], *, parent: int) -> list[str]:
    """The command that runs `command` and sends it SIGTERM when the thread of process `parent` that starts it ends.

    It comes once for each thread of the parent that still ran when that one ended: up to four times were seen.
    Start it from a thread that lives as long as the process. Elsewhere than on Linux nothing is asked of the kernel,
    and an orderly stop is the only one that takes the children along."""
    return [sys.executable, "-I", "-S", __file__, str(parent), *command]


def become(parent: int, command: Sequence[str]) -> None:
    """Ask for the signal, make sure that the parent still lives, and become the program."""
    if sys.platform == "linux":
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
            sys.exit("prctl(PR_SET_PDEATHSIG) failed: this program would outlive its parent")
    # It may have died before the kernel was asked, and then no signal would ever come.
    if os.getppid() != parent:
        sys.exit(1)
    # A reload may be sent before the program is ready for it; by default it would be its end.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.execvp(command[0], list(command))  # noqa: S606


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
