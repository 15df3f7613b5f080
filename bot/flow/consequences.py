"""What follows from a decision: incidents opened or joined, runs planned, notices due, all in its commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.domain.cadence import with_updates
from bot.domain.configuration import Configuration
from bot.domain.decisions import Decision, Verdict, alert_of
from bot.domain.events import ANDON, Alert, AlertStatus
from bot.domain.incidents import Incident, IncidentEvent, IncidentStatus, Severity
from bot.domain.judging import criteria_of, decide
from bot.domain.playbooks import PlaybookKind
from bot.domain.policies import ApprovalRule, Policy
from bot.domain.records import AuditEntry
from bot.domain.runs import Run
from bot.flow.asking import question_facts
from bot.flow.drill_facts import hearing_of
from bot.flow.freshening import PROGRESS
from bot.flow.levels import plan_levels
from bot.flow.planning import Cause, approval_for, plan_run
from bot.flow.situation import Situation
from bot.flow.telling import About, Teller
from bot.flow.timeline import line
from bot.ports import Ids, Place

_OPENS = frozenset({Verdict.NOTE, Verdict.RUN, Verdict.ASK, Verdict.JOIN, Verdict.OBSERVE, Verdict.HELD})
_ONLY_NOTED = frozenset({Verdict.NOTE, Verdict.JOIN})
"""No notice of its own follows from these."""
_COOLDOWN_RULE = ApprovalRule()


class Consequences:
    """Turns decisions into records on a situation. It never decides and never acts outside."""

    def __init__(self, ids: Ids, teller: Teller) -> None:
        self._ids = ids
        self.teller = teller

    def of_alert(
        self, situation: Situation, decision: Decision, alert: Alert, policy: Policy, configuration: Configuration
    ) -> Decision:
        """Carry out a decision about an alert; returned with the incident and the run that it led to."""
        place = (policy.service, decision.environment or "")
        opens = decision.verdict in _OPENS and alert.status is AlertStatus.FIRING
        incident = (
            self._incident(situation, place, alert, decision, policy) if opens else situation.incidents.get(place)
        )
        if incident is None:
            return decision
        if alert.status is AlertStatus.FIRING and incident.event_id == decision.event_id:
            incident = incident.opened_by(alert.starts_at)
            situation.put_incident(incident)
        self._note(situation, incident, decision, alert)
        decision = replace(decision, incident_id=incident.id)
        if decision.verdict in (Verdict.RUN, Verdict.ASK):
            return self._plan(situation, decision, policy, configuration, incident)
        if decision.verdict in (Verdict.OBSERVE, Verdict.HELD):
            name = "would_restore" if decision.verdict is Verdict.OBSERVE else "held"
            self.tell(situation, name, policy, incident, cause=f"decision:{decision.id}", decision=decision)
        return decision

    def after_run(self, situation: Situation, run: Run, configuration: Configuration) -> None:
        """A run that was no rollback left its place: alerts that joined it and wanted a rollback are decided again."""
        policy = configuration.policies.get(run.service)
        if policy is None or run.incident_id is None or run.kind is PlaybookKind.ROLLBACK or not run.is_ended:
            return
        known = situation.tx.decisions(incident_id=run.incident_id)
        for before in [one for one in known if one.run_id == run.id and one.verdict is Verdict.JOIN and one.alert]:
            alert = alert_of(before.alert)
            decision = decide(alert, policy, situation.known((run.service, run.environment), policy))
            decision = replace(decision, id=self._ids.new("dec"), event_id=before.event_id)
            decision = self.of_alert(situation, decision, alert, policy, configuration)
            situation.record(decision)
            situation.relink(alert, run.id, decision.run_id)

    def _incident(
        self, situation: Situation, place: Place, alert: Alert, decision: Decision, policy: Policy
    ) -> Incident:
        severity = decision.severity or Severity.SEV_3
        incident = situation.incidents.get(place)
        if incident is not None:
            worse = _frozen(situation, incident.with_alert(severity, situation.now))
            situation.put_incident(worse)
            if decision.verdict in _ONLY_NOTED:
                self._opened(situation, policy, worse, decision, except_for=policy.told(incident.severity))
            return worse
        incident = replace(self.open_incident(situation, place, severity, alert.name, decision.event_id), alert_count=1)
        situation.put_incident(incident)
        if decision.verdict in _ONLY_NOTED:
            self._opened(situation, policy, incident, decision)
        return incident

    def _opened(
        self, situation: Situation, policy: Policy, incident: Incident, decision: Decision, except_for: Any = ()
    ) -> None:
        """Whoever hears of an incident this bad, and did not before it became so."""
        if new := tuple(one for one in policy.told(incident.severity) if one not in except_for):
            cause = f"event:{decision.event_id}"
            self.tell(situation, "incident_opened", policy, incident, cause=cause, decision=decision, audiences=new)

    def open_incident(
        self, situation: Situation, place: Place, severity: Severity, title: str, event_id: str
    ) -> Incident:
        """A new incident at a place that has none, linked to the one that was resolved there last."""
        previous = situation.latest_resolved(place)
        is_drill = situation.drill_at(place) is not None  # whatever happens there meanwhile belongs to it
        release = situation.releases.get(place[0])
        incident = Incident(
            id=self._ids.new("inc"),
            service=place[0],
            environment=place[1],
            severity=severity,
            title=title[:200],
            opened_at=situation.now,
            release_id=release.id if release else None,
            event_id=event_id,
            previous_id=previous.id if previous and previous.drill == is_drill else None,
            drill=is_drill,
        )
        incident = _frozen(situation, incident)
        self.write(
            situation, incident, "opened", f"Incident opened: {incident.title}", data={"severity": str(severity)}
        )
        situation.record(
            AuditEntry(situation.now, ANDON.name, "incident.opened", f"incident:{incident.id}", {"event": event_id})
        )
        return incident

    def _note(self, situation: Situation, incident: Incident, decision: Decision, alert: Alert) -> None:
        hidden = f"; the sender left out {alert.truncated} more of its group" if alert.truncated else ""
        text = f"Alert {alert.name} ({alert.status or 'no status'}): {decision.reason}{hidden}"
        data = {"decision": decision.id, "verdict": str(decision.verdict), "truncated": alert.truncated}
        self.write(situation, incident, "alert", text, link=alert.link, data=data)
        told = {"decision": decision.id, "service": decision.service, "reason": decision.reason}
        subject = f"event:{decision.event_id}"
        situation.record(AuditEntry(situation.now, ANDON.name, f"decision.{decision.verdict}", subject, told))

    def _plan(
        self, situation: Situation, decision: Decision, policy: Policy, configuration: Configuration, incident: Incident
    ) -> Decision:
        criterion = next(one for one in criteria_of(policy, decision.alert) if one.name == decision.criterion)
        cause = Cause(
            event_id=decision.event_id,
            within=criterion.within,
            authority=decision.authority or criterion.authority,
            criterion=criterion.name,
            reason=decision.reason,
            alert=decision.alert,
        )
        rule = criterion.approval if not criterion.is_automatic else _COOLDOWN_RULE
        run = self.start(situation, policy, configuration, incident, criterion.playbook, cause, rule)
        return replace(decision, run_id=run.id)

    def start(
        self,
        situation: Situation,
        policy: Policy,
        configuration: Configuration,
        incident: Incident,
        playbook: str,
        cause: Cause,
        rule: ApprovalRule = _COOLDOWN_RULE,
    ) -> Run:
        """Plan a run at the incident's place, superseding one that only waits for an approval there."""
        self._supersede(situation, incident)
        run = plan_run(
            self._ids,
            policy,
            configuration.playbook(playbook),
            (incident.service, incident.environment),
            release=situation.releases.get(policy.service),
            incident=incident,
            cause=cause,
            now=situation.now,
        )
        situation.add_run(run)
        if run.only_waits_for_approval:
            self._ask(situation, policy, incident, run, rule)
        else:
            self._announce(situation, policy, incident, run)
        data = {"plan": run.plan_hash, "playbook": playbook, "authority": run.authority, "event": cause.event_id}
        by = cause.requested_by or ANDON.name
        situation.record(AuditEntry(situation.now, by, "run.planned", f"run:{run.id}", data))
        return run

    def _supersede(self, situation: Situation, incident: Incident) -> None:
        waiting = situation.runs.get((incident.service, incident.environment))
        if waiting is not None:
            self.write(situation, incident, "run", f"Run {waiting.id} is superseded", run_id=waiting.id)
            situation.supersede(waiting, "superseded by an automatic criterion")

    def _announce(self, situation: Situation, policy: Policy, incident: Incident, run: Run) -> None:
        self.write(situation, incident, "run", f"Run planned: {_what(run)}", run_id=run.id)
        if run.kind is not PlaybookKind.ROLLBACK:
            return
        incident = incident.moved(IncidentEvent.RUN_STARTED, situation.now)
        situation.put_incident(incident)
        self.started(situation, policy, incident, run)

    def started(self, situation: Situation, policy: Policy, incident: Incident, run: Run) -> None:
        """A rollback begins: everybody hears of it, and in each channel one message counts down to its deadline."""
        incident, cause = self.promise_updates(situation, policy, incident), f"run:{run.id}"
        self.tell(situation, "rollback_started", policy, incident, cause=cause, run=run)
        about = self.about(situation, PROGRESS, policy, incident, cause=cause, run=run)
        situation.tell(self.teller.in_chat(about, refresh_at=situation.now))

    def _ask(self, situation: Situation, policy: Policy, incident: Incident, run: Run, rule: ApprovalRule) -> None:
        approval = approval_for(self._ids, run, expires=rule.expires, then=rule.then, now=situation.now)
        situation.record(approval)
        text = f"{_what(run)} waits for a member of {run.authority} to approve it"
        self.write(situation, incident, "approval", text, run_id=run.id, data={"expires": str(approval.expires_at)})
        situation.record(*plan_levels(self._ids, policy, run, approval.id, situation.now))
        incident = self.promise_updates(situation, policy, incident)
        facts = question_facts(run, approval, policy)
        self.tell(situation, "approval_needed", policy, incident, cause=f"run:{run.id}", run=run, **facts)

    def promise_updates(self, situation: Situation, policy: Policy, incident: Incident) -> Incident:
        """From now on people hear of it at the policy's cadence, whether anybody writes or not."""
        incident = with_updates(policy, incident, situation.now)
        situation.put_incident(incident)
        return incident

    def write(
        self,
        situation: Situation,
        incident: Incident,
        kind: str,
        text: str,
        *,
        actor: str | None = None,
        run_id: str | None = None,
        link: str | None = None,
        data: dict[str, object] | None = None,
    ) -> None:
        """One line on the incident's timeline."""
        made = line(self._ids, incident.id, situation.now, kind, text, actor=actor, run_id=run_id, link=link, data=data)
        situation.record(made)

    def tell(
        self,
        situation: Situation,
        name: str,
        policy: Policy,
        incident: Incident,
        *,
        cause: str,
        run: Run | None = None,
        decision: Decision | None = None,
        audiences: Sequence[str] = (),
        **facts: Any,
    ) -> None:
        """Notices to everybody who hears of this incident, or to these audiences only."""
        if decision is not None:
            facts |= {"reason": decision.reason, "criterion": decision.criterion or "", "alert": decision.alert}
        about = self.about(situation, name, policy, incident, cause=cause, run=run, **facts)
        situation.tell(self.teller.about_incident(about, audiences))

    def about(
        self,
        situation: Situation,
        name: str,
        policy: Policy,
        incident: Incident,
        *,
        cause: str,
        run: Run | None = None,
        **facts: Any,
    ) -> About:
        """What a notice tells, with all that was reported of the incident so far."""
        return About(
            name=name,
            policy=policy,
            incident=incident,
            cause=cause,
            now=situation.now,
            run=run,
            release=situation.releases.get(policy.service),
            report=situation.report(incident.id),
            hearing=hearing_of(situation.tx, incident),
            more=facts,
        )


def _frozen(situation: Situation, incident: Incident) -> Incident:
    """An open incident of a service that is halted is halted too, also one that opens later."""
    if incident.status is IncidentStatus.OPEN and situation.services[incident.service].is_halted:
        return incident.moved(IncidentEvent.HALT, situation.now)
    return incident


def _what(run: Run) -> str:
    return f"{run.playbook.name} for {run.service} in {run.environment}"
