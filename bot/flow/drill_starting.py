"""Whether a drill may start now: everything that stands in its way, in words."""

from __future__ import annotations

from bot.domain.configuration import Configuration
from bot.domain.drill_rules import is_production, rule_for
from bot.domain.drills import Drill
from bot.domain.playbooks import PlaybookKind
from bot.domain.policies import DrillRule, Mode, Policy
from bot.domain.times import format_duration
from bot.flow.situation import Situation


def check_start(policy: Policy | None, drill: Drill) -> DrillRule | None:
    """The entry that it carries out, where there is one."""
    return rule_for(policy, drill) if policy is not None else None


def why_not(
    situation: Situation, configuration: Configuration, policy: Policy | None, drill: Drill, rule: DrillRule | None
) -> str:
    """Why it cannot start now; empty where it can."""
    if policy is None:
        return f"{drill.service} has no policy any more"
    if rule is None:
        return "the policy has it no more"
    return (
        _wrong_place(policy, drill, rule)
        or _wrong_playbook(configuration, drill)
        or _switched_off(situation, policy, drill)
        or _taken(situation, drill)
        or _too_late(situation, drill, rule)
    )


def _wrong_place(policy: Policy, drill: Drill, rule: DrillRule) -> str:
    if (rule.playbook, rule.environment) != (drill.playbook, drill.environment):
        return "its entry in the policy says something else now"
    if is_production(policy, drill.environment):
        return f"{drill.environment} is production, and a drill never touches it"
    if drill.environment not in policy.targets:
        return f"{drill.environment} is none of the targets of {policy.service}"
    return ""


def _wrong_playbook(configuration: Configuration, drill: Drill) -> str:
    playbook = configuration.playbooks.get(drill.playbook)
    if playbook is None:
        return f"there is no playbook {drill.playbook!r}"
    if playbook.kind is PlaybookKind.PROMOTE or drill.playbook in configuration.of_stages():
        return f"{drill.playbook} promotes, so it is no way back"
    return ""


def _switched_off(situation: Situation, policy: Policy, drill: Drill) -> str:
    service = situation.services[drill.service]
    if policy.mode is not Mode.ACT:
        return "the policy only observes"
    if not situation.automation.on:
        return f"automation is off everywhere ({situation.automation.reason or 'no reason given'})"
    if service.is_hands_off(situation.now):
        return f"automation is paused for this service ({service.hands_off_reason or 'no reason given'})"
    return ""


def _taken(situation: Situation, drill: Drill) -> str:
    place = (drill.service, drill.environment)
    run, incident, other = situation.runs.get(place), situation.incidents.get(place), situation.drill_at(place)
    if other is not None:
        return f"drill {other.id} goes on there"
    if run is not None:
        return f"run {run.id} ({run.playbook.name}) is at work there"
    if incident is not None:
        return f"incident {incident.id} is open there"
    return ""


def _too_late(situation: Situation, drill: Drill, rule: DrillRule) -> str:
    late = situation.now - drill.due_at
    return f"nothing started it within {format_duration(rule.grace)}" if late > rule.grace else ""
