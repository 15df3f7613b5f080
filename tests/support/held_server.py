"""A scripted server that can hold its answers back, and tells of each request as it comes in."""

from __future__ import annotations

import gzip
import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.scripted_server import Answer, Received, ScriptedServer


class HeldServer(ScriptedServer):
    """While `gate` is cleared, requests come in and their answers wait."""

    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__()
        self.arrived: queue.Queue[Received] = queue.Queue()
        self.gate = threading.Event()
        self.gate.set()

    def take(self, received: Received) -> Answer:
        answer = super().take(received)
        self.arrived.put(received)
        self.gate.wait(20)
        return answer

    def lines(self) -> list[dict[str, Any]]:
        """Every packed line of every request, without its time of day, which every one must have."""
        found = []
        for one in self.received:
            for line in gzip.decompress(one.body).splitlines():
                value = json.loads(line)
                assert value.pop("at") > 1_700_000_000
                found.append(value)
        return found


@contextmanager
def held_server() -> Iterator[HeldServer]:
    """One that runs, let go of and closed afterwards."""
    server = HeldServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.gate.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
