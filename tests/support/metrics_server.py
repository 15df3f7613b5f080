"""A real HTTP server that answers instant queries as Prometheus does, with the values that a test sets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.scripted_server import Answer, Received, ScriptedServer


class MetricsServer(ScriptedServer):
    """Each query has a value of its own; one that has none gives an empty result."""

    def __init__(self) -> None:
        super().__init__()
        self.now: Callable[[], datetime] | None = None
        self.values: dict[str, float | str] = {}
        self.instead: Answer | None = None
        """What every query is answered with as long as it is set."""

    def take(self, received: Received) -> Answer:
        """The value of what was asked for, as of now."""
        super().take(received)
        if self.instead is not None:
            return self.instead
        (query,) = parse_qs(urlsplit(received.path).query)["query"]
        return Answer(body=self.said(self.values.get(query)))

    def said(self, *values: float | str | None, age: float = 0.0, **more: Any) -> dict[str, Any]:
        """The body of an answer with these series."""
        assert self.now is not None
        at = self.now().timestamp() - age
        series = [{"metric": {}, "value": [at, str(value)]} for value in values if value is not None]
        return {"status": "success", "data": {"resultType": "vector", "result": series}, **more}


@contextmanager
def metrics_server() -> Iterator[MetricsServer]:
    """One that answers for as long as this lasts."""
    server = MetricsServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
