"""What a process is called, so that its leases can be told apart from those of every other process, dead or alive."""

from __future__ import annotations

import socket
from pathlib import Path


def owner_of(pid: int, *, proc: Path = Path("/proc")) -> str:
    """`worker-<host>-<pid>-<start>`: the owner of the leases that a worker process takes.

    `start` is the kernel's start time of the process in clock ticks since boot (proc_pid_stat(5), field 22), so a
    process id that is used again does not inherit leases. 0 where the system has no such file or no such process."""
    return f"worker-{socket.gethostname()}-{pid}-{_started(pid, proc)}"


def _started(pid: int, proc: Path) -> int:
    try:
        line = (proc / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    # The second field is the program's name in brackets and may hold spaces and brackets itself.
    return int(line.rpartition(")")[2].split()[19])
