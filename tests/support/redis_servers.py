"""Real servers for tests: each in a folder of its own, on a socket, and surely gone afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.adapters.embedded_redis import EmbeddedRedis


@contextmanager
def redis_server(folder: Path) -> Iterator[EmbeddedRedis]:
    """A started server with its data in `folder`; stopped at the end, whatever happened to it meanwhile."""
    server = EmbeddedRedis(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def eventually(is_so: Callable[[], object], *, seconds: float = 10.0, every: float = 0.02) -> bool:
    """Whether it comes true before the deadline; looked at again and again."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        if is_so():
            return True
        if time.monotonic() > deadline:
            return False
        pause.wait(every)
