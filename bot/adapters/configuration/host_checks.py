"""Holds every address that a playbook would call against the `allow_hosts` of the targets it may run in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.adapters.configuration.address_checks import Where
from bot.adapters.configuration.files import PlaybookFile, PolicyFile
from bot.adapters.configuration.playbook_checks import Steps, actions
from bot.adapters.configuration.policy_checks import Playbooks, uses
from bot.adapters.configuration.reader import Path_
from bot.adapters.configuration.shapes import marked
from bot.adapters.expressions import references
from bot.domain.errors import Fault, StepFailed
from bot.plugins import UrlField


@dataclass(frozen=True)
class Address:
    """An address in a playbook, as written."""

    step: str
    path: Path_
    text: str


@dataclass(frozen=True)
class _Place:
    """A playbook in one of the environments where a policy lets it run."""

    where: Where
    playbook: PlaybookFile

    def fault(self, address: Address, message: str) -> Fault:
        """At the target where the address comes from there, else at the address."""
        about = f"step {address.step!r} of playbook {self.playbook.playbook.name!r} {message}"
        if references(address.text).targets:
            return self.where.file.document.fault(("targets", self.where.environment, "allow_hosts"), about)
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
                message, is_fault = place.where.judge(address.text)
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
                found[(use.playbook, environment)] = _Place(Where(file, environment), playbooks[use.playbook])
    return list(found.values())
