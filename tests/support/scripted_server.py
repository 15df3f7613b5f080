"""A real HTTP server whose answers a test writes down beforehand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer. A body that is no text is sent as JSON; status 0 breaks the connection off."""

    status: int = 200
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Received:
    """One request as it came; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class ScriptedServer(ThreadingHTTPServer):
    """Gives its answers in turn, the last one for ever, and keeps what it received."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Answer] = [Answer()]
        self.received: list[Received] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Its address, without a final slash."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def will(self, *answers: Answer) -> None:
        """Answer so from now on."""
        with self._lock:
            self.answers = list(answers)

    def take(self, received: Received) -> Answer:
        """Keep the request, give the next answer."""
        with self._lock:
            self.received.append(received)
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: ScriptedServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.take(Received(self.command, self.path, headers, body))
        if answer.status == 0:
            self.close_connection = True
            return
        is_text = isinstance(answer.body, str)
        raw = (answer.body if is_text else json.dumps(answer.body)).encode()
        names = {"Content-Type": "text/plain" if is_text else "application/json", **answer.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in names.items())
        start = f"HTTP/1.1 {answer.status} Status\r\n{head}Content-Length: {len(raw)}\r\n\r\n".encode()
        self.wfile.write(start + (b"" if self.command == "HEAD" else raw))

    do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_GET  # noqa: N815


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """One that runs, closed afterwards."""
    server = ScriptedServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
