"""Readings: estimates in the form in which they are kept with a verdict, so that it can be made again from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from bot.evidence.kept import count, number
from bot.statistics.estimates import Estimate, Measured, Unknown


@dataclass(frozen=True)
class Reading:
    """One estimate, and whether it has an interval at all: one that was sent as a bare number has none, while one that
    was measured from too few rows has one whose ends are infinite."""

    estimate: Estimate
    has_interval: bool = True

    @property
    def value(self) -> float:
        """The figure itself."""
        return self.estimate.value

    @property
    def n(self) -> int | None:
        """Sample size; None where nobody said."""
        return self.estimate.n or None

    def as_json(self) -> dict[str, Any]:
        """Plain values; an infinite end is null."""
        one = self.estimate
        return {
            "value": one.value,
            "low": one.low if math.isfinite(one.low) else None,
            "high": one.high if math.isfinite(one.high) else None,
            "n": one.n,
            "method": one.method,
            "interval": self.has_interval,
        }

    @classmethod
    def of(cls, estimate: Estimate, *, measured: bool) -> Self:
        """A reading; `measured` from rows, so that it has an interval even where both ends are infinite."""
        return cls(estimate, measured or estimate.has_interval)


Read = Reading | Unknown


def reading_of(found: Measured, *, measured: bool = True) -> Read:
    """A reading of what was measured; unknown where it is not a finite number."""
    if isinstance(found, Unknown):
        return found
    if not math.isfinite(found.value) or math.isnan(found.low) or math.isnan(found.high):
        return Unknown("it is not a finite number", found.n)
    return Reading.of(found, measured=measured)


def as_json(read: Read) -> dict[str, Any]:
    """Plain values of either."""
    return read.as_json() if isinstance(read, Reading) else {"unknown": read.why, "n": read.n}


def from_json(kept: object) -> Read:
    """What was kept, again. Unknown for whatever is no reading."""
    if not isinstance(kept, Mapping):
        return Unknown("nothing was measured")
    n = count(kept.get("n")) or 0
    if "unknown" in kept:
        return Unknown(str(kept["unknown"]), n)
    value, low, high = (number(kept.get(name)) for name in ("value", "low", "high"))
    if value is None:
        return Unknown("it is not a finite number", n)
    low, high = -math.inf if low is None else low, math.inf if high is None else high
    estimate = Estimate(value, low, high, n, str(kept.get("method", "")))
    return Reading(estimate, kept.get("interval") is not False)
