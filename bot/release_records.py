"""What a transaction knows of releases on their way: walks, evidence, verdicts, canaries, and what was live when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bot.domain.canaries import AffectedKeys, Canary, CanaryPoint, ObservationBatch
    from bot.domain.gates import Evidence, GateResult, Signature
    from bot.domain.live import LastRead
    from bot.domain.releases import Release
    from bot.domain.walks import KnownVersion, LiveVersion, UnplannedDependency, Walk


class ReleaseRecords(Protocol):
    """The part of `Transaction` that releases need. Additions and saves go by `add` and `save`."""

    def releases(self, *, limit: int, before: str | None = None, service: str | None = None) -> Sequence[Release]:
        """Newest first; `before` is the id of the last one seen."""
        ...

    def walk(self, release_id: str) -> Walk | None: ...
    def releases_to_judge(self) -> Sequence[str]:
        """Ids of releases whose gates are to be looked at now, by the database's clock."""
        ...

    def due_retrospectives(self) -> Sequence[Walk]:
        """Of emergencies: overdue and not written."""
        ...

    def emergencies_since(self, service: str, since: datetime) -> int:
        """How many emergency releases this service has had."""
        ...

    # Evidence and verdicts
    def evidence(self, evidence_id: str) -> Evidence | None: ...
    def evidence_of(self, release_id: str, *, name: str | None = None) -> Sequence[Evidence]:
        """Newest first; the content is `kept_file(sha256)`."""
        ...

    def gate_results(self, release_id: str, *, limit: int = 1000) -> Sequence[GateResult]:
        """Newest first."""
        ...

    def newest_results(self, release_id: str) -> Sequence[GateResult]:
        """The newest of each gate of each stage, newest first, however often they were looked at."""
        ...

    def signatures(self, release_id: str) -> Sequence[Signature]:
        """Oldest first, those that were withdrawn included."""
        ...

    # Versions
    def known_version(self, service: str, version: str) -> KnownVersion | None: ...
    def known_versions(self, service: str) -> Sequence[KnownVersion]:
        """What may be restored, newest first."""
        ...

    def live_versions(
        self,
        service: str,
        environment: str | None = None,
        *,
        until: datetime | None = None,
        placed: bool = False,
        limit: int = 100,
    ) -> Sequence[LiveVersion]:
        """What was live, newest first: the first of an environment is what was live at `until` (default: now).
        With `placed` only what releases and runs put there, not what was read back."""
        ...

    def last_read(self, service: str, environment: str) -> LastRead | None: ...
    def last_reads(self, service: str | None = None) -> Sequence[LastRead]:
        """By service and environment; of all services or of one."""
        ...

    def unplanned_dependencies(self, release_id: str) -> Sequence[UnplannedDependency]:
        """Oldest first."""
        ...

    # Canaries
    def canary(self, release_id: str) -> Canary | None: ...
    def bare_canary(self, release_id: str) -> Canary | None:
        """The canary without its states of comparison and join, for looking at."""
        ...

    def open_canary(self, canary: Canary) -> bool:
        """Add it; False where there is one already."""
        ...

    def fold_into(self, before: Canary, after: Canary, batches: Sequence[str]) -> None:
        """Save what a fold made and mark its batches; Conflict where another fold came first."""
        ...

    def keep_batch(self, batch: ObservationBatch) -> bool:
        """Add a batch; False where its key was there already."""
        ...

    def batch_with(self, release_id: str, key: str) -> tuple[str, str] | None:
        """Id and digest of the batch that came with this key."""
        ...

    def unfolded_batches(
        self, release_id: str, *, limit: int, most_bytes: int | None = None
    ) -> Sequence[ObservationBatch]:
        """In order of arrival; as many as fit into `most_bytes`, and at least one."""
        ...

    def unfolded_releases(self) -> Sequence[str]:
        """Releases that have batches to fold."""
        ...

    def canaries_to_fold(self) -> Sequence[str]:
        """Releases that have something to fold now, by the database's clock: batches, pairs whose other half may be
        missing by now, a verdict that was not told, or an end."""
        ...

    def canary_points(self, release_id: str) -> Sequence[CanaryPoint]:
        """Oldest first."""
        ...

    def affected_keys(self, release_id: str, *, after: int = 0, limit: int = 50) -> Sequence[tuple[int, AffectedKeys]]:
        """Oldest first, with their row numbers."""
        ...
