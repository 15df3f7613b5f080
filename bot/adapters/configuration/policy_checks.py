"""Holds a policy against the playbooks there are: names of playbooks and roles, targets, and what may run where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.adapters.configuration.files import PlaybookFile, PolicyFile
from bot.adapters.configuration.names import listed, unknown
from bot.adapters.configuration.playbook_checks import Steps, actions, check_action
from bot.adapters.configuration.reader import Path_
from bot.adapters.configuration.schedule_checks import check_schedules, schedule_warnings
from bot.adapters.configuration.shapes import marked
from bot.adapters.expressions import is_template
from bot.domain.errors import Fault
from bot.domain.pages import PAGERS
from bot.domain.playbooks import PlaybookKind
from bot.domain.policies import AUTOMATIC, PRODUCTION, ROLLBACK_AUTHORITY, Policy
from bot.domain.stages import CANARY
from bot.plugins import RoleField

Playbooks = Mapping[str, PlaybookFile]

_SLACK_ID = re.compile(r"[UWS][A-Z0-9]{4,}")
_KINDS_OF_STAGE = (PlaybookKind.PROMOTE, PlaybookKind.OTHER)
_KINDS_OF_HALT = (PlaybookKind.HALT, PlaybookKind.OTHER)
_NEVER_PROMOTE = tuple(kind for kind in PlaybookKind if kind is not PlaybookKind.PROMOTE)


@dataclass(frozen=True)
class Use:
    """A place where a policy names a playbook; `environments` are those it may run in there."""

    playbook: str
    path: Path_
    environments: tuple[str, ...]
    kinds: tuple[PlaybookKind, ...] = tuple(PlaybookKind)


def uses(policy: Policy) -> Iterator[Use]:
    """Every place where the policy names a playbook."""
    everywhere = tuple(policy.targets)
    for index, criterion in enumerate(policy.rollback):
        yield Use(criterion.playbook, ("rollback", index, "playbook"), everywhere, _NEVER_PROMOTE)
    if policy.halt is not None:
        yield Use(policy.halt.playbook, ("halt", "playbook"), everywhere, _KINDS_OF_HALT)
    for index, name in enumerate(policy.fallbacks):
        yield Use(name, ("fallbacks", index), everywhere, _NEVER_PROMOTE)
    if policy.canary is not None and policy.canary.on_divergence is not None:
        path = ("canary", "on_divergence", "playbook")
        yield Use(policy.canary.on_divergence.playbook, path, everywhere, (PlaybookKind.ROLLBACK,))
    for index, stage in enumerate(policy.stages):
        if stage.do is not None:
            yield Use(stage.do, ("stages", index, "do"), (stage.place,), _KINDS_OF_STAGE)
    if policy.emergency is not None and policy.emergency.do is not None:
        places = tuple(stage.place for stage in policy.emergency.stages())
        yield Use(policy.emergency.do, ("emergency", "do"), places, _KINDS_OF_STAGE)
    for index, drill in enumerate(policy.drills):
        yield Use(drill.playbook, ("drills", index, "playbook"), (drill.environment,), _NEVER_PROMOTE)


def check_policy(file: PolicyFile, playbooks: Playbooks, broken: frozenset[str], steps: Steps) -> list[Fault]:
    """What is wrong with the names in a policy. `broken` are playbooks whose own faults are reported already."""
    faults = [*_check_playbooks(file, playbooks, broken), *_check_roles(file), *_check_targets(file)]
    faults += check_schedules(file)
    for index, drill in enumerate(file.policy.drills):
        for _, path, action, earlier in actions(drill.inject, ("drills", index, "inject")):
            faults += check_action(file.document, path, action, steps, earlier)
    return [*faults, *_check_asked_roles(file, playbooks, steps)]


def policy_warnings(file: PolicyFile) -> list[Fault]:
    """What is valid but looks wrong."""
    policy, found = file.policy, []
    automatic = [criterion for criterion in policy.rollback if criterion.is_automatic]
    if automatic and policy.cooldown and not policy.members(ROLLBACK_AUTHORITY):
        why = f"inside the cooldown automatic criteria ask the role {ROLLBACK_AUTHORITY}, which has no members"
        found.append(file.document.fault(("rollback",), why))
    for role, members in policy.roles.items():
        if not members:
            found.append(file.document.fault(("roles", role), f"the role {role!r} has no members"))
    for index, criterion in enumerate(policy.rollback):
        if criterion.approval.then == "escalate" and not policy.escalation:
            why = "nobody is called when it expires, because the policy has no 'escalation:'"
            found.append(file.document.fault(("rollback", index, "approval", "then"), why))
    if policy.canary is None:
        for index, stage in enumerate(policy.stages):
            if any(gate.use == CANARY for gate in stage.gates):
                why = "its gate canary can never pass, because the policy has no 'canary:'"
                found.append(file.document.fault(("stages", index), why))
    if policy.rollback and policy.environment is None and PRODUCTION not in policy.targets:
        why = f"alerts are about {PRODUCTION} where no 'environment:' says otherwise, but no target has that name"
        found.append(file.document.fault(("targets",), why))
    return [*found, *schedule_warnings(file)]


def _check_playbooks(file: PolicyFile, playbooks: Playbooks, broken: frozenset[str]) -> Iterator[Fault]:
    for use in uses(file.policy):
        found = playbooks.get(use.playbook)
        if found is None:
            if use.playbook not in broken:
                yield file.document.fault(use.path, unknown("playbook", use.playbook, playbooks))
        elif found.playbook.kind not in use.kinds:
            kinds = ", ".join(use.kinds)
            message = f"the playbook {use.playbook!r} is of kind {found.playbook.kind}; here it must be one of {kinds}"
            yield file.document.fault(use.path, message)


def _check_roles(file: PolicyFile) -> Iterator[Fault]:
    policy = file.policy
    for path, role in _named_roles(policy):
        if role not in policy.roles:
            more = {"authority": [AUTOMATIC], "notify": PAGERS}.get(str(path[-1]), ())
            known = [*policy.roles, *more]
            yield file.document.fault(path, unknown("role", role, known))
    for path, name in _named_people(policy):
        if not _is_person(policy, name):
            message = (
                f"{unknown('role', name, policy.roles)}; or an address, a Slack id, a person or a member of a role"
            )
            yield file.document.fault(path, message)


def _named_roles(policy: Policy) -> Iterator[tuple[Path_, str]]:
    for index, criterion in enumerate(policy.rollback):
        if criterion.authority != AUTOMATIC:
            yield ("rollback", index, "authority"), criterion.authority
    if policy.stable is not None and policy.stable.endorse is not None:
        yield ("stable", "endorse"), policy.stable.endorse
    for index, step in enumerate(policy.escalation):
        if step.notify not in PAGERS:
            yield ("escalation", index, "notify"), step.notify
    divergence = policy.canary.on_divergence if policy.canary else None
    if divergence is not None and divergence.authority != AUTOMATIC:
        yield ("canary", "on_divergence", "authority"), divergence.authority
    if policy.emergency is not None:
        yield ("emergency", "role"), policy.emergency.role
    if "sign_off" in policy.postmortem.model_fields_set:
        for role in policy.postmortem.sign_off:
            yield ("postmortem", "sign_off"), role


def _named_people(policy: Policy) -> Iterator[tuple[Path_, str]]:
    for index, name in enumerate(policy.meeting.invite if policy.meeting else ()):
        yield ("meeting", "invite", index), name
    for index, stage in enumerate(policy.stages):
        if stage.owner is not None:
            yield ("stages", index, "owner"), stage.owner
    for index, criterion in enumerate(policy.rollback):
        if criterion.owner is not None:
            yield ("rollback", index, "owner"), criterion.owner
    divergence = policy.canary.on_divergence if policy.canary else None
    if divergence is not None and divergence.owner is not None:
        yield ("canary", "on_divergence", "owner"), divergence.owner


def _is_person(policy: Policy, name: str) -> bool:
    members = {member for ids in (*policy.roles.values(), *policy.persons.values()) for member in ids}
    return (
        name in policy.roles
        or name in policy.persons
        or name in members
        or "@" in name
        or _SLACK_ID.fullmatch(name) is not None
    )


def _check_targets(file: PolicyFile) -> Iterator[Fault]:
    policy = file.policy
    if policy.rollback and not policy.targets:
        yield file.document.fault(("rollback",), "rollback criteria need 'targets:', which say where a playbook acts")
    for index, drill in enumerate(policy.drills):
        if drill.environment not in policy.targets:
            path = ("drills", index, "environment")
            yield file.document.fault(path, unknown("target", drill.environment, policy.targets))
    for index, stage in enumerate(policy.stages):
        if stage.place not in policy.targets and (stage.environment is not None or stage.do is not None):
            yield file.document.fault(("stages", index), unknown("target", stage.place, policy.targets))
    if policy.emergency is not None and policy.emergency.do is not None and PRODUCTION not in policy.targets:
        yield file.document.fault(("emergency",), unknown("target", PRODUCTION, policy.targets))
    if policy.service in policy.depends_on:
        at = policy.depends_on.index(policy.service)
        yield file.document.fault(("depends_on", at), f"{policy.service!r} cannot depend on itself")


def _check_asked_roles(file: PolicyFile, playbooks: Playbooks, steps: Steps) -> Iterator[Fault]:
    """Roles that the steps of a playbook ask must be roles of every policy that uses it."""
    policy, seen = file.policy, set()
    for use in uses(policy):
        found = playbooks.get(use.playbook)
        for step, role in asked_roles(found, steps) if found else ():
            if role not in policy.roles and (use.playbook, role) not in seen:
                seen.add((use.playbook, role))
                message = f"the playbook {use.playbook!r} asks the role {role!r} in its step {step!r}"
                yield file.document.fault(
                    use.path, f"{message}, which this policy does not have; {listed(policy.roles)}"
                )


def asked_roles(file: PlaybookFile, steps: Steps) -> Iterator[tuple[str, str]]:
    """Step ids with the roles that they ask."""
    for spec, _, action, _ in actions(file.playbook.steps, ("steps",)):
        step = steps.get(action.use)
        for marker, _, role in marked(step.Params, action.with_) if step else ():
            if isinstance(marker, RoleField) and isinstance(role, str) and not is_template(role):
                yield spec.id, role
