"""The deployer of the measurements: an HTTP server in the measuring process that notes when each call came in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

_ANSWER = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"ok":true}'


@dataclass(frozen=True)
class Arrival:
    """One call: when its last byte came (seconds, monotonic), and what tells repeats apart."""

    at: float
    key: str
    fence: str


@dataclass
class Sink:
    """Calls by their path. A path in `held` is noted and never answered, as by a deployer that takes very long."""

    port: int = 0
    arrivals: dict[str, list[Arrival]] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    _waiting: dict[tuple[str, int], asyncio.Future[Arrival]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def note(self, path: str, arrival: Arrival) -> None:
        """One more call."""
        calls = self.arrivals.setdefault(path, [])
        calls.append(arrival)
        waiting = self._waiting.pop((path, len(calls)), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(arrival)

    async def call_number(self, path: str, number: int = 1, *, seconds: float = 30.0) -> Arrival:
        """The call of this number (from 1) at this path; TimeoutError where it does not come."""
        calls = self.arrivals.get(path, [])
        if len(calls) >= number:
            return calls[number - 1]
        waiting = self._waiting.setdefault((path, number), asyncio.get_running_loop().create_future())
        return await asyncio.wait_for(waiting, seconds)


class _Connection(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one, but does not inherit from it

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if len(body) < int(headers.get("content-length", 0)):
            return
        self._buffer = b""
        path = first.split(" ")[1]
        if path not in self._sink.held:
            assert self._transport is not None
            self._transport.write(_ANSWER)
        self._sink.note(path, Arrival(now, headers.get("idempotency-key", ""), headers.get("andon-fence", "")))


@asynccontextmanager
async def listening() -> AsyncIterator[Sink]:
    """A sink on a free port of this host."""
    sink = Sink()
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(sink), "127.0.0.1", 0)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
