"""One unit of work as the head sees it: what is added, saved, looked up and locked, all of it or nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, TypeAlias

from bot.account_records import AccountRecords
from bot.bundle_records import BundleRecords
from bot.discipline_records import DisciplineRecords
from bot.drill_records import DrillRecords
from bot.keeping_records import KeepingRecords
from bot.measure_records import MeasureRecords
from bot.people_records import PeopleRecords
from bot.policy_records import PolicyRecords
from bot.postmortem_records import PostmortemRecords
from bot.release_records import ReleaseRecords

if TYPE_CHECKING:
    from bot.domain.access import Access
    from bot.domain.audit_anchors import Anchor
    from bot.domain.canaries import AffectedKeys, CanaryPoint
    from bot.domain.decisions import Decision
    from bot.domain.discipline import DrillReminder
    from bot.domain.drills import Drill
    from bot.domain.escalations import Escalation
    from bot.domain.events import AlertState, Disposition, Event
    from bot.domain.gates import Evidence, GateResult, Signature
    from bot.domain.incidents import Incident, IncidentStatus
    from bot.domain.keeping import Hold
    from bot.domain.live import LastRead
    from bot.domain.meetings import Meeting
    from bot.domain.minutes import Minute, MinuteChange
    from bot.domain.policy_versions import PolicyVersion
    from bot.domain.postmortems import Lesson, Postmortem, PostmortemComment, SectionText, SignOff
    from bot.domain.pulses import Pulse
    from bot.domain.records import Approval, AuditEntry, Notice, TimelineEntry
    from bot.domain.releases import Automation, Release, Service
    from bot.domain.report_facts import Fact
    from bot.domain.runs import Lease, Run
    from bot.domain.threads import Pace, Thread
    from bot.domain.walks import KnownVersion, LiveVersion, UnplannedDependency, Walk
    from bot.domain.watches import Watch

Record: TypeAlias = """(
    Event | Decision | Incident | Run | Notice | Approval | TimelineEntry | AuditEntry | Release | Access
    | Fact | Meeting | Minute | MinuteChange | Escalation | PolicyVersion
    | Walk | Evidence | GateResult | Signature | KnownVersion | LiveVersion | UnplannedDependency | CanaryPoint
    | AffectedKeys | Drill | Postmortem | SectionText | PostmortemComment | Lesson | SignOff
)"""
"""What can be added; each has one table."""

Change: TypeAlias = """(
    AlertState | Service | Automation | Incident | Release | Notice | Approval | Event
    | Meeting | Minute | Escalation | Thread | Pace | PolicyVersion | Walk | Signature | KnownVersion | LastRead
    | Watch | Drill | Anchor | Hold | DrillReminder | Pulse | Postmortem | Lesson
)"""
"""What can be saved again under its id (inserted where it is new); runs go by `save_run`."""

Place = tuple[str, str]
"""A service and an environment."""


@dataclass(frozen=True)
class Spread:
    """How measured seconds are spread: `counts[i]` of them are at most `bounds[i]`, `count` is all of them."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    count: int
    seconds: float
    """Their sum."""


@dataclass(frozen=True)
class Figures:
    """Counts over everything in the store, for the metrics page. Drills are counted as runs and nowhere else."""

    runs: Mapping[tuple[str, str], int]
    """By service and status."""
    notices: Mapping[tuple[str, str], int]
    """By audience and status."""
    incidents: Mapping[tuple[str, str], int]
    """By service and status."""
    breaches: int
    """Runs that missed their deadline."""
    first_action: Spread
    """`accepted_at` to `first_action_at`."""
    run: Spread
    """`accepted_at` to `finished_at` of ended runs."""


