"""Many at once: calls that begin together, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Made = TypeVar("Made")


def at_once(calls: Sequence[Callable[[], Made]]) -> list[Made]:
    """Each in a thread of its own, none before all are there; what they gave."""
    gate = threading.Barrier(len(calls))

    def one(call: Callable[[], Made]) -> Made:
        gate.wait(30)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(one, calls))
