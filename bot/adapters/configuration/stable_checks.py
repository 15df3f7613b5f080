"""Holds what a policy measures of a restored state against its targets: templates, addresses, allowed hosts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.adapters.addresses import is_allowed, parse_address
from bot.adapters.configuration.files import PolicyFile
from bot.adapters.configuration.names import unknown
from bot.adapters.configuration.reader import Path_
from bot.adapters.expressions import is_template, references
from bot.domain.errors import Fault, Refused
from bot.domain.stable_rules import StableMetric

_KNOWN = ("service", "environment", "target")
"""What an address, a query and a header may read, besides `secret(name)`."""
_SCHEMES = ("http://", "https://")


def check_stable(file: PolicyFile) -> Iterator[Fault]:
    """What is wrong with `stable.metrics`."""
    for path, metric in _metrics(file):
        found = list(_templates(file, path, metric))
        yield from found or _host(file, path, metric)


def stable_warnings(file: PolicyFile) -> Iterator[Fault]:
    """Metrics that will never give data, so that nothing could be endorsed."""
    for path, metric in _metrics(file):
        if not is_template(metric.prometheus) and not metric.prometheus.startswith(_SCHEMES):
            why = "is no address, so there will be no data and what is restored cannot be endorsed"
            yield file.document.fault((*path, "prometheus"), why)


def _metrics(file: PolicyFile) -> Iterator[tuple[Path_, StableMetric]]:
    metrics = file.policy.stable.metrics if file.policy.stable else ()
    yield from ((("stable", "metrics", index), metric) for index, metric in enumerate(metrics))


def _templates(file: PolicyFile, path: Path_, metric: StableMetric) -> Iterator[Fault]:
    """A key must be known to some target at least: which one counts is only known when something was restored."""
    keys: Mapping[str, Any] = {key: 1 for target in file.policy.targets.values() for key in target.facts()}
    texts = (("prometheus", metric.prometheus), ("query", metric.query))
    for place, text in (*texts, *(("headers", one) for one in metric.headers.values())):
        try:
            reads = references(text)
        except ValueError as error:
            yield file.document.fault((*path, place), str(error))
            continue
        for name in sorted(reads.variables - {*_KNOWN}):
            yield file.document.fault((*path, place), unknown("variable", name, _KNOWN))
        for name in sorted(reads.targets - set(keys)):
            yield file.document.fault((*path, place), unknown("key of the targets", name, keys))


def _host(file: PolicyFile, path: Path_, metric: StableMetric) -> Iterator[Fault]:
    if is_template(metric.prometheus) or not metric.prometheus.startswith(_SCHEMES):
        return  # the rule holds for every look all the same
    try:
        address = parse_address(metric.prometheus)
    except Refused as error:
        yield file.document.fault((*path, "prometheus"), f"an address that cannot be used: {error}")
        return
    if not any(is_allowed(address, target.allow_hosts) for target in file.policy.targets.values()):
        why = f"calls {address}, which no target allows in its allow_hosts"
        yield file.document.fault((*path, "prometheus"), why)
