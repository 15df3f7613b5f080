"""The shape in which the watch over a restored state is shown."""

from __future__ import annotations

# See shapes.py.
from typing_extensions import TypedDict

Time = str


class WatchedMetricView(TypedDict):
    query: str
    condition: str
    state: str
    """`holding`, `failing` or `unknown`, as the last look has shown."""
    value: float | None
    """The last one; None where there never was data."""
    low: float | None
    """The lowest since the window began."""
    high: float | None
    samples: int
    why: str


class WatchView(TypedDict):
    """How what was restored does."""

    since: Time
    """When the window that runs now began."""
    until: Time | None
    """When it is over if all goes on well, or was; None while it does not run."""
    state: str
    """`holding`, `failing` or `unknown`."""
    restored_at: Time
    looked_at: Time
    stable_at: Time | None
    """Since when it can be endorsed."""
    window_seconds: float
    held_seconds: float
    problem: str
    run_id: str
    metrics: list[WatchedMetricView]
    """Empty where the policy names none: time alone counts then."""
