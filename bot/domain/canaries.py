"""Canaries: the comparison of a candidate with its incumbent on the same inputs, as it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.releases import Release, ReleaseStatus
from bot.domain.stages import WATCH

CANARY_SOURCE = "canary"
"""The source of the events that comparisons raise. It has no address: no request from outside can be one of its."""
DIVERGENCE = "PredictionDivergence"
"""What such an event is called."""


class CanaryVerdict(StrEnum):
    """What the comparison says so far."""

    DIVERGED = "diverged"
    EQUIVALENT = "equivalent"
    UNKNOWN = "unknown"


class Phase(StrEnum):
    """How many the candidate answers to; the test for a divergence begins anew in each."""

    CANARY = "canary"
    LIVE = "live"
    WATCH = "watch"

    @classmethod
    def of(cls, release: Release) -> Phase:
        """Where a release is, halted or not."""
        status = release.resumes_as if release.status is ReleaseStatus.HALTED else release.status
        if release.stage == WATCH or status is ReleaseStatus.WATCHED:
            return cls.WATCH
        return cls.LIVE if status is ReleaseStatus.LIVE else cls.CANARY


@dataclass(frozen=True)
class ObservationBatch:
    """One accepted batch of observations as it came in, unpacked or not, in order of arrival."""

    id: str
    release_id: str
    key: str
    """The sender's key of this batch; sent again, it counts once."""
    received_at: datetime
    media: str
    encoding: str
    """`gzip`, or empty."""
    sha256: str
    content: bytes


@dataclass(frozen=True)
class Canary:
    """One canary's state. `version` grows with every fold; a fold that expects another one is refused."""

    release_id: str
    service: str
    phase: str
    """`canary`, `live` or `watch`: the test for a divergence begins anew in each."""
    opened_at: datetime
    version: int = 0
    comparison: bytes = b""
    joining: bytes = b""
    pairs: int = 0
    verdict: CanaryVerdict = CanaryVerdict.UNKNOWN
    standing: Mapping[str, Any] = field(default_factory=dict)
    """Everything that is shown, as plain JSON."""
    affected: int = 0
    """Predictions that differed."""
    told: str = ""
    """The verdict that went to the front door last, with its phase."""
    folded_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def owes_word(self) -> bool:
        """Something diverged in this phase, and the front door has not confirmed that it heard of it."""
        return bool(self.standing.get("because_in_phase")) and self.told != self.word

    @property
    def word(self) -> str:
        """What there is to tell of a divergence: once for each phase."""
        return f"{self.phase}:{CanaryVerdict.DIVERGED}"


@dataclass(frozen=True)
class CanaryPoint:
    """The running estimate at one moment, for plots."""

    release_id: str
    at: datetime
    phase: str
    pairs: int
    estimate: float | None
    low: float | None
    high: float | None
    verdict: CanaryVerdict


@dataclass(frozen=True)
class AffectedKeys:
    """Predictions that differed in one fold: gzipped NDJSON of `{key, incumbent, candidate, divergence}`."""

    release_id: str
    at: datetime
    count: int
    content: bytes
