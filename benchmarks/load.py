"""A load generator: HTTP/1.1 over raw connections, with a closed loop, a paced open loop, and single calls."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

Answered = Callable[[int, float], None]


def request(
    path: str, body: bytes, *, port: int, token: str = "", kind: str = "application/json", headers: Sequence[str] = ()
) -> bytes:
    """A POST as bytes, keep-alive; `token` is sent as a bearer, `headers` as whole lines."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "User-Agent: Alertmanager/0.28.0",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        *([f"Authorization: Bearer {token}"] if token else []),
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Caller(asyncio.Protocol):
    """One connection, one request at a time; `call` reports the status and the seconds until the answer was whole."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._sent = 0.0
        self._answered: Answered | None = None

    @property
    def is_free(self) -> bool:
        """No answer is awaited."""
        return self._answered is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one, but does not inherit from it

    def call(self, data: bytes, answered: Answered) -> None:
        """Send; `answered` gets status 0 where the connection ends first."""
        assert self._transport is not None
        self._answered, self._sent = answered, time.monotonic()
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        start = head.find(b"content-length:")
        length = int(head[start + 15 : (head + b"\r\n").find(b"\r\n", start)]) if start >= 0 else 0
        if len(self._buffer) >= end + 4 + length:
            status, self._buffer = int(head[9:12]), b""
            self._report(status)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._report(0)

    def close(self) -> None:
        """End the connection."""
        assert self._transport is not None
        self._transport.close()

    def _report(self, status: int) -> None:
        answered, self._answered = self._answered, None
        if answered is not None:
            answered(status, time.monotonic() - self._sent)


async def connect(port: int) -> Caller:
    """A connection to this host."""
    _, caller = await asyncio.get_running_loop().create_connection(Caller, "127.0.0.1", port)
    return caller


async def call(caller: Caller, data: bytes, *, seconds: float = 30.0) -> tuple[int, float]:
    """One request: its status and seconds; TimeoutError where no answer comes."""
    answer: asyncio.Future[tuple[int, float]] = asyncio.get_running_loop().create_future()

    def answered(status: int, took: float) -> None:
        if not answer.done():
            answer.set_result((status, took))

    caller.call(data, answered)
    return await asyncio.wait_for(answer, seconds)


@dataclass
class Outcome:
    """What became of many requests."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.seconds) / self.elapsed

    @property
    def failures(self) -> int:
        """Answers that are not 2xx."""
        return sum(count for status, count in self.statuses.items() if not 200 <= status < 300)

    def note(self, status: int, seconds: float) -> None:
        """One answer."""
        self.statuses[status] += 1
        self.seconds.append(seconds)


async def closed_loop(port: int, requests: Sequence[bytes], connections: int) -> Outcome:
    """Send all requests over so many connections, each sending its next when its last was answered."""
    outcome, rest = Outcome(), iter(requests)
    callers = [await connect(port) for _ in range(connections)]
    done = asyncio.Event()
    started = time.monotonic()

    def go_on(caller: Caller, rest: Iterator[bytes]) -> None:
        data = next(rest, None)
        if data is not None:
            caller.call(data, lambda status, seconds: took(caller, status, seconds))
        elif len(outcome.seconds) == len(requests):
            done.set()

    def took(caller: Caller, status: int, seconds: float) -> None:
        outcome.note(status, seconds)
        go_on(caller, rest)

    for caller in callers:
        go_on(caller, rest)
    await asyncio.wait_for(done.wait(), 120)
    outcome.elapsed = time.monotonic() - started
    for caller in callers:
        caller.close()
    return outcome


async def open_loop(port: int, requests: Sequence[bytes], per_second: float, began: Callable[[int], None]) -> Outcome:
    """Send at fixed moments whatever the answers do, over as many connections as that needs.

    `began(i)` is called just before request `i` is written."""
    outcome, free = Outcome(), [await connect(port) for _ in range(16)]
    everyone = list(free)
    started = time.monotonic()
    for number, data in enumerate(requests):
        await asyncio.sleep(max(0.0, started + number / per_second - time.monotonic()))
        if not free:
            free.append(await connect(port))
            everyone.append(free[-1])
        caller = free.pop()

        def took(status: int, seconds: float, caller: Caller = caller) -> None:
            outcome.note(status, seconds)
            free.append(caller)

        began(number)
        caller.call(data, took)
    deadline = time.monotonic() + 60
    while len(outcome.seconds) < len(requests) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    outcome.elapsed = time.monotonic() - started
    for caller in everyone:
        caller.close()
    return outcome
