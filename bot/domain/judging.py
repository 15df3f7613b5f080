"""The rule that answers every alert: pure, quick, and the same in `andon decide` as at the front door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.canaries import CANARY_SOURCE
from bot.domain.canary_rules import CANARY_DIVERGENCE
from bot.domain.conditions import Finding, Truth
from bot.domain.decisions import Decision, Trace, Verdict, alert_facts
from bot.domain.drill_rules import is_production
from bot.domain.drills import DRILL_SOURCE
from bot.domain.events import Alert, AlertState, AlertStatus, EventKind
from bot.domain.incidents import Incident, Severity
from bot.domain.inner_alerts import SEVERITY, drilled_playbook, environment_named, is_inner, may_decide
from bot.domain.playbooks import PlaybookKind
from bot.domain.policies import AUTOMATIC, ROLLBACK_AUTHORITY, Criterion, Mode, Policy
from bot.domain.releases import AUTOMATION_ON, Automation, Release, Service
from bot.domain.runs import Run
from bot.domain.times import format_duration


@dataclass(frozen=True)
class _Established:
    """The condition of a criterion that holds already when its event comes: the comparison has its verdict."""

    text: str = "the canary diverged"

    def judge(self, facts: Mapping[str, Any]) -> Finding:  # noqa: ARG002
        return Finding(Truth.YES)

    def value(self, facts: Mapping[str, Any]) -> bool:  # noqa: ARG002
        return True


def criteria_of(policy: Policy, facts: Mapping[str, Any]) -> Sequence[Criterion]:
    """What may decide about an alert: the criteria as written, then, of the canary, its own; a drill that names no
    alert selects its playbook itself. `facts` are those of the alert."""
    if selected := drilled_playbook(facts):
        name, objective = selected
        within = timedelta(seconds=objective)
        return (_holding(DRILL_SOURCE, name, AUTOMATIC, within, _Established("a drill selects its playbook")),)
    rule = policy.canary.on_divergence if policy.canary and facts.get("source") == CANARY_SOURCE else None
    if rule is None:
        return policy.rollback
    return (
        *policy.rollback,
        _holding(CANARY_DIVERGENCE, rule.playbook, rule.authority, rule.within, _Established()),
    )


def _holding(name: str, playbook: str, authority: str, within: timedelta, when: _Established) -> Criterion:
    return Criterion.model_construct(name=name, when=when, playbook=playbook, authority=authority, within=within)


@dataclass(frozen=True)
class Known:
    """What is known of a service and environment at the moment of a decision."""

    now: datetime
    service: Service
    automation: Automation = AUTOMATION_ON
    incident: Incident | None = None
    run: Run | None = None
    """The run that is not ended, if there is one."""
    release: Release | None = None
    last_action_at: datetime | None = None
    """First action of the newest automatic rollback."""


def release_facts(release: Release | None) -> dict[str, Any]:
    """What `release` reads in conditions and playbooks; empty where none is known."""
    if release is None:
        return {}
    return {
        "id": release.id,
        "incumbent": release.incumbent,
        "candidate": release.candidate,
        "status": str(release.status),
    }


def repeats(alert: Alert, seen: AlertState | None) -> Decision | None:
    """A duplicate or a stale alert, told from what was seen of its identity; None where it is news.

    A resolved alert without its firing one is news (a tombstone); a firing one that began no later than the
    last resolved one is stale, because replicas of one sender repeat each other late. So is a resolved one that
    began before the newest one seen: it ends nothing that began after it.
    """
    if seen is None or alert.kind is not EventKind.ALERT:
        return None
    began = alert.starts_at
    if alert.status is AlertStatus.FIRING and began and seen.resolved_starts_at and began <= seen.resolved_starts_at:
        return _draft(alert, seen.seen_at, Verdict.STALE, "it began no later than one that was resolved already")
    if alert.status is AlertStatus.RESOLVED and began and seen.starts_at and began < seen.starts_at:
        return _draft(alert, seen.seen_at, Verdict.STALE, "it is the end of one that began before the newest one seen")
    if alert.status is seen.status and began == seen.starts_at:
        return _draft(
            alert, seen.seen_at, Verdict.DUPLICATE, f"the same alert was accepted before ({seen.count} times)"
        )
    return None


def ignored(alert: Alert, now: datetime, reason: str) -> Decision:
    """The decision about an alert that no policy is about."""
    return _draft(alert, now, Verdict.IGNORE, reason)


def place_of(alert: Alert, policy: Policy) -> tuple[str, str]:
    """The service and environment that an alert is about, by this policy."""
    reads = policy.environment is not None and not is_inner(alert)
    return policy.service, _environment(alert, policy, {"alert": alert_facts(alert)} if reads else {})


def decide(alert: Alert, policy: Policy, known: Known, environment: str | None = None) -> Decision:
    """One answer to one alert of one service. Ids and links are filled in by the caller, who may also know already
    which environment `place_of` names."""
    draft = _draft(alert, known.now, Verdict.NOTE, "")
    facts: dict[str, Any] = {"alert": draft.alert}
    if environment is None:
        environment = _environment(alert, policy, facts)
    severity = _severity(alert, policy, facts)
    draft = replace(
        draft, service=policy.service, environment=environment, severity=severity, policy_digest=policy.digest
    )
    quiet = _nothing_to_do(alert, policy, environment)
    if quiet:
        return replace(draft, reason=quiet)
    if past := _of_another_release(alert, known):
        return replace(draft, verdict=Verdict.STALE, reason=past)
    facts |= {
        "severity": str(severity),
        "environment": environment,
        "service": policy.service,
        "release": release_facts(known.release),
    }
    criterion, trace = _first_that_holds(criteria_of(policy, facts["alert"]), facts, alert)
    draft = replace(draft, trace=trace)
    if criterion is None:
        unknown = [one.criterion for one in trace if one.truth == Truth.UNKNOWN]
        why = f"; {', '.join(unknown)} could not be evaluated" if unknown else ""
        return replace(draft, reason=f"no rollback criterion holds{why}")
    draft = replace(draft, criterion=criterion.name, playbook=criterion.playbook, authority=criterion.authority)
    return _act(draft, criterion, policy, known)


def _nothing_to_do(alert: Alert, policy: Policy, environment: str) -> str:
    if alert.kind is not EventKind.ALERT:
        return f"a {alert.kind} event decides nothing by itself"
    if alert.status is AlertStatus.RESOLVED:
        return "resolved at its source; that is no proof of health, so nothing ends by it"
    if alert.status is not AlertStatus.FIRING:
        return f"the alert says {alert.status or 'nothing'}: no data is neither health nor its absence"
    if alert.source == DRILL_SOURCE and is_production(policy, environment):
        return f"a drill never touches {environment}"
    if environment not in policy.targets:
        return f"environment {environment!r} is not one of the targets of {policy.service}: nothing may be run there"
    return ""


def _environment(alert: Alert, policy: Policy, facts: Mapping[str, Any]) -> str:
    return environment_named(alert) if is_inner(alert) else policy.environment_of(facts)


def _severity(alert: Alert, policy: Policy, facts: Mapping[str, Any]) -> Severity:
    """As the policy says. Of what Andon found itself, SEV-2 where it says nothing; wrong predictions in production are
    never less than that."""
    if alert.source == CANARY_SOURCE:
        return min(policy.severity_of(facts), SEVERITY, key=lambda one: one.rank)
    if not is_inner(alert) or alert.source == DRILL_SOURCE:
        return policy.severity_of(facts)
    return next((one for one, condition in policy.severity.items() if condition.judge(facts)), SEVERITY)


def _of_another_release(alert: Alert, known: Known) -> str:
    """Why a verdict about a release decides nothing: another one is on its way, or none."""
    if alert.source != CANARY_SOURCE:
        return ""
    release, about = known.release, alert.labels.get("release", "")
    if release is None or release.id != about:
        return f"it is about release {about}, which is not the newest one any more"
    return "" if release.is_in_flight else f"release {about} is {str(release.status).replace('_', ' ')} already"


def _first_that_holds(
    criteria: Sequence[Criterion], facts: Mapping[str, Any], alert: Alert
) -> tuple[Criterion | None, tuple[Trace, ...]]:
    trace: list[Trace] = []
    for criterion in criteria:
        if not may_decide(criterion, alert):
            trace.append(Trace(criterion.name, str(Truth.NO), f"it does not name {alert.labels.get('alertname')}"))
            continue
        finding = criterion.when.judge(facts)
        trace.append(Trace(criterion.name, str(finding.truth), finding.why))
        if finding:
            return criterion, tuple(trace)
    return None, tuple(trace)


def _act(draft: Decision, criterion: Criterion, policy: Policy, known: Known) -> Decision:
    name = f"criterion {criterion.name!r} holds"
    if policy.mode is Mode.OBSERVE:
        return replace(draft, verdict=Verdict.OBSERVE, reason=f"{name}; the policy only observes")
    held = _held(known) if criterion.is_automatic else ""
    if held:
        return replace(draft, verdict=Verdict.HELD, reason=f"{name}, but {held}")
    # A rehearsal is no second rollback: neither the cooldown nor what became of the release is about it.
    asks = "" if draft.alert["source"] == DRILL_SOURCE else _asks_instead(criterion, policy, known)
    promotes = known.run is not None and known.run.kind is PlaybookKind.PROMOTE
    yields = promotes or (known.run is not None and known.run.yields and criterion.is_automatic and not asks)
    if known.run is not None and not yields:
        return replace(
            draft, verdict=Verdict.JOIN, run_id=known.run.id, reason=f"{name}; run {known.run.id} is at it already"
        )
    if asks:
        return replace(
            draft, verdict=Verdict.ASK, authority=ROLLBACK_AUTHORITY, reason=f"{name}, but {asks}, so a person decides"
        )
    if criterion.is_automatic:
        instead = f"; it supersedes {known.run.id}, which makes way for it" if known.run else ""
        return replace(draft, verdict=Verdict.RUN, reason=f"{name}; its authority is automatic{instead}")
    return replace(draft, verdict=Verdict.ASK, reason=f"{name}; a member of {criterion.authority} decides")


def _held(known: Known) -> str:
    if not known.automation.on:
        return f"automation is off everywhere ({known.automation.reason or 'no reason given'})"
    if known.service.is_hands_off(known.now):
        return f"automation is paused for this service ({known.service.hands_off_reason or 'no reason given'})"
    return ""


def _asks_instead(criterion: Criterion, policy: Policy, known: Known) -> str:
    """Why an automatic criterion must ask now: a flapping alert never rolls back a second time by itself."""
    if not criterion.is_automatic:
        return ""
    if known.last_action_at is not None and known.now < known.last_action_at + policy.cooldown:
        return f"the last automatic rollback began less than {format_duration(policy.cooldown)} ago"
    if known.release is not None and not known.release.is_in_flight:
        return f"release {known.release.candidate} was rolled back already"
    return ""


def _draft(alert: Alert, now: datetime, verdict: Verdict, reason: str) -> Decision:
    return Decision(id="", event_id="", at=now, verdict=verdict, reason=reason, alert=alert_facts(alert))
