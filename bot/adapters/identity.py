"""The clock and the ids of a process: both handed in, so that tests can pass others."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from ulid import StrictMonotonicPolicy, ULIDGenerator


class SystemClock:
    """The host's clocks."""

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """CLOCK_MONOTONIC: it goes on while the process is stopped by a signal."""
        return time.monotonic()


class UlidIds:
    """Sortable ids such as `run-01j…`; within one millisecond they still grow, so that order is never a guess."""

    def __init__(self) -> None:
        self._generator = ULIDGenerator(policy=StrictMonotonicPolicy())

    def new(self, kind: str) -> str:
        """A new id of this kind: letters, digits and `-` only."""
        return f"{kind}-{str(self._generator.generate()).lower()}"
