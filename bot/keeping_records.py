"""What a unit of work knows of how long records are kept."""

from __future__ import annotations

from typing import Protocol


class KeepingRecords(Protocol):
    """The part of a transaction that keeps legal holds and erasures, and removes what is past its time."""
