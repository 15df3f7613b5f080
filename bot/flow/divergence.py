"""What follows when a canary diverged: its figures in the halt report, promotion halted, then what was decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from bot.domain.configuration import Configuration
from bot.domain.decisions import Decision, Verdict
from bot.domain.events import ANDON, Alert, AlertStatus
from bot.domain.incidents import Incident, IncidentEvent
from bot.domain.policies import Policy
from bot.domain.report_facts import Fact, newest
from bot.flow.consequences import Consequences
from bot.flow.gathering import propose
from bot.flow.offers import for_halt
from bot.flow.planning import Cause
from bot.flow.situation import Situation
from bot.ports import Place

SOURCE = "canary"
"""Where the facts come from, as the report says it."""
_COUNTS = frozenset({Verdict.NOTE, Verdict.RUN, Verdict.ASK, Verdict.JOIN, Verdict.HELD, Verdict.OBSERVE})
_HALT_WITHIN = timedelta(minutes=5)


def of_canary(
    consequences: Consequences,
    situation: Situation,
    decision: Decision,
    alert: Alert,
    policy: Policy,
    configuration: Configuration,
) -> Decision:
    """Carry out a decision about a divergence; returned with the incident and the run that it led to.

    Unless the policy only observes, promotion is halted besides, by automation that is off or paused too: a halt
    touches nothing outside, and a candidate that answers differently is not promoted while people are asked.
    """
    if alert.status is not AlertStatus.FIRING or decision.verdict not in _COUNTS:
        return consequences.of_alert(situation, decision, alert, policy, configuration)
    place = (policy.service, decision.environment or "")
    _report(consequences, situation, _opened(consequences, situation, decision, alert, place), alert)
    halts = decision.verdict is not Verdict.OBSERVE
    is_first = halts and not situation.services[policy.service].is_halted
    if halts:
        _halt(consequences, situation, policy, place, _reason(alert))
    decision = consequences.of_alert(situation, decision, alert, policy, configuration)
    if halts:
        _stop_promotions(consequences, situation, policy, place, configuration)
    if is_first and decision.verdict is Verdict.NOTE:
        _tell_halt(consequences, situation, decision, policy, place, _reason(alert), configuration)
    return decision


def _reason(alert: Alert) -> str:
    said = alert.annotations
    words = f"{alert.labels['metric']} is {_short(said.get('now'))}"
    tolerated = f", tolerated is {_short(said['tolerance'])}" if "tolerance" in said else ""
    return f"{words}{tolerated} (phase {alert.labels['phase']}, {said['pairs']} pairs, {said['affected']} affected)"


def _short(figure: str | None) -> str:
    return "not known" if figure is None else f"{float(figure):.4g}"


def _opened(
    consequences: Consequences, situation: Situation, decision: Decision, alert: Alert, place: Place
) -> Incident:
    incident = situation.incidents.get(place)
    if incident is None:
        assert decision.severity is not None
        incident = consequences.open_incident(situation, place, decision.severity, alert.name, decision.event_id)
        situation.put_incident(incident)
    return incident


def _halt(consequences: Consequences, situation: Situation, policy: Policy, place: Place, reason: str) -> None:
    service = situation.services[policy.service]
    if service.is_halted:
        return
    situation.put_service(service.halted(ANDON.name, reason, situation.now))
    release = situation.releases.get(policy.service)
    if release is not None:
        situation.put_release(release.with_halt(halted=True))
    incident = situation.incidents[place].moved(IncidentEvent.HALT, situation.now)
    situation.put_incident(incident)
    consequences.write(situation, incident, "halt", f"Promotion is halted: {reason}")


def _stop_promotions(
    consequences: Consequences, situation: Situation, policy: Policy, place: Place, configuration: Configuration
) -> None:
    stopped = []
    for run in [run for (name, _), run in situation.runs.items() if name == policy.service]:
        halted = run.halted(situation.now)
        if halted is not run:
            stopped.append(situation.move_run(halted))
            text = f"Promotion {run.id} was stopped by the halt"
            consequences.write(situation, situation.incidents[place], "run", text, run_id=run.id)
    for run in stopped:
        consequences.after_run(situation, run, configuration)


def _tell_halt(
    consequences: Consequences,
    situation: Situation,
    decision: Decision,
    policy: Policy,
    place: Place,
    reason: str,
    configuration: Configuration,
) -> None:
    """Nothing is rolled back by it, so people hear of the halt itself, and the halt's own playbook runs."""
    incident, cause = situation.incidents[place], f"event:{decision.event_id}"
    said: dict[str, Any] = {"reason": reason, "by": ANDON.name, "buttons": for_halt(incident)}
    consequences.tell(situation, "halted", policy, incident, cause=cause, **said)
    propose(consequences, situation, policy, incident, by=ANDON.name, cause=cause)
    if policy.halt is None or place in situation.runs or place[1] not in policy.targets:
        return
    why = Cause(event_id=decision.event_id, within=_HALT_WITHIN, reason=reason, alert=decision.alert)
    consequences.start(situation, policy, configuration, incident, policy.halt.playbook, why)


def _report(consequences: Consequences, situation: Situation, incident: Incident, alert: Alert) -> None:
    """The measured figures as facts of the halt report; only those that say something new."""
    current = newest(list(situation.report(incident.id)))
    fresh = {
        name: value for name, value in _figures(alert, incident) if name not in current or current[name].value != value
    }
    if not fresh:
        return
    incident = incident.with_fact()
    situation.put_incident(incident)
    for name, value in fresh.items():
        fact = Fact(
            id=situation.ids.new("fct"),
            incident_id=incident.id,
            field=name,
            value=value,
            source=SOURCE,
            at=situation.now,
            by=ANDON.name,
            revision=incident.revision,
        )
        situation.say(fact)
    text = f"Measured: {_reason(alert)}"
    consequences.write(situation, incident, "report", text, data={"figures": dict(alert.annotations)})


def _figures(alert: Alert, incident: Incident) -> Iterator[tuple[str, Any]]:
    said = alert.annotations
    pairs, affected = int(said["pairs"]), int(said["affected"])
    yield "broken", f"{alert.title}: {affected:,} of {pairs:,} compared predictions are affected"
    seen = {"environment": incident.environment, "data_slice": said.get("slice")}
    yield "seen", {name: value for name, value in seen.items() if value}
    yield "metric", _metric(alert.labels["metric"], said)
    if "low" in said and "high" in said:
        interval = {"low": float(said["low"]), "high": float(said["high"]), "level": 1 - float(said["alpha"])}
        threshold = {"threshold": float(said["tolerance"])} if "tolerance" in said else {}
        yield "confidence_interval", {**interval, **threshold}
    if affected <= pairs and pairs:
        yield "reproduced", {"times": affected, "of": pairs}
    alpha = float(said["alpha"])
    yield "confidence", f"a test that may be looked at all the time; it is wrong in {alpha:.0%} of releases at most"


def _metric(name: str, said: Mapping[str, str]) -> dict[str, Any]:
    before, now = (float(said[one]) if one in said else None for one in ("before", "now"))
    change = round((now - before) / abs(before) * 100, 1) if before and now is not None else None
    found = {"name": name, "before": before, "now": now, "change_percent": change, "unit": said.get("unit")}
    return {key: value for key, value in found.items() if value is not None}
