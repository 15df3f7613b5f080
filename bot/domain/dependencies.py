"""Finds what a release turned out to depend on without saying so. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.manifests import Dependency, Manifest
from bot.domain.times import format_time


@dataclass(frozen=True)
class ServiceChange:
    """Another service changed: a release of it went live or was rolled back, or a version was seen to change."""

    service: str
    at: datetime
    version: str | None
    how: str
    """As in `LiveVersion`."""
    provides: tuple[str, ...] | None = None
    """Features and schemas that may have changed with it, with or without the service before them; None: not known."""


@dataclass(frozen=True)
class Unplanned:
    """One thing of another service that is read, was changed, and is not declared."""

    on_service: str
    what: str
    why: str


def unplanned(
    manifest: Manifest, service: str, depends_on: Collection[str], changes: Iterable[ServiceChange]
) -> list[Unplanned]:
    """What this release reads of others and does not declare, of what changed. One for each thing, the first change."""
    found: dict[tuple[str, str], Unplanned] = {}
    reads = reads_of(manifest)
    for change in sorted(changes, key=lambda one: (one.at, one.service)):
        if change.service == service or change.service in depends_on:
            continue
        for what in _touched(reads, change):
            key = (change.service, what)
            if key not in found and not is_declared(manifest.dependencies, change.service, what):
                found[key] = Unplanned(change.service, what, _why(change, what))
    return list(found.values())


def reads_of(manifest: Manifest) -> tuple[str, ...]:
    """The names of all that the candidate reads: its features and the fields of its data schema."""
    return tuple(dict.fromkeys((*manifest.features, *_fields(manifest.data_schema))))


def services_read(manifest: Manifest, known: Iterable[str]) -> list[str]:
    """Those of the known services of which something is read."""
    reads = reads_of(manifest)
    return [name for name in known if any(_is_of(one, name) for one in reads)]


def is_declared(dependencies: Sequence[Dependency], service: str, what: str) -> bool:
    """Whether a dependency names this service as a whole, or this thing of it."""
    names = {what, what.removeprefix(f"{service}.")}
    return any(one.service == service and (not one.features or names & set(one.features)) for one in dependencies)


def _touched(reads: Iterable[str], change: ServiceChange) -> list[str]:
    mine = [one for one in reads if _is_of(one, change.service)]
    if change.provides is None:
        return mine
    prefix = f"{change.service}."
    provided = {one.removeprefix(prefix) for one in change.provides}
    return [one for one in mine if one.removeprefix(prefix) in provided]


def _is_of(what: str, service: str) -> bool:
    return what.startswith(f"{service}.") and len(what) > len(service) + 1


def _fields(schema: Any) -> list[str]:
    """Names in `{"fields": [{"name"}]}` or in the `properties` of a JSON Schema; whatever else stands there is none."""
    listed = schema.get("fields") if isinstance(schema.get("fields"), list) else []
    named = [one.get("name") for one in listed if isinstance(one, dict)]
    properties = schema.get("properties")
    named += list(properties) if isinstance(properties, dict) else []
    return [one for one in named if isinstance(one, str)]


def _why(change: ServiceChange, what: str) -> str:
    to = f" to {change.version}" if change.version else ""
    doing = {"rollback": "was rolled back", "read": "was seen to change"}.get(change.how, "changed")
    certain = "" if change.provides is not None else "; what of it changed is not known"
    return (
        f"{what} is read, {change.service} {doing}{to} at {format_time(change.at)}{certain}, "
        f"and neither the manifest nor the policy declares it"
    )
