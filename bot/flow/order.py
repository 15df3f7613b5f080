"""One order on its way: the command, the situation it meets, and the answer it gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.configuration import Configuration
from bot.domain.decisions import Verdict
from bot.domain.errors import BadInput, NotFound, Refused
from bot.domain.events import Command
from bot.domain.evidence_sources import EvidenceSource
from bot.domain.heard import HeardItem
from bot.domain.incidents import Incident, Severity
from bot.domain.policies import PRODUCTION, Policy
from bot.domain.runs import Run
from bot.domain.stages import GateUse
from bot.flow.consequences import Consequences
from bot.flow.proposed_changes import Proposal
from bot.flow.release_moves import ReleaseMoves
from bot.flow.situation import Situation
from bot.ports import Chance, Ids, Schedules

PinnedFiles = Callable[[Sequence[GateUse], Sequence[EvidenceSource]], Mapping[str, str]]
"""SHA-256, by `folder/name`, of the reviewed files that gates and sources of evidence name."""


@dataclass(frozen=True)
class Answer:
    """What became of an order; `message` says what happened, why and what next."""

    verdict: Verdict
    message: str
    service: str | None = None
    environment: str | None = None
    incident_ids: tuple[str, ...] = ()
    run_ids: tuple[str, ...] = ()
    record_ids: tuple[str, ...] = ()
    """Minutes, meetings and the like that it made or changed."""


@dataclass(frozen=True)
class Order:
    """Everything a handler of an order may use."""

    command: Command
    event_id: str
    situation: Situation
    configuration: Configuration
    consequences: Consequences
    ids: Ids
    moves: ReleaseMoves
    pinned_files: PinnedFiles
    schedules: Schedules
    chance: Chance
    checkable: frozenset[str] = frozenset()
    """Verbs that can look by themselves whether their effect is there."""
    heard: Sequence[HeardItem] = ()
    """What is said in the notes that the order brings."""
    proposal: Proposal | None = None
    """What became of the change that the order proposes."""

    @property
    def actor(self) -> str:
        """Who gives it."""
        return self.command.actor.name

    def reason(self) -> str:
        """The reason given; BadInput where there is none."""
        if not self.command.reason.strip():
            raise BadInput("A reason is needed", next="give it with --reason TEXT")
        return self.command.reason.strip()

    def reason_if_any(self) -> str:
        """The reason given, or the plain statement that there was none."""
        return self.command.reason.strip() or "no reason given"

    def place(self, policy: Policy) -> tuple[str, str]:
        """The service and environment meant: as said, else production, else the only one there is."""
        named = self.command.environment
        if named:
            if named not in policy.targets:
                raise NotFound(
                    f"{policy.service} has no environment {named!r}",
                    next=f"its policy names {', '.join(policy.targets) or 'none'}",
                )
            return policy.service, named
        only = next(iter(policy.targets), PRODUCTION) if len(policy.targets) == 1 else PRODUCTION
        return policy.service, only

    def run(self) -> Run:
        """The active run that the order is about; refused where it has ended."""
        run = self.situation.tx.run(self.command.subject)
        if run is None:
            raise NotFound(f"No run {self.command.subject!r}")
        active = self.situation.runs.get((run.service, run.environment))
        if active is None or active.id != run.id:
            raise Refused(f"Run {run.id} is {run.status}", why="it has ended", next="nothing moves it any more")
        return active

    def incident(self) -> Incident:
        """The incident that the order is about, as it is in this transaction."""
        found = self.situation.tx.incident(self.command.subject)
        if found is None:
            raise NotFound(f"No incident {self.command.subject!r}")
        current = self.situation.incidents.get((found.service, found.environment))
        return current if current is not None and current.id == found.id else found

    def subject_incident(self) -> Incident:
        """The same, where it is open; refused where it is resolved."""
        incident = self.incident()
        if not incident.is_open:
            raise Refused(f"Incident {incident.id} is resolved", next="nothing moves it any more")
        return incident

    def incident_of(self, run: Run) -> Incident | None:
        """The open incident of a run's place."""
        return self.situation.incidents.get((run.service, run.environment))

    def open_incident(self, place: tuple[str, str], title: str) -> Incident:
        """The open incident of a place, opened now where there is none."""
        incident = self.situation.incidents.get(place)
        if incident is None:
            severity = Severity(str(self.command.details.get("severity", Severity.SEV_2)))
            incident = self.consequences.open_incident(self.situation, place, severity, title, self.event_id)
            self.situation.put_incident(incident)
        return incident
