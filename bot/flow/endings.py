"""What the end of a run, or a stop that needs a person, means for its incident, its release and its audiences."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bot.domain.cadence import with_updates
from bot.domain.configuration import Configuration
from bot.domain.events import ANDON
from bot.domain.incidents import Incident, IncidentEvent, IncidentStatus
from bot.domain.outcomes import Tell
from bot.domain.playbooks import PlaybookKind
from bot.domain.policies import Policy
from bot.domain.records import Approval, AuditEntry, Notice
from bot.domain.releases import Service
from bot.domain.runs import Run, RunStatus
from bot.flow import offers
from bot.flow.asking import question_facts
from bot.flow.drill_facts import hearing_of
from bot.flow.freshening import PROGRESS
from bot.flow.levels import call_on, end_levels, plan_levels
from bot.flow.telling import About, Teller
from bot.flow.timeline import line
from bot.flow.versions import restored
from bot.ports import Ids, Transaction

_FAULTS = frozenset({"needs_human", "deadline_missed"})
"""Notices that a rollback did not do what its criterion promises; a failure is the third, see `_tell`."""
_NOTICE = {
    RunStatus.SUCCEEDED: "restored",
    RunStatus.NEEDS_HUMAN: "needs_human",
    RunStatus.FAILED: "stopped",
    RunStatus.CANCELLED: "stopped",
    RunStatus.SUPERSEDED: "stopped",
}


class Endings:
    """Written in the commit that ends or stops the run."""

    def __init__(self, ids: Ids, teller: Teller, configuration: Callable[[], Configuration]) -> None:
        self._ids = ids
        self._teller = teller
        self._configuration = configuration

    def write(self, tx: Transaction, run: Run, now: datetime) -> None:
        """The incident's move, the release's, one line of the timeline, and the notices."""
        # The front door changes incidents only under this lock.
        service = tx.lock_services((run.service,))[run.service]
        is_restored = run.status is RunStatus.SUCCEEDED and run.kind is PlaybookKind.ROLLBACK and not run.drill
        if is_restored:
            self._roll_back_release(tx, run, now)
            tx.add(restored(run, now))
        incident = tx.incident(run.incident_id) if run.incident_id else None
        if incident is None or not incident.is_open:
            return
        if run.kind is PlaybookKind.ROLLBACK:
            incident = self._moved(tx, incident, run, service, now)
        end_levels(tx, run.id, now)
        if run.status is RunStatus.NEEDS_HUMAN:
            incident = self._call(tx, incident, run, None, now)
        self._line(tx, incident, run, _sentence(run), now)
        tx.retell(now, (PROGRESS,), run_id=run.id)
        name = _NOTICE[run.status] if run.kind is PlaybookKind.ROLLBACK or not run.is_ended else ""
        if name:
            buttons = offers.of(name, run=run, approval=None, incident=incident)
            self._tell(tx, name, incident, run, now, buttons=buttons)

    def _call(self, tx: Transaction, incident: Incident, run: Run, approval_id: str | None, now: datetime) -> Incident:
        """From now on somebody is to answer: whom to call when nobody does, and when people hear of it next."""
        policy = self._configuration().policies.get(run.service)
        if policy is None:
            return incident
        tx.add(*plan_levels(self._ids, policy, run, approval_id, now))
        waiting = with_updates(policy, incident, now)
        if waiting is not incident:
            tx.save(waiting)
        return waiting

    def _moved(self, tx: Transaction, incident: Incident, run: Run, service: Service, now: datetime) -> Incident:
        event = {
            RunStatus.SUCCEEDED: IncidentEvent.RESTORED,
            RunStatus.FAILED: IncidentEvent.RUN_STOPPED,
        }.get(run.status)
        if event is None or not incident.allows(event):
            return incident
        incident = incident.moved(event, now)
        if incident.status is IncidentStatus.OPEN and service.is_halted:
            incident = incident.moved(IncidentEvent.HALT, now)
        tx.save(incident)
        return incident

    def _roll_back_release(self, tx: Transaction, run: Run, now: datetime) -> None:
        release = tx.release(run.release_id) if run.release_id else None
        if release is not None and release.is_in_flight:
            tx.save(release.rolled_back(now))
            tx.add(AuditEntry(now, ANDON.name, "release.rolled_back", f"release:{release.id}", {"run": run.id}))

    def ask(self, tx: Transaction, run: Run, approval: Approval, now: datetime) -> None:
        """A step's question, on the timeline and to the audiences."""
        # The front door and the clock change incidents only under this lock.
        tx.lock_services((run.service,))
        incident = tx.incident(run.incident_id) if run.incident_id else None
        if incident is None:
            return
        incident = self._call(tx, incident, run, approval.id, now)
        self._line(tx, incident, run, f"Waiting for a member of {approval.role}: {approval.question}", now)
        policy = self._configuration().policies.get(run.service)
        self._tell(tx, "approval_needed", incident, run, now, **question_facts(run, approval, policy))

    def freeze(self, tx: Transaction, run: Run, reason: str, now: datetime) -> None:
        """A step froze promotion: the same as a person's halt, by the run."""
        service = tx.lock_services((run.service,))[run.service]
        tx.save(service.halted(f"run {run.id}", reason, now))
        release = tx.latest_releases((run.service,)).get(run.service)
        if release is not None and release.is_in_flight:
            tx.save(release.with_halt(halted=True))
        incident = tx.incident(run.incident_id) if run.incident_id else None
        if incident is not None and incident.allows(IncidentEvent.HALT):
            tx.save(incident.moved(IncidentEvent.HALT, now))
            self._line(tx, incident, run, f"Promotion is frozen: {reason}", now, kind="halt")

    def say(self, tx: Transaction, run: Run, tell: Tell, now: datetime) -> None:
        """A step's own notice."""
        incident = tx.incident(run.incident_id) if run.incident_id else None
        if incident is not None:
            self._tell(tx, tell.notice, incident, run, now, audiences=tell.audiences, text=tell.text)

    def late(self, tx: Transaction, run: Run, now: datetime) -> None:
        """The deadline is missed: told while it happens."""
        tx.add(AuditEntry(now, ANDON.name, "run.late", f"run:{run.id}", {"deadline": str(run.deadline)}))
        incident = tx.incident(run.incident_id) if run.incident_id else None
        if incident is not None:
            self._line(tx, incident, run, f"Run {run.id} missed its deadline and goes on ({run.status})", now)
            self._tell(tx, "deadline_missed", incident, run, now)

    def unanswered(self, tx: Transaction, run: Run, approval: Approval, now: datetime) -> None:
        """Nobody answered in time: the run keeps waiting, and everybody is told so. With `then: escalate` whoever is
        next is called at once."""
        tx.lock_services((run.service,))
        pulled = call_on(tx, approval, now) if approval.then == "escalate" else None
        incident = tx.incident(run.incident_id) if run.incident_id else None
        if incident is None:
            return
        after = "the run keeps waiting" if pulled is None else f"level {pulled + 1} of its escalation is called"
        self._line(tx, incident, run, f"Nobody of {approval.role} answered in time; {after}", now)
        facts = question_facts(run, approval, self._configuration().policies.get(run.service))
        self._tell(tx, "approval_expired", incident, run, now, **facts)

    def _line(self, tx: Transaction, incident: Incident, run: Run, text: str, now: datetime, kind: str = "run") -> None:
        tx.add(line(self._ids, incident.id, now, kind, text, run_id=run.id))

    def _tell(
        self,
        tx: Transaction,
        name: str,
        incident: Incident,
        run: Run,
        now: datetime,
        audiences: tuple[str, ...] = (),
        **facts: Any,
    ) -> None:
        policy = self._configuration().policies.get(run.service)
        if policy is None:
            problem = f"{run.service} has no policy any more"
            tx.add(
                self._teller.about_house("orphaned_run", cause=f"run:{run.id}", now=now, run=run.id, problem=problem)
            )
            return
        about = About(
            name=name,
            policy=policy,
            incident=incident,
            cause=f"run:{run.id}",
            now=now,
            run=run,
            release=tx.release(run.release_id) if run.release_id else None,
            report=tx.facts(incident.id),
            hearing=hearing_of(tx, incident),
            more=facts,
        )
        tx.add(*self._teller.about_incident(about, audiences))
        if not run.drill and (name in _FAULTS or run.status is RunStatus.FAILED):
            tx.add(*self._to_owner(policy, run, about))

    def _to_owner(self, policy: Policy, run: Run, about: About) -> list[Notice]:
        """Whoever owns the criterion hears that what it promises did not happen, besides the audiences."""
        owner = policy.owner_of(run.criterion)
        if owner is None:
            return []
        if owner not in policy.roles:
            return self._teller.to_people(about, [owner])
        members = policy.members(owner)
        return self._teller.to_members(about, members) if members else []


def _sentence(run: Run) -> str:
    what = f"{run.playbook.name} for {run.service} in {run.environment}"
    seconds = (run.finished_at - run.accepted_at).total_seconds() if run.finished_at else 0.0
    match run.status:
        case RunStatus.SUCCEEDED:
            late = " (after its deadline)" if run.finished_at and run.finished_at > run.deadline else ""
            return f"{what} succeeded {seconds:.2f} s after it was accepted{late}"
        case RunStatus.NEEDS_HUMAN:
            return f"{what} needs a person: {run.error}"
    return f"{what} is {run.status}: {run.error}"
