"""What a unit of work knows of signs of life, and of who did what within a time, for reports."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bot.domain.drills import Drill
    from bot.domain.gates import GateVerdict
    from bot.domain.postmortems import Postmortem
    from bot.domain.pulses import Pulse
    from bot.domain.records import Approval, AuditEntry
    from bot.domain.releases import Release
    from bot.domain.walks import Walk


@dataclass(frozen=True)
class GateTally:
    """How often one gate of one release came to one verdict within a time."""

    service: str
    release_id: str
    stage: str
    use: str
    name: str
    verdict: GateVerdict
    count: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class AskedPostmortem:
    """A postmortem, and when its incident was resolved: then it was asked for, not before."""

    postmortem: Postmortem
    resolved_at: datetime | None


class AccountRecords(Protocol):
    """The part of a transaction that reports and the heartbeat read."""

    def pulses(self) -> Mapping[str, Pulse]:
        """The newest sign of life of each part."""
        ...

    def claim_pulse(self, part: str, now: datetime, until: datetime, by: str) -> bool:
        """Take the turn of looking at this part until then; False where it is somebody else's. Keeps `at`."""
        ...

    def claim_silence(self, part: str, before: datetime, now: datetime) -> bool:
        """Note that people are told now of a part last seen before then; False where it was noted or seen since."""
        ...

    def audit_between(
        self, since: datetime, until: datetime, prefixes: Collection[str]
    ) -> Sequence[tuple[int, AuditEntry]]:
        """Rows from `since` on and before `until` whose action begins with one of these, oldest first."""
        ...

    def newest_audit(self, action: str, before: datetime) -> AuditEntry | None:
        """The last row of an action before a moment."""
        ...

    def approvals_between(self, since: datetime, until: datetime) -> Sequence[tuple[str, str, Approval]]:
        """Asked or answered within the time, with the service and the environment of their run, oldest first."""
        ...

    def drills_between(self, since: datetime, until: datetime) -> Sequence[Drill]:
        """Those whose slot lies within the time, oldest first."""
        ...

    def gate_tallies(self, since: datetime, until: datetime, verdicts: Collection[GateVerdict]) -> Sequence[GateTally]:
        """Verdicts of these kinds within the time, by release and gate."""
        ...

    def emergencies_between(self, since: datetime, until: datetime) -> Sequence[tuple[Release, Walk]]:
        """Emergency releases that were started within the time, oldest first."""
        ...

    def postmortems_between(self, since: datetime, until: datetime) -> Sequence[AskedPostmortem]:
        """Those begun before the end, but for those whose review was made before the time began; oldest first."""
        ...
