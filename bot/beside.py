"""Work that may take long, done beside a lane's own: nothing slow is ever in front of anything quick."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from bot.adapters.fault_traces import describe_fault

_log = structlog.get_logger("andon.beside")
MOST_AT_ONCE = 4


class Beside:
    """Does a call for each id in a thread of its own, four at a time, and each id once at a time.

    What comes for an id that is being done is done once more after it. A process that ends does not wait: whatever is
    cut off is still due by SQL, and is rung for again.
    """

    def __init__(self, call: Callable[[str], None]) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._under_way: set[str] = set()
        self._again: set[str] = set()

    def __call__(self, name: str) -> None:
        """Have it done soon. Returns at once."""
        with self._lock:
            if name in self._under_way:
                self._again.add(name)
                return
            self._under_way.add(name)
        try:
            threading.Thread(target=self._do, args=(name,), name=f"andon-{name}", daemon=True).start()
        except RuntimeError as error:  # no thread is to be had; kept as under way, it would never be done here again
            with self._lock:
                self._under_way.discard(name)
                self._again.discard(name)
            _log.warning("beside_fault", id=name, **describe_fault(error))

    def _do(self, name: str) -> None:
        while True:
            with self._room:
                try:
                    self._call(name)
                except Exception as error:  # it stays due by SQL, and the sweep rings again
                    _log.warning("beside_fault", id=name, **describe_fault(error))
            with self._lock:
                if name not in self._again:
                    self._under_way.discard(name)
                    return
                self._again.discard(name)