@dataclass(frozen=True)
class Standing:
    """How things stand with some services, read in one go once they were locked."""

    services: Mapping[str, Service]
    incidents: Mapping[Place, Incident]
    """The one open incident of each place."""
    runs: Mapping[Place, Run]
    """The one run of each place that is not ended."""
    releases: Mapping[str, Release]
    """The newest of each service."""
    automation: Automation
    last_actions: Mapping[Place, datetime | None]
    """See `last_automatic_action`; of the places that were asked for."""
    resolved: Mapping[Place, Incident | None]
    """See `latest_resolved`; of the places that were asked for, unless they are many."""
    events: Mapping[tuple[str, str], Event]
    """By source and `dedup_key`, of those that were asked for and are known."""
    alerts: Mapping[tuple[str, str], AlertState]
    """By source and identity, likewise."""


class Transaction(
    PeopleRecords,
    PolicyRecords,
    ReleaseRecords,
    DrillRecords,
    DisciplineRecords,
    PostmortemRecords,
    KeepingRecords,
    MeasureRecords,
    BundleRecords,
    AccountRecords,
    Protocol,
):
    """One unit of work: all of it is committed or none. Additions may wait for the next read or the end."""

    def add(self, *records: Record) -> None:
        """Insert records."""
        ...

    def save(self, *changes: Change) -> None:
        """Update by id, or insert."""
        ...

    def flush(self) -> None:
        """Write what was held back until now: what is left to do is the commit."""
        ...

    # Events
    def event(self, event_id: str) -> Event | None: ...
    def events_by_key(self, source: str, keys: Collection[str]) -> Mapping[str, Event]:
        """Events of a source by their `dedup_key`."""
        ...

    def events(
        self, *, limit: int, before: str | None = None, disposition: Disposition | None = None
    ) -> Sequence[Event]:
        """Newest first, without bodies; `before` is the id of the last one seen."""
        ...

    def alert_states(self, keys: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], AlertState]:
        """By (source, identity); absent where never seen."""
        ...

    def standing(
        self,
        services: Collection[str],
        *,
        places: Collection[Place] = (),
        deliveries: Collection[tuple[str, str]] = (),
        alerts: Collection[tuple[str, str]] = (),
    ) -> Standing:
        """Lock these services as `lock_services` does, then read all that a decision about them may look at."""
        ...

    # Services and releases
    def lock_services(self, names: Collection[str]) -> Mapping[str, Service]:
        """The services, made where new, locked in name order until the commit."""
        ...

    def service(self, name: str) -> Service | None: ...
    def services(self) -> Sequence[Service]: ...
    def automation(self) -> Automation: ...
    def release(self, release_id: str) -> Release | None: ...
    def latest_releases(self, services: Collection[str]) -> Mapping[str, Release]:
        """The newest release of each service, whatever its status."""
        ...

    # Incidents
    def incident(self, incident_id: str) -> Incident | None: ...
    def open_incidents(self, services: Collection[str]) -> Mapping[Place, Incident]: ...
    def latest_resolved(self, place: Place) -> Incident | None: ...
    def watch(self, incident_id: str) -> Watch | None:
        """How the state that was restored for an incident does; None where nobody has looked yet."""
        ...

    def incidents(
        self,
        *,
        limit: int,
        before: str | None = None,
        service: str | None = None,
        status: IncidentStatus | None = None,
    ) -> Sequence[Incident]:
        """Newest first."""
        ...

    def timeline(self, incident_id: str) -> Sequence[TimelineEntry]:
        """Oldest first."""
        ...

    def decisions(self, *, incident_id: str | None = None, event_id: str | None = None) -> Sequence[Decision]:
        """Oldest first."""
        ...

    # Runs
    def run(self, run_id: str) -> Run | None: ...
    def active_runs(self, services: Collection[str]) -> Mapping[Place, Run]:
        """The one run of each place that is not ended."""
        ...

    def runs(
        self, *, limit: int, before: str | None = None, incident_id: str | None = None, service: str | None = None
    ) -> Sequence[Run]:
        """Newest first."""
        ...

    def save_run(self, before: Run, after: Run) -> Run:
        """Write what changed; returns `after` with the next version. LeaseLost where somebody moved it meanwhile."""
        ...

    def due_runs(self, *, limit: int) -> Sequence[Run]:
        """Runs that a worker should take now, by the database's clock: queued, running without a live lease,
        or waiting with a `wake_at` that has come. Oldest `accepted_at` first."""
        ...

    def lease(self, run_id: str) -> Lease | None:
        """The lease of a run, if it has one that lives by the database's clock."""
        ...

    def figures(self, bounds: Sequence[float]) -> Figures:
        """Counts and spreads over `bounds` (seconds, ascending)."""
        ...

    def next_wake(self) -> datetime | None:
        """The earliest `wake_at` of a waiting run or lease end of a running one, or None."""
        ...

    def overdue_runs(self) -> Sequence[Run]:
        """Runs that are not ended, past their deadline, with no breach recorded."""
        ...

    def record_breach(self, run_id: str, at: datetime) -> bool:
        """Note that a run missed its deadline, beside whoever works on it; False where it was noted before."""
        ...

    def last_automatic_action(self, place: Place) -> datetime | None:
        """The newest `first_action_at` among runs that a criterion started by itself and that were no drill."""
        ...

    # Leases, by the database's clock
    def claim(self, run: Run, owner: str, ttl: timedelta) -> Lease | None:
        """A lease with a higher fence than any before at its place; None while another one lives."""
        ...

    def take(self, run_id: str, owner: str, ttl: timedelta) -> tuple[Run, Lease] | None:
        """A run that is not over and needs nobody, as it is once it is claimed; None where there is none to be had."""
        ...

    def confirm(self, lease: Lease, *, live: bool) -> None:
        """LeaseLost unless the run's lease still has this fence and, with `live`, has not ended."""
        ...

    def renew(self, lease: Lease, ttl: timedelta) -> Lease:
        """The lease with a later end; LeaseLost where it is another's or has ended."""
        ...

    def release_lease(self, lease: Lease) -> None:
        """End it, if it is still this one."""
        ...

    def release_leases_of(self, owner: str) -> Sequence[str]:
        """End the leases of an owner whose process is surely dead; returns run ids."""
        ...

    # Approvals and notices
    def approvals(self, run_id: str) -> Sequence[Approval]:
        """Oldest first."""
        ...

    def lapsed_approvals(self) -> Sequence[Approval]:
        """Asked for, past their end, and not yet marked expired."""
        ...

    def notice(self, notice_id: str) -> Notice | None: ...
    def notices(self, *, incident_id: str | None = None, limit: int = 200) -> Sequence[Notice]:
        """Oldest first."""
        ...

    def due_notices(self, *, limit: int) -> Sequence[str]:
        """Ids of notices that are due, or failed with a retry time that has come, or are to be told anew."""
        ...

    def claim_notice(self, notice_id: str, owner: str, ttl: timedelta) -> Notice | None:
        """The notice, for this worker only until `ttl` is over; None where it is not due or another has it."""
        ...

    def record_attempt(self, notice_id: str, at: datetime) -> None:
        """Note that sending it begins now, so that whoever finds it without an end knows that it may have gone."""
        ...

    def retell(
        self, at: datetime, names: Collection[str], *, incident_id: str | None = None, run_id: str | None = None
    ) -> None:
        """From `at` on, notices of these names that stand in chat are to be told anew."""
        ...

    def claim_refresh(self, notice_id: str, owner: str, ttl: timedelta) -> Notice | None:
        """A notice that stands somewhere and is to be told anew; None where it is not, or another has it."""
        ...

    def waiting_before(self, notice: Notice) -> Sequence[str]:
        """Ids of notices to the same place that are to go before this one."""
        ...

    def sent_since(self, service: str, audience: str, since: datetime) -> Sequence[datetime]:
        """When this audience was told of this service, oldest first."""
        ...

    # Access
    def access(self, digest: str) -> Access | None:
        """A session that has not ended."""
        ...

    def spend_link(self, digest: str) -> Access | None:
        """A link that was neither used nor has ended; it is used now."""
        ...

    def end_access(self, digest: str) -> None: ...

    # Audit
    def audit_entries(self, *, limit: int, after: int = 0) -> Sequence[tuple[int, AuditEntry]]:
        """Oldest first with their row numbers."""
        ...
