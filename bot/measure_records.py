"""What a unit of work can count and measure over many records."""

from __future__ import annotations

from typing import Protocol


class MeasureRecords(Protocol):
    """The part of a transaction that measures the process: spreads and counts by service and month."""
