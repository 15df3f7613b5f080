"""Holds one address, as a file writes it, against the `allow_hosts` of the target where it would be called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.adapters.addresses import is_allowed, parse_address
from bot.adapters.configuration.files import PolicyFile
from bot.adapters.configuration.names import listed
from bot.adapters.configuration.parameter_checks import is_placeholder
from bot.adapters.configuration.reader import Path_
from bot.adapters.expressions import HIDDEN, SandboxedExpressions, references
from bot.domain.errors import Fault, Refused, StepFailed
from bot.domain.policies import Target


class _NoSecrets:
    """Checks read no secrets."""

    def get(self, name: str) -> str:
        raise StepFailed(f"{name} is not read here")

    def redact(self, text: str) -> str:
        return text


@dataclass(frozen=True)
class Where:
    """One environment of a policy; it must have a target."""

    file: PolicyFile
    environment: str

    @property
    def target(self) -> Target:
        """Where the environment lives."""
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

    def judge(self, text: str) -> tuple[str, bool]:
        """What is wrong with an address, empty where nothing is or only a run can tell, and whether that is a fault or
        a warning. ValueError and StepFailed where its templates cannot be read."""
        facts = self.facts()
        missing = sorted(references(text).targets - set(facts["target"]))
        if missing:
            return f"reads {missing[0]!r}, which the target {self.environment!r} does not have", False
        known, is_whole = SandboxedExpressions(_NoSecrets()).beginning(text, facts)
        known, secret, _ = known.partition(HIDDEN)
        is_whole = is_whole and not secret
        if not is_whole and not _names_host(known):
            return "", False
        if is_placeholder(known):
            return "has an address that is not written out yet: every call will be refused", False
        return self._against(known), True

    def _against(self, url: str) -> str:
        allow_hosts = self.target.allow_hosts
        try:
            address = parse_address(url)
        except Refused as error:
            return f"has an address that cannot be used: {error}"
        if is_allowed(address, allow_hosts):
            return ""
        allowed = f"allowed there: {', '.join(allow_hosts)}" if allow_hosts else "it has no allow_hosts"
        target = f"the target {self.environment!r} of {self.file.policy.service!r}"
        return f"calls {address}, which {target} does not allow; {allowed}"


def told_of_address(
    file: PolicyFile, environment: str, path: Path_, text: str, about: str
) -> Iterator[tuple[Fault, bool]]:
    """What is wrong with an address that is called in this environment, and whether that is a fault or a warning: at
    the target where the address comes from there, else at `path`. `about` says who calls."""
    policy, document = file.policy, file.document
    if environment not in policy.targets:
        message = f"{about} makes calls in the environment {environment!r}, which is none of the targets"
        yield document.fault(path, f"{message}; {listed(policy.targets)}"), True
        return
    try:
        message, is_fault = Where(file, environment).judge(text)
        from_target = bool(references(text).targets)
    except (ValueError, StepFailed):
        return  # reported with the templates already
    if message:
        told = ("targets", environment, "allow_hosts") if from_target else path
        yield document.fault(told, f"{about} {message}"), is_fault


def _names_host(beginning: str) -> bool:
    """Whether the beginning of an address holds all of its host: something follows it."""
    _, slashes, rest = beginning.partition("://")
    return bool(slashes) and any(mark in rest for mark in "/?#")
