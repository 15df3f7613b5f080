"""Holds the records of releases against the audit trail: a row that was edited in the database does not fit it.

The trail itself is verified by its chain; here it is the truth, and the rows are what is looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.domain.records import AuditEntry, AuditFault
from bot.domain.releases import Release, ReleaseStatus
from bot.domain.walks import VersionStanding, Walk
from bot.flow.result_records import result_digest
from bot.ports import Store, Transaction

_PAGE = 1_000
_PROVEN = frozenset({ReleaseStatus.LIVE, ReleaseStatus.WATCHED, ReleaseStatus.ENDORSED})


@dataclass
class _Told:
    """What the trail says of one release."""

    pin: str = ""
    stage: str | None = None
    passed: list[str] = field(default_factory=list)
    statuses: set[str] = field(default_factory=set)
    number: int = 0


@dataclass
class _Trail:
    releases: dict[str, _Told] = field(default_factory=lambda: defaultdict(_Told))
    digests: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Of verdicts: the number of the row of the trail, and the digest in it."""
    baselines: set[tuple[str, str]] = field(default_factory=set)
    last: int = 0


def verify_releases(store: Store) -> AuditFault | None:
    """The first record of a release that the trail does not bear out; None where all do. `position` is the number of
    the row of the trail that says otherwise."""
    with store.read() as tx:
        trail = _trail_of(tx)
        return next(_faults(tx, trail), None)


def _trail_of(tx: Transaction) -> _Trail:
    trail = _Trail()
    while page := tx.audit_entries(limit=_PAGE, after=trail.last):
        for number, entry in page:
            _hear(trail, number, entry)
            trail.last = number
    return trail


def _hear(trail: _Trail, number: int, entry: AuditEntry) -> None:
    kind, _, name = entry.subject.partition(":")
    data = entry.data
    if entry.action == "gate.judged":
        trail.digests[name] = (number, str(data.get("digest", "")))
    elif entry.action == "version.known":
        trail.baselines.add((name, str(data.get("version"))))
    elif kind == "release" and entry.action in ("release.started", "release.moved"):
        _moved(trail.releases[name], number, data)
    elif entry.action == "order.release_endorse" and data.get("verdict") == "order":
        trail.releases[name].statuses.add(str(ReleaseStatus.ENDORSED))


def _moved(told: _Told, number: int, data: Mapping[str, Any]) -> None:
    told.number = number
    told.pin = str(data.get("pin") or told.pin)
    told.stage = data.get("stage")
    told.statuses.add(str(data.get("status")))
    if data.get("passed"):
        told.passed.append(str(data["passed"]))


def _faults(tx: Transaction, trail: _Trail) -> Iterator[AuditFault]:
    before: str | None = None
    seen: set[str] = set()
    services: set[str] = set()
    while page := tx.releases(limit=200, before=before):
        for release in page:
            services.add(release.service)
            walk = tx.walk(release.id)
            if walk is not None:
                yield from _of_release(release, walk, trail.releases.get(release.id))
            yield from _of_results(tx, release, trail, seen)
        before = page[-1].id
    for name in sorted(set(trail.digests) - seen):
        yield AuditFault(trail.digests[name][0], f"verdict {name} was deleted")
    for service in sorted(services):
        yield from _of_versions(tx, service, trail)


def _of_release(release: Release, walk: Walk, told: _Told | None) -> Iterator[AuditFault]:
    if told is None:
        yield AuditFault(0, f"release {release.id} was put in: the trail has no start of it")
        return
    what = f"release {release.id} was altered"
    if walk.pin != told.pin:
        yield AuditFault(told.number, f"{what}: its pinned policy is not the one of its start")
    if list(walk.passed) != told.passed:
        passed = ", ".join(told.passed) or "no stage"
        yield AuditFault(told.number, f"{what}: the trail knows that it passed {passed}")
    status = release.resumes_as or release.status
    if status in _PROVEN and str(status) not in told.statuses:
        yield AuditFault(told.number, f"{what}: it says {status}, and the trail does not")
    if not status.is_over and status is not ReleaseStatus.ENDORSED and release.stage != told.stage:
        yield AuditFault(told.number, f"{what}: it says stage {release.stage}, the trail {told.stage}")


def _of_results(tx: Transaction, release: Release, trail: _Trail, seen: set[str]) -> Iterator[AuditFault]:
    for result in tx.gate_results(release.id, limit=1_000_000):
        seen.add(result.id)
        number, digest = trail.digests.get(result.id, (0, ""))
        if not digest:
            yield AuditFault(0, f"verdict {result.id} was put in: the trail does not know it")
        elif digest != result_digest(result):
            yield AuditFault(number, f"verdict {result.id} ({result.name}) was altered")


def _of_versions(tx: Transaction, service: str, trail: _Trail) -> Iterator[AuditFault]:
    for one in tx.known_versions(service):
        if one.standing is VersionStanding.BASELINE and (service, one.version) not in trail.baselines:
            yield AuditFault(0, f"version {one.version} of {service} was put in as a baseline")
        elif one.standing is VersionStanding.ENDORSED:
            told = trail.releases.get(one.release_id or "")
            if told is None or str(ReleaseStatus.ENDORSED) not in told.statuses:
                yield AuditFault(0, f"version {one.version} of {service} was put in as endorsed")
