"""Calls for which everything is at hand: the bytes leave by one write, and what comes back is handed on at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis import Redis
from redis.commands.core import Script


class Errand:
    """A connection that is known to live, kept for one call. It goes back to its pool with the answer, or unused.

    What the client library does before it sends (take a connection, look whether it lives, put the bytes together)
    takes a quarter of a millisecond in a process that has just woken up: here it is done before the hurry begins.
    """

    def __init__(self, link: Redis, script: Script) -> None:
        """Raises what Redis raises where no connection is to be had."""
        self._pool = link.connection_pool
        self._sha = script.sha
        self._connection: Any = self._pool.get_connection()
        self._packed: Sequence[bytes] = ()

    def pack(self, keys: Sequence[str], args: Sequence[Any]) -> None:
        """Put the bytes together."""
        self._packed = self._connection.pack_command("EVALSHA", self._sha, len(keys), *keys, *args)

    def send(self) -> None:
        """Let them go. Raises what Redis raises; the errand is over then."""
        try:
            self._connection.send_packed_command(self._packed, check_health=False)
        except BaseException:
            self._connection.disconnect()
            self.give_back()
            raise

    def answer(self) -> Any:
        """What the server said; ResponseError where it does not know the script, or forbids it."""
        try:
            return self._connection.read_response()
        finally:
            self.give_back()

    def give_back(self) -> None:
        """End the errand."""
        self._pool.release(self._connection)


class Listener:
    """Waits for jobs on a connection of its own that stays taken: it goes back to no pool when a job comes."""

    def __init__(self, link: Redis, queue_key: str, taken_key: str, seconds: float) -> None:
        self._pool = link.connection_pool
        self._words = ("BLMOVE", queue_key, taken_key, "LEFT", "RIGHT", seconds)
        self._connection: Any = None

    def wait(self) -> Any:
        """The id of a job, now taken; None where none came in time. Raises what Redis raises."""
        if self._connection is None:
            self._connection = self._pool.get_connection()
        try:
            self._connection.send_command(*self._words)
            return self._connection.read_response()
        except BaseException:
            self._connection.disconnect()
            self.close()
            raise

    def close(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.release(connection)
