"""The record of one incident, read in one go: all that its account is made of, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.domain.canaries import Canary
from bot.domain.decisions import Decision
from bot.domain.drills import Drill
from bot.domain.escalations import Escalation
from bot.domain.gates import GateResult
from bot.domain.incidents import Incident
from bot.domain.minutes import Minute
from bot.domain.playbooks import PlaybookKind
from bot.domain.records import Approval, Notice, TimelineEntry
from bot.domain.releases import Release
from bot.domain.report_facts import Fact
from bot.domain.runs import Run, RunStatus
from bot.domain.walks import UnplannedDependency, Walk
from bot.domain.watches import Watch
from bot.ports import Transaction

OWN = "postmortem"
"""Kind of the timeline's lines, and beginning of the names of notices, that are about the account itself."""
_MOST_NOTICES = 10_000
_MOST_RUNS = 200
_MOST_DRILLS = 200


@dataclass(frozen=True)
class Account:
    """What is recorded of an incident. Everything is oldest first."""

    incident: Incident
    facts: Sequence[Fact]
    timeline: Sequence[TimelineEntry]
    minutes: Sequence[Minute]
    decisions: Sequence[Decision]
    runs: Sequence[Run]
    notices: Sequence[Notice]
    approvals: Mapping[str, Sequence[Approval]] = field(default_factory=dict)
    """By run."""
    escalations: Mapping[str, Sequence[Escalation]] = field(default_factory=dict)
    """By run."""
    release: Release | None = None
    walk: Walk | None = None
    gates: Sequence[GateResult] = ()
    """The newest verdict of each gate of the release, from before the incident was opened or later."""
    dependencies: Sequence[UnplannedDependency] = ()
    canary: Canary | None = None
    watch: Watch | None = None
    drills: Sequence[Drill] = ()
    """Of the service, from before the incident was opened."""
    policy_text: str = ""
    """Of the policy that decided first, as it was then; empty where it was not kept."""

    @classmethod
    def read(cls, tx: Transaction, incident: Incident) -> Account:
        """All of it, as it is stored."""
        runs = list(reversed(tx.runs(limit=_MOST_RUNS, incident_id=incident.id)))
        release_id = incident.release_id
        drills = reversed(tx.drills(limit=_MOST_DRILLS, service=incident.service))
        decisions = tx.decisions(incident_id=incident.id)
        digest = next((one.policy_digest for one in decisions if one.policy_digest), None)
        version = tx.policy_version(digest) if digest else None
        return cls(
            incident=incident,
            facts=tx.facts(incident.id),
            timeline=[one for one in tx.timeline(incident.id) if one.kind != OWN],
            minutes=tx.minutes(incident.id),
            decisions=decisions,
            runs=runs,
            notices=[
                one for one in tx.notices(incident_id=incident.id, limit=_MOST_NOTICES) if not one.name.startswith(OWN)
            ],
            approvals={run.id: tx.approvals(run.id) for run in runs},
            escalations={run.id: tx.escalations(run.id) for run in runs},
            release=tx.release(release_id) if release_id else None,
            walk=tx.walk(release_id) if release_id else None,
            gates=list(reversed(tx.newest_results(release_id))) if release_id else (),
            dependencies=tx.unplanned_dependencies(release_id) if release_id else (),
            canary=tx.bare_canary(release_id) if release_id else None,
            watch=tx.watch(incident.id),
            drills=[one for one in drills if one.slot <= incident.opened_at],
            policy_text=version.text if version else "",
        )

    @property
    def rollbacks(self) -> list[Run]:
        """Runs that were to put the version before back."""
        return [run for run in self.runs if run.kind is PlaybookKind.ROLLBACK]

    @property
    def restoring(self) -> Run | None:
        """The rollback that put it back for good: the last one that succeeded."""
        return next((run for run in reversed(self.rollbacks) if run.status is RunStatus.SUCCEEDED), None)

    def people(self) -> set[str]:
        """Everybody who appears in it, by the names that were recorded."""
        return set(filter(None, self._people()))

    def _people(self) -> Iterable[str | None]:
        yield from (self.incident.owner, self.incident.offered_to)
        yield from (entry.actor for entry in self.timeline)
        yield from (decision.actor for decision in self.decisions)
        yield from (fact.by for fact in self.facts)
        yield from (fact.asked for fact in self.facts)
        for minute in self.minutes:
            yield from (minute.by, minute.owner, minute.answered_by)
        for run in self.runs:
            yield from (run.requested_by, run.approved_by)
        for approvals in self.approvals.values():
            yield from (one for approval in approvals for one in (approval.answered_by, approval.requested_by))
        yield from (one.audience.removeprefix("person:") for one in self.notices if one.audience.startswith("person:"))
