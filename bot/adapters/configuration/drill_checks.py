"""Holds the drills of a policy against production: what a drill could reach there is refused before it is planned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from bot.adapters.configuration.address_checks import Where
from bot.adapters.configuration.files import PolicyFile
from bot.adapters.configuration.playbook_checks import Steps, actions
from bot.adapters.configuration.policy_checks import Playbooks
from bot.adapters.configuration.reader import Path_
from bot.adapters.configuration.shapes import marked
from bot.adapters.places import shared_hosts
from bot.domain.conditions import Truth
from bot.domain.drill_rules import PROOFS, is_production, production_hosts
from bot.domain.errors import Fault, StepFailed
from bot.domain.inner_alerts import drill_alert
from bot.domain.judging import Known, decide
from bot.domain.playbooks import ActionSpec, Playbook
from bot.domain.policies import DrillRule, Policy
from bot.domain.releases import Release, Service
from bot.plugins import UrlField

_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def check_drills(file: PolicyFile, steps: Steps) -> Iterator[Fault]:
    """A drill in production, one whose environment shares a host with production, and one that would call a host that
    its environment does not allow."""
    policy, barred = file.policy, production_hosts([file.policy])
    for index, rule in enumerate(policy.drills):
        path = ("drills", index)
        if is_production(policy, rule.environment):
            message = f"a drill never touches production, and {rule.environment!r} is production"
            yield file.document.fault((*path, "environment"), message)
        elif rule.environment in policy.targets:
            hosts = policy.targets[rule.environment].allow_hosts
            for host in shared_hosts(hosts, barred):
                message = f"{host} is a host of production too, so nothing can be rehearsed in {rule.environment!r}"
                yield file.document.fault(("targets", rule.environment, "allow_hosts"), message)
            yield from _addresses(file, path, rule, steps)


def drill_warnings(
    file: PolicyFile, playbooks: Playbooks, policies: Mapping[str, PolicyFile], steps: Steps
) -> Iterator[Fault]:
    """What is valid, but cannot pass or leaves something behind."""
    policy = file.policy
    for index, rule in enumerate(policy.drills):
        path, found = ("drills", index), playbooks.get(rule.playbook)
        yield from _others_hosts(file, rule, policies)
        for at, spec in enumerate(rule.inject):
            if spec.undo is None and _acts(spec, steps):
                why = f"step {spec.id!r} acts and declares no 'undo:', so the drill leaves behind what it does"
                yield file.document.fault((*path, "inject", at), why)
        if found is not None and not _proves(found.playbook, policy, steps):
            why = f"nothing in {rule.playbook!r} verifies what it restores, and 'stable:' names no metrics"
            yield file.document.fault((*path, "playbook"), f"{why}: this drill cannot pass")
        if rule.alert and (why := _unmet(policy, rule)):
            yield file.document.fault((*path, "alert"), f"{why}: this drill cannot pass")


def _addresses(file: PolicyFile, path: Path_, rule: DrillRule, steps: Steps) -> Iterator[Fault]:
    for spec, at, action, _ in actions(rule.inject, (*path, "inject")):
        step = steps.get(action.use)
        for marker, inner, url in marked(step.Params, action.with_) if step else ():
            if not isinstance(marker, UrlField) or not isinstance(url, str):
                continue
            try:
                message, is_fault = Where(file, rule.environment).judge(url)
            except (ValueError, StepFailed):
                continue  # reported with the templates already
            if message and is_fault:
                yield file.document.fault((*at, "with", *inner), f"step {spec.id!r} {message}")


def _others_hosts(file: PolicyFile, rule: DrillRule, policies: Mapping[str, PolicyFile]) -> Iterator[Fault]:
    target = file.policy.targets.get(rule.environment)
    for name, other in policies.items():
        if target is None or other is file or is_production(file.policy, rule.environment):
            continue
        for host in shared_hosts(target.allow_hosts, production_hosts([other.policy])):
            why = f"{host} is a host of production for {name!r}, so a drill never calls it"
            yield file.document.fault(("targets", rule.environment, "allow_hosts"), why)


def _proves(playbook: Playbook, policy: Policy, steps: Steps) -> bool:
    acting = [at for at, spec in enumerate(playbook.steps) if _acts(spec, steps)]
    after = playbook.steps[acting[-1] + 1 :] if acting else ()
    watched = policy.stable is not None and bool(policy.stable.metrics)
    # Whether the step of another package verifies something only a run can tell.
    return watched or any(spec.use in PROOFS or spec.use not in _KNOWN for spec in after)


_KNOWN = PROOFS | {
    "ask_approval",
    "check_incumbent",
    "freeze_release",
    "http_request",
    "pause",
    "post_notice",
    "run_script",
}
"""Steps of which it is known whether they verify anything."""


def _acts(action: ActionSpec, steps: Steps) -> bool:
    step = steps.get(action.use)
    return step is None or step.acts(dict(action.with_))


def _unmet(policy: Policy, rule: DrillRule) -> str:
    """Why such an alert leads elsewhere, as far as the policy alone tells."""
    place, objective = (policy.service, rule.environment), rule.objective.total_seconds()
    alert = drill_alert("drl-0", place, rule.alert, rule.playbook, objective, _ANY_TIME)
    named = policy.release
    release = Release("none", policy.service, named.incumbent, named.candidate, _ANY_TIME) if named else None
    decision = decide(alert, policy, Known(_ANY_TIME, Service(policy.service), release=release))
    if not policy.matches({"alert": decision.alert}):
        return "the policy's 'match:' does not take such an alert"
    if decision.criterion is None:
        is_told = all(one.truth == Truth.NO for one in decision.trace)
        return "no rollback criterion holds for such an alert" if is_told else ""
    chosen = f"criterion {decision.criterion!r} chooses {decision.playbook!r}"
    return "" if decision.playbook == rule.playbook else chosen
