"""Holds every address that a playbook would call against the `allow_hosts` of the targets it may run in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.adapters.addresses import is_allowed, parse_address
from bot.adapters.configuration.files import PlaybookFile, PolicyFile
from bot.adapters.configuration.playbook_checks import Steps, actions, is_placeholder
from bot.adapters.configuration.policy_checks import Playbooks, uses
from bot.adapters.configuration.reader import Path_
from bot.adapters.configuration.shapes import marked
from bot.adapters.expressions import SandboxedExpressions, references
from bot.domain.errors import Fault, Refused, StepFailed
from bot.domain.policies import Target
from bot.plugins import UrlField


class _NoSecrets:
    """Checks read no secrets."""

    def get(self, name: str) -> str:
        raise StepFailed(f"{name} is not read here")

    def redact(self, text: str) -> str:
        return text


@dataclass(frozen=True)
class Address:
    """An address in a playbook, as written."""

    step: str
    path: Path_
    text: str


@dataclass(frozen=True)
class _Place:
    """A playbook in one of the environments where a policy lets it run."""

    file: PolicyFile
    playbook: PlaybookFile
    environment: str

    @property
    def target(self) -> Target:
        return self.file.policy.targets[self.environment]

    def facts(self) -> dict[str, Any]:
        """What is known before there is a run."""
        policy = self.file.policy
        known: dict[str, Any] = {
            "service": policy.service,
            "environment": self.environment,
            "target": self.target.facts(),
        }
        if policy.release is not None:
            known["release"] = {"incumbent": policy.release.incumbent, "candidate": policy.release.candidate}
        return known

    def fault(self, address: Address, message: str) -> Fault:
        """At the target where the address comes from there, else at the address."""
        about = f"step {address.step!r} of playbook {self.playbook.playbook.name!r} {message}"
        if references(address.text).targets:
            return self.file.document.fault(("targets", self.environment, "allow_hosts"), about)
        return self.playbook.document.fault(address.path, about)


def check_hosts(file: PolicyFile, playbooks: Playbooks, steps: Steps) -> tuple[list[Fault], list[Fault]]:
    """Faults and warnings for the addresses in the playbooks that this policy uses, in each target they may run in.

    An address that depends on what only a run knows is judged by its beginning where that names the host, and else
    left to the run, where the same rule holds for every call.
    """
    faults: dict[Fault, None] = {}
    warnings: dict[Fault, None] = {}
    for place in _places(file, playbooks):
        for address in addresses(place.playbook, steps):
            try:
                message, is_fault = _judge(place, address)
            except (ValueError, StepFailed):
                continue  # reported with the playbook already
            if message:
                (faults if is_fault else warnings)[place.fault(address, message)] = None
    return list(faults), list(warnings)


def addresses(file: PlaybookFile, steps: Steps) -> Iterator[Address]:
    """Every address in a playbook."""
    for spec, path, action, _ in actions(file.playbook.steps, ("steps",)):
        step = steps.get(action.use)
        for marker, inner, url in marked(step.Params, action.with_) if step else ():
            if isinstance(marker, UrlField) and isinstance(url, str):
                yield Address(spec.id, (*path, "with", *inner), url)


def _places(file: PolicyFile, playbooks: Playbooks) -> list[_Place]:
    found: dict[tuple[str, str], _Place] = {}
    for use in uses(file.policy):
        for environment in use.environments:
            if use.playbook in playbooks and environment in file.policy.targets:
                found[(use.playbook, environment)] = _Place(file, playbooks[use.playbook], environment)
    return list(found.values())


def _judge(place: _Place, address: Address) -> tuple[str, bool]:
    """What is wrong, empty where nothing is or only a run can tell, and whether that is a fault or a warning."""
    facts = place.facts()
    missing = sorted(references(address.text).targets - set(facts["target"]))
    if missing:
        return f"reads {missing[0]!r}, which the target {place.environment!r} does not have", False
    known, is_whole = SandboxedExpressions(_NoSecrets()).beginning(address.text, facts)
    if not is_whole and not _names_host(known):
        return "", False
    if is_placeholder(known):
        return "has an address that is not written out yet: every call will be refused", False
    return _against(known, place), True


def _against(url: str, place: _Place) -> str:
    allow_hosts = place.target.allow_hosts
    try:
        address = parse_address(url)
    except Refused as error:
        return f"has an address that cannot be used: {error}"
    if is_allowed(address, allow_hosts):
        return ""
    allowed = f"allowed there: {', '.join(allow_hosts)}" if allow_hosts else "it has no allow_hosts"
    target = f"the target {place.environment!r} of {place.file.policy.service!r}"
    return f"calls {address}, which {target} does not allow; {allowed}"


def _names_host(beginning: str) -> bool:
    """Whether the beginning of an address holds all of its host: something follows it."""
    _, slashes, rest = beginning.partition("://")
    return bool(slashes) and any(mark in rest for mark in "/?#")
