"""Holds what a policy says of reading live versions back against its targets: names, templates, allowed hosts."""

from __future__ import annotations

from collections.abc import Iterator

from bot.adapters.addresses import is_allowed, parse_address
from bot.adapters.configuration.files import PolicyFile
from bot.adapters.configuration.names import unknown
from bot.adapters.configuration.reader import Path_
from bot.adapters.expressions import SandboxedExpressions, references
from bot.domain.errors import Fault, Refused, StepFailed
from bot.domain.policies import LiveRead, Target

_KNOWN = ("service", "environment", "target")
"""What an address and a header may read, besides `secret(name)`."""


class _NoSecrets:
    """Checks read no secrets."""

    def get(self, name: str) -> str:
        raise StepFailed(f"{name} is not read here")

    def redact(self, text: str) -> str:
        return text


def check_live(file: PolicyFile) -> Iterator[Fault]:
    """What is wrong with `live`."""
    policy = file.policy
    for environment, rule in policy.live.items():
        path = ("live", environment)
        target = policy.targets.get(environment)
        if target is None:
            yield file.document.fault(path, unknown("target", environment, policy.targets))
            continue
        found = list(_templates(file, path, rule, target))
        yield from found or _host(file, path, rule, target, environment)


def _templates(file: PolicyFile, path: Path_, rule: LiveRead, target: Target) -> Iterator[Fault]:
    for place, text in (("url", rule.url), *(("headers", one) for one in rule.headers.values())):
        try:
            reads = references(text)
        except ValueError as error:
            yield file.document.fault((*path, place), str(error))
            continue
        for name in sorted(reads.variables - {*_KNOWN}):
            yield file.document.fault((*path, place), unknown("variable", name, _KNOWN))
        for name in sorted(reads.targets - set(target.facts())):
            yield file.document.fault((*path, place), unknown("key of the target", name, target.facts()))


def _host(file: PolicyFile, path: Path_, rule: LiveRead, target: Target, environment: str) -> Iterator[Fault]:
    facts = {"service": file.policy.service, "environment": environment, "target": target.facts()}
    known, is_whole = SandboxedExpressions(_NoSecrets()).beginning(rule.url, facts)
    if not is_whole or references(rule.url).secrets:
        return  # the rule holds for every read all the same
    try:
        address = parse_address(known)
    except Refused as error:
        yield file.document.fault((*path, "url"), f"an address that cannot be used: {error}")
        return
    if not is_allowed(address, target.allow_hosts):
        why = f"calls {address}, which the target {environment!r} does not allow in its allow_hosts"
        yield file.document.fault((*path, "url"), why)
