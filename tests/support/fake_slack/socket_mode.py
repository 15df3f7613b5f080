"""Socket Mode of the fake Slack: a WebSocket server that says hello, sends envelopes and waits for their acks."""

from __future__ import annotations

import json
import threading
import time
import uuid
from contextlib import suppress
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve


class SocketMode:
    """Several clients may be connected; each envelope goes to one of them, in turn."""

    def __init__(self, app_id: str) -> None:
        self._app_id = app_id
        self._connections: list[ServerConnection] = []
        self._change = threading.Condition()
        self._acks: dict[str, dict[str, Any]] = {}
        self._turn = 0
        self._server: Server = serve(self._serve, "127.0.0.1", 0)
        self._thread = threading.Thread(target=self._server.serve_forever, name="fake slack sockets", daemon=True)
        self._thread.start()
        self.acks: list[dict[str, Any]] = []
        """Everything that clients sent, in order."""

    @property
    def url(self) -> str:
        """What `apps.connections.open` answers with; each call gives another ticket."""
        return (
            f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/link/?ticket={uuid.uuid4()}&app_id={self._app_id}"
        )

    @property
    def count(self) -> int:
        """Clients that are connected."""
        with self._change:
            return len(self._connections)

    def wait_for_client(self, seconds: float = 10.0, count: int = 1) -> bool:
        """Whether so many were connected in time."""
        with self._change:
            return self._change.wait_for(lambda: len(self._connections) >= count, seconds)

    def send(self, kind: str, payload: Any, *, seconds: float, **more: Any) -> dict[str, Any] | None:
        """Send an envelope and wait for its ack; None where none came within `seconds`.

        It goes to another client where the first one leaves before it acknowledges. AssertionError where none is there.
        """
        envelope_id = str(uuid.uuid4())
        envelope = json.dumps({"envelope_id": envelope_id, "type": kind, "payload": payload, **more})
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            with self._change:
                if not self._change.wait_for(lambda: self._connections, left):
                    raise AssertionError("no Socket Mode client is connected")
                self._turn += 1
                connection = self._connections[self._turn % len(self._connections)]
            with suppress(ConnectionClosed):
                connection.send(envelope)
            self._wait_for_ack(envelope_id, connection, ends - time.monotonic())
            if envelope_id in self._acks:
                return self._acks[envelope_id]
        return None

    def _wait_for_ack(self, envelope_id: str, connection: ServerConnection, seconds: float) -> None:
        with self._change:
            self._change.wait_for(
                lambda: envelope_id in self._acks or connection not in self._connections, max(0.0, seconds)
            )

    def disconnect(self, reason: str = "refresh_requested", *, then_close: bool = True) -> None:
        """Tell every client to connect anew, as Slack does every few hours, and hang up."""
        with self._change:
            connections = list(self._connections)
        for connection in connections:
            connection.send(json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "fake"}}))
            if then_close:
                connection.close()

    def drop(self) -> None:
        """Hang up without a word."""
        with self._change:
            connections = list(self._connections)
        for connection in connections:
            connection.close()

    def close(self) -> None:
        """Stop."""
        self.drop()
        self._server.shutdown()
        self._thread.join(5)

    def _serve(self, connection: ServerConnection) -> None:
        hello = {
            "type": "hello",
            "num_connections": self.count + 1,
            "connection_info": {"app_id": self._app_id},
            "debug_info": {"host": "fake", "build_number": 1, "approximate_connection_time": 18060},
        }
        try:
            connection.send(json.dumps(hello))
            with self._change:
                self._connections.append(connection)
                self._change.notify_all()
            for words in connection:
                self._heard(words)
        except ConnectionClosed:
            pass
        finally:
            with self._change:
                if connection in self._connections:
                    self._connections.remove(connection)
                self._change.notify_all()

    def _heard(self, words: str | bytes) -> None:
        try:
            said = json.loads(words)
        except ValueError:
            return  # some clients send pings of their own
        with self._change:
            self.acks.append(said)
            self._acks[str(said.get("envelope_id"))] = said
            self._change.notify_all()
