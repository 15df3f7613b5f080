"""Releases on their way: walks, evidence, verdicts, signatures, and which versions are known and live."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, bindparam, func, select

from bot.adapters.sql.database_clock import now
from bot.adapters.sql.release_tables import (
    JUDGED,
    RETROSPECTIVE_DUE,
    evidence,
    gate_results,
    known_versions,
    live_reads,
    live_versions,
    signatures,
    unplanned_dependencies,
    walks,
)
from bot.adapters.sql.statements import columns_of
from bot.adapters.sql.tables import releases
from bot.adapters.sql.work import Work
from bot.domain.gates import Evidence, GateResult, Signature
from bot.domain.live import READ, LastRead
from bot.domain.releases import Release
from bot.domain.walks import KnownVersion, LiveVersion, ReleaseKind, UnplannedDependency, Walk

_RELEASE = columns_of(releases, Release)
_WALK = columns_of(walks, Walk)
_EVIDENCE = columns_of(evidence, Evidence)
_RESULT = columns_of(gate_results, GateResult)
_SIGNATURE = columns_of(signatures, Signature)
_KNOWN = columns_of(known_versions, KnownVersion)
_LIVE = columns_of(live_versions, LiveVersion)
_LAST = columns_of(live_reads, LastRead)
_UNPLANNED = columns_of(unplanned_dependencies, UnplannedDependency)

_RELEASES = select(*_RELEASE).order_by(releases.c.id.desc()).limit(bindparam("limit"))
_WALK_BY_ID = select(*_WALK).where(walks.c.release_id == bindparam("release_id"))
_TO_JUDGE = select(walks.c.release_id).where(JUDGED, walks.c.judge_at <= now()).order_by(walks.c.judge_at)
_RETROSPECTIVES = (
    select(*_WALK)
    .where(RETROSPECTIVE_DUE, walks.c.retrospective_due_at <= now())
    .order_by(walks.c.retrospective_due_at)
)
_EMERGENCIES = select(func.count()).select_from(
    walks.join(
        releases,
        and_(
            releases.c.id == walks.c.release_id,
            walks.c.service == bindparam("service"),
            walks.c.kind == ReleaseKind.EMERGENCY,
            releases.c.opened_at >= bindparam("since", type_=releases.c.opened_at.type),
        ),
    )
)
_EVIDENCE_BY_ID = select(*_EVIDENCE).where(evidence.c.id == bindparam("id"))
_EVIDENCE_OF = select(*_EVIDENCE).where(evidence.c.release_id == bindparam("release_id")).order_by(evidence.c.id.desc())
_EVIDENCE_CALLED = _EVIDENCE_OF.where(evidence.c.name == bindparam("name"))
_RESULTS = (
    select(*_RESULT)
    .where(gate_results.c.release_id == bindparam("release_id"))
    .order_by(gate_results.c.number.desc())
    .limit(bindparam("limit"))
)
_NEWEST_RESULTS = (
    select(*_RESULT)
    .where(
        gate_results.c.number.in_(
            select(func.max(gate_results.c.number))
            .where(gate_results.c.release_id == bindparam("release_id"))
            .group_by(gate_results.c.stage, gate_results.c.position)
        )
    )
    .order_by(gate_results.c.number.desc())
)
_SIGNATURES = select(*_SIGNATURE).where(signatures.c.release_id == bindparam("release_id")).order_by(signatures.c.id)
_KNOWN_VERSION = select(*_KNOWN).where(
    known_versions.c.service == bindparam("service"), known_versions.c.version == bindparam("version")
)
_KNOWN_VERSIONS = (
    select(*_KNOWN)
    .where(known_versions.c.service == bindparam("service"))
    .order_by(known_versions.c.at.desc(), known_versions.c.version)
)
_LIVE_VERSIONS = (
    select(*_LIVE)
    .where(live_versions.c.service == bindparam("service"))
    .order_by(live_versions.c.since.desc(), live_versions.c.number.desc())
    .limit(bindparam("limit"))
)
_LAST_READS = select(*_LAST).order_by(live_reads.c.service, live_reads.c.environment)
_LAST_READ = select(*_LAST).where(
    live_reads.c.service == bindparam("service"), live_reads.c.environment == bindparam("environment")
)
_UNPLANNED_OF = (
    select(*_UNPLANNED)
    .where(unplanned_dependencies.c.release_id == bindparam("release_id"))
    .order_by(unplanned_dependencies.c.id)
)


class ReleaseQueries(Work):
    """What is known of releases besides their rows."""

    def releases(self, *, limit: int, before: str | None = None, service: str | None = None) -> Sequence[Release]:
        """Newest first."""
        statement = _RELEASES
        if before is not None:
            statement = statement.where(releases.c.id < before)
        if service is not None:
            statement = statement.where(releases.c.service == service)
        return [Release(*row) for row in self.rows(statement, {"limit": limit})]

    def walk(self, release_id: str) -> Walk | None:
        """The way of one release; None of one that has no stages."""
        row = self.row(_WALK_BY_ID, {"release_id": release_id})
        return Walk(*row) if row else None

    def releases_to_judge(self) -> Sequence[str]:
        """Ids of releases whose gates are to be looked at now."""
        return [row[0] for row in self.rows(_TO_JUDGE)]

    def due_retrospectives(self) -> Sequence[Walk]:
        """Of emergencies: overdue and not written."""
        return [Walk(*row) for row in self.rows(_RETROSPECTIVES)]

    def emergencies_since(self, service: str, since: datetime) -> int:
        """How many emergency releases this service has had."""
        return int(self.row(_EMERGENCIES, {"service": service, "since": since})[0])

    def evidence(self, evidence_id: str) -> Evidence | None:
        """One piece of evidence, without its content."""
        row = self.row(_EVIDENCE_BY_ID, {"id": evidence_id})
        return Evidence(*row) if row else None

    def evidence_of(self, release_id: str, *, name: str | None = None) -> Sequence[Evidence]:
        """Newest first."""
        statement, called = (_EVIDENCE_OF, {}) if name is None else (_EVIDENCE_CALLED, {"name": name})
        return [Evidence(*row) for row in self.rows(statement, {"release_id": release_id, **called})]

    def gate_results(self, release_id: str, *, limit: int = 1000) -> Sequence[GateResult]:
        """Newest first."""
        return [GateResult(*row) for row in self.rows(_RESULTS, {"release_id": release_id, "limit": limit})]

    def newest_results(self, release_id: str) -> Sequence[GateResult]:
        """The newest of each gate of each stage, newest first."""
        return [GateResult(*row) for row in self.rows(_NEWEST_RESULTS, {"release_id": release_id})]

    def signatures(self, release_id: str) -> Sequence[Signature]:
        """Oldest first, those that were withdrawn included."""
        return [Signature(*row) for row in self.rows(_SIGNATURES, {"release_id": release_id})]

    def known_version(self, service: str, version: str) -> KnownVersion | None:
        """A version that may be restored; None where this one may not."""
        row = self.row(_KNOWN_VERSION, {"service": service, "version": version})
        return KnownVersion(*row) if row else None

    def known_versions(self, service: str) -> Sequence[KnownVersion]:
        """What may be restored, newest first."""
        return [KnownVersion(*row) for row in self.rows(_KNOWN_VERSIONS, {"service": service})]

    def live_versions(
        self,
        service: str,
        environment: str | None = None,
        *,
        until: datetime | None = None,
        placed: bool = False,
        limit: int = 100,
    ) -> Sequence[LiveVersion]:
        """What was live, newest first."""
        statement = _LIVE_VERSIONS
        if placed:
            statement = statement.where(live_versions.c.how != READ)
        if environment is not None:
            statement = statement.where(live_versions.c.environment == environment)
        if until is not None:
            statement = statement.where(live_versions.c.since <= until)
        return [LiveVersion(*row) for row in self.rows(statement, {"service": service, "limit": limit})]

    def last_read(self, service: str, environment: str) -> LastRead | None:
        """The newest look at one environment."""
        row = self.row(_LAST_READ, {"service": service, "environment": environment})
        return LastRead(*row) if row else None

    def last_reads(self, service: str | None = None) -> Sequence[LastRead]:
        """By service and environment."""
        statement = _LAST_READS if service is None else _LAST_READS.where(live_reads.c.service == service)
        return [LastRead(*row) for row in self.rows(statement)]

    def unplanned_dependencies(self, release_id: str) -> Sequence[UnplannedDependency]:
        """Oldest first."""
        return [UnplannedDependency(*row) for row in self.rows(_UNPLANNED_OF, {"release_id": release_id})]
