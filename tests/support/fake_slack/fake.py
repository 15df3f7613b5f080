"""The fake Slack as tests and benchmarks use it: the workspace's server, its memory, and the people in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from .acting import Acting
from .payloads import Payloads
from .people import Courier
from .server import FakeSlackServer
from .socket_mode import SocketMode
from .state import Call, Fault, State, View
from .workspace import Message, Workspace, seeded


class FakeSlack(Acting):
    """One workspace. Give `api_url` to the product as Slack's address, and set `request_url` to the product's own
    (or leave it None and let a Socket Mode client connect)."""

    def __init__(self, workspace: Workspace | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self.workspace = workspace or seeded()
        self.state = State(self.workspace, clock)
        self.sockets = SocketMode(self.workspace.app_id)
        self._server = FakeSlackServer(self.state)
        self._server.socket_url = self.sockets.url
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        self._payloads = Payloads(self.state, self.url)
        self._courier = Courier(self.state, self.sockets)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop; whoever hangs is let go."""
        self.state.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self.sockets.close()

    # Where it is, and where the product is

    @property
    def url(self) -> str:
        """Without a slash at the end."""
        return self._server.url

    @property
    def api_url(self) -> str:
        """What the product gets as Slack's address."""
        return f"{self.url}/api/"

    @property
    def request_url(self) -> str | None:
        """Where the product listens; None: deliver through Socket Mode."""
        return self._courier.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self._courier.request_url = url

    def wait_up_to(self, seconds: float) -> None:
        """How long an answer of the product is waited for; Slack waits three seconds."""
        self._courier.wait_seconds = seconds

    # What was called and what stands where

    @property
    def calls(self) -> list[Call]:
        """Every call, oldest first."""
        with self.state.lock:
            return list(self.state.calls)

    def calls_of(self, method: str) -> list[Call]:
        """Calls of one method, oldest first."""
        return [call for call in self.calls if call.method == method]

    def messages(self, channel: str) -> list[Message]:
        """What stands in a channel outside of threads, oldest first."""
        with self.state.lock:
            found = self.workspace.channels[channel].messages.values()
            return sorted((one for one in found if not one.is_reply), key=lambda one: one.ts)

    def thread(self, channel: str, ts: str) -> list[Message]:
        """The replies to a message, oldest first."""
        with self.state.lock:
            found = self.workspace.channels[channel].messages.values()
            return sorted((one for one in found if one.is_reply and one.thread_ts == ts), key=lambda one: one.ts)

    def every_message(self, channel: str) -> list[Message]:
        """Threads included, oldest first."""
        with self.state.lock:
            return sorted(self.workspace.channels[channel].messages.values(), key=lambda one: one.ts)

    @property
    def ephemerals(self) -> list[Message]:
        """What only one person sees, oldest first."""
        with self.state.lock:
            return list(self.state.ephemerals)

    @property
    def views(self) -> list[View]:
        """Modals, oldest first, closed ones included."""
        with self.state.lock:
            return list(self.state.views.values())

    def direct(self, user: str) -> list[Message]:
        """The bot's conversation with one person, oldest first."""
        return self.every_message(self.state.conversation(user).id)

    # Trouble

    def fail(self, method: str = "*", **fault: Any) -> Fault:
        """The next calls misbehave; see `Fault`. `times=-1` goes on until `recover`."""
        made = Fault(method, **fault)
        with self.state.lock:
            self.state.faults.append(made)
        return made

    def recover(self) -> None:
        """No more faults."""
        with self.state.lock:
            self.state.faults.clear()

    def revoke(self) -> None:
        """The bot's token is taken back."""
        self.workspace.revoked.add(self.workspace.bot_token)

    def limit(self, *, burst: int | None = 3) -> None:
        """From now on one message a second and channel, `burst` more at once; None: no limit."""
        self.state.limit_burst = burst


@contextmanager
def fake_slack(**options: Any) -> Iterator[FakeSlack]:
    """A fake that is stopped at the end."""
    fake = FakeSlack(**options)
    try:
        yield fake
    finally:
        fake.close()
