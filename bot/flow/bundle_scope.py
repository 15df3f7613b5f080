"""What belongs to a bundle: the incident or release that it is about, and every record that hangs on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.bundles import BundleKind, Label
from bot.domain.decisions import Decision
from bot.domain.errors import NotFound
from bot.domain.incidents import Incident
from bot.domain.releases import Release
from bot.domain.runs import Run
from bot.domain.walks import Walk
from bot.ports import Transaction


@dataclass
class Scope:
    """Ids of everything in a bundle, each once, in the order in which it is written."""

    label: Label
    incidents: list[Incident] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    walks: list[Walk] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)
    """Digests of policies that decided."""
    playbooks: list[str] = field(default_factory=list)
    """Names of playbooks that were run."""
    orders: set[datetime] = field(default_factory=set)
    """When people gave the orders that are in it."""
    decided_until: datetime | None = None
    """The last decision."""
    positions: list[int] = field(default_factory=list)
    """Of its rows in the chain of the audit trail; filled while they are read."""
    versions: list[str] = field(default_factory=list)
    """Digests of the versions of policies and playbooks that are in it; filled while they are read."""

    @property
    def places(self) -> list[tuple[str, str]]:
        """Where its incidents are."""
        return list(dict.fromkeys((one.service, one.environment) for one in self.incidents))


def scope_of(tx: Transaction, kind: BundleKind, subject: str) -> Scope:
    """Everything that is to be in the bundle. NotFound where there is no such record."""
    scope = _of_incident(tx, subject) if kind is BundleKind.INCIDENT else _of_release(tx, subject)
    scope.walks = [walk for one in scope.releases if (walk := tx.walk(one.id)) is not None]
    events = {one.event_id: None for one in scope.incidents if one.event_id}
    policies = {one.policy_digest: None for one in scope.walks}
    for decision in decisions_of(tx, scope):
        events[decision.event_id] = None
        if decision.policy_digest:
            policies[decision.policy_digest] = None
        if not decision.alert:
            scope.orders.add(decision.at)
        scope.decided_until = max(scope.decided_until or decision.at, decision.at)
    playbooks: dict[str, None] = {}
    for run in runs_of(tx, scope):
        playbooks[run.playbook.name] = None
        if run.event_id:
            events[run.event_id] = None
    scope.events, scope.policies, scope.playbooks = sorted(events), sorted(policies), sorted(playbooks)
    return scope


def check_there(tx: Transaction, kind: BundleKind, subject: str) -> None:
    """NotFound where there is no such record."""
    found = tx.incident(subject) if kind is BundleKind.INCIDENT else tx.release(subject)
    if found is None:
        raise NotFound(f"No {kind} {subject!r}", next=f"`andon {kind} list` shows what there is")


def _of_incident(tx: Transaction, subject: str) -> Scope:
    check_there(tx, BundleKind.INCIDENT, subject)
    incident = tx.incident(subject)
    assert incident is not None
    scope = Scope(Label(BundleKind.INCIDENT, incident.id, incident.service), [incident])
    scope.runs = list(tx.run_ids_of("incident_id", incident.id))
    named = {run.release_id: None for run in runs_of(tx, scope)} | {incident.release_id: None}
    scope.releases = [found for one in sorted(filter(None, named)) if (found := tx.release(one)) is not None]
    return scope


def _of_release(tx: Transaction, subject: str) -> Scope:
    check_there(tx, BundleKind.RELEASE, subject)
    release = tx.release(subject)
    assert release is not None
    scope = Scope(Label(BundleKind.RELEASE, release.id, release.service), releases=[release])
    scope.incidents = list(tx.all_of(Incident, "release_id", release.id))
    runs = dict.fromkeys(tx.run_ids_of("release_id", release.id))
    for incident in scope.incidents:
        runs |= dict.fromkeys(tx.run_ids_of("incident_id", incident.id))
    scope.runs = sorted(runs)
    return scope


def runs_of(tx: Transaction, scope: Scope) -> Iterator[Run]:
    """Each with its plan and steps, oldest first."""
    return (run for one in scope.runs if (run := tx.run(one)) is not None)


def decisions_of(tx: Transaction, scope: Scope) -> Iterator[Decision]:
    """Of each incident, and of runs that hang on none; in the order in which they were made."""
    for incident in scope.incidents:
        yield from tx.all_of(Decision, "incident_id", incident.id)
    known = {one.id for one in scope.incidents}
    for run in runs_of(tx, scope):
        if run.incident_id not in known and run.event_id:
            yield from (one for one in tx.all_of(Decision, "event_id", run.event_id) if one.run_id == run.id)
