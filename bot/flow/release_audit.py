"""Holds the records of releases against the audit trail: a row that was edited in the database does not fit it.

The trail itself is verified by its chain; here it is the truth, and the rows are what is looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.domain.pins import digest_of
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
    over: str = ""
    """`rolled_back` or `abandoned`, once the trail says so."""
    versions: tuple[str, str] | None = None
    manifest: str = ""
    seconds: set[str] = field(default_factory=set)
    """Who stood for an emergency."""
    signed: set[tuple[str, str]] = field(default_factory=set)
    """Subject and person of signatures that hold."""
    evidence: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    """By id: the number of the row of the trail, name and digest of the content."""


@dataclass
class _Trail:
    releases: dict[str, _Told] = field(default_factory=lambda: defaultdict(_Told))
    digests: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Of verdicts: the number of the row of the trail, and the digest in it."""
    baselines: set[tuple[str, str]] = field(default_factory=set)
    pruned: set[str] = field(default_factory=set)
    """Digests of contents that were past their time."""
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
    elif entry.action == "audit.erased":
        # A person was taken out of these verdicts; that the entry is ours, the walk over the trail has seen.
        trail.pruned |= set(data.get("files") or ())
        trail.digests |= {one: (number, str(digest)) for one, digest in dict(data.get("gate_results") or {}).items()}
    elif entry.action == "version.known":
        trail.baselines.add((name, str(data.get("version"))))
    elif kind == "release" and entry.action in ("release.started", "release.moved"):
        _moved(trail.releases[name], number, data)
    elif entry.action in ("release.rolled_back", "release.abandoned"):
        trail.releases[name].over = entry.action.partition(".")[2]
    elif entry.action == "evidence.kept":
        kept = (number, str(data.get("name", "")), str(data.get("sha256", "")))
        trail.releases[str(data.get("release"))].evidence[name] = kept
    elif kind == "order" and data.get("verdict") == "order":
        _ordered(trail, entry, name)


def _ordered(trail: _Trail, entry: AuditEntry, name: str) -> None:
    """Orders about a release that was started: others are of no interest here."""
    word, data = entry.action.partition(".")[2], entry.data
    told = trail.releases.get(name)
    if told is None:
        return
    named = next((f"{one}:{data[one]}" for one in ("item", "brief") if data.get(one)), "")
    match word:
        case "release_endorse":
            told.statuses.add(str(ReleaseStatus.ENDORSED))
        case "abandon":
            told.over = str(ReleaseStatus.ABANDONED)
        case "second":
            told.seconds.add(entry.actor)
        case "sign":
            told.signed.add((named, entry.actor))
        case "unsign":
            told.signed.discard((named, entry.actor))


def _moved(told: _Told, number: int, data: Mapping[str, Any]) -> None:
    told.number = number
    told.pin = str(data.get("pin") or told.pin)
    told.stage = data.get("stage")
    told.manifest = str(data.get("manifest") or told.manifest)
    if "candidate" in data:
        told.versions = (str(data.get("incumbent")), str(data["candidate"]))
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
            told = trail.releases.get(release.id)
            if walk is not None:
                yield from _of_release(release, walk, told)
                yield from _of_files(tx, release, walk)
            rested_on = set[str]()
            yield from _of_results(tx, release, trail, seen, rested_on)
            if told is not None:
                yield from _of_evidence(tx, release, told, rested_on, trail.pruned)
                yield from _of_signatures(tx, release, told)
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
    if told.versions is not None and told.versions != (release.incumbent, release.candidate):
        yield AuditFault(told.number, f"{what}: it was started as {' -> '.join(told.versions)}")
    if told.over and not release.status.is_over:
        yield AuditFault(told.number, f"{what}: it says {release.status}, and the trail that it is {told.over}")
    if told.manifest and walk.manifest_digest != told.manifest:
        yield AuditFault(told.number, f"{what}: its manifest is not the one of its start")
    if walk.second_person is not None and walk.second_person not in told.seconds:
        yield AuditFault(told.number, f"{what}: {walk.second_person} never stood for it as its second person")
    if walk.pin != told.pin:
        yield AuditFault(told.number, f"{what}: its pinned policy is not the one of its start")
    if list(walk.passed) != told.passed:
        passed = ", ".join(told.passed) or "no stage"
        yield AuditFault(told.number, f"{what}: the trail knows that it passed {passed}")
    is_halted = release.status is ReleaseStatus.HALTED
    status = (release.resumes_as if is_halted else None) or release.status
    if status in _PROVEN and str(status) not in told.statuses:
        yield AuditFault(told.number, f"{what}: it says {status}, and the trail does not")
    if not status.is_over and status is not ReleaseStatus.ENDORSED and release.stage != told.stage:
        yield AuditFault(told.number, f"{what}: it says stage {release.stage}, the trail {told.stage}")


def _of_files(tx: Transaction, release: Release, walk: Walk) -> Iterator[AuditFault]:
    for what, digest in (("pinned policy", walk.pin), ("manifest", walk.manifest_digest)):
        if digest and not _is_whole(tx, digest):
            yield AuditFault(0, f"the {what} of release {release.id} was altered or deleted")


def _is_whole(tx: Transaction, digest: str) -> bool:
    kept = tx.kept_file(digest)
    return kept is not None and digest_of(kept.content) == digest


def _of_evidence(
    tx: Transaction, release: Release, told: _Told, rested_on: set[str], pruned: set[str]
) -> Iterator[AuditFault]:
    """What was pushed or pulled has a row of the trail, and what a gate fetched stands in its verdict, which has."""
    here = {one.id: one for one in tx.evidence_of(release.id)}
    for name, (number, called, digest) in told.evidence.items():
        found = here.get(name)
        if found is None:
            yield AuditFault(number, f"evidence {name} ({called}) was deleted")
        elif (found.name, found.sha256) != (called, digest):
            yield AuditFault(number, f"evidence {name} ({called}) was altered")
    for one in here.values():
        if one.id not in told.evidence and one.id not in rested_on:
            yield AuditFault(0, f"evidence {one.id} ({one.name}) was put in: the trail does not know it")
        elif one.sha256 not in pruned and not _is_whole(tx, one.sha256):
            yield AuditFault(0, f"the content of evidence {one.id} ({one.name}) was altered or deleted")


def _of_signatures(tx: Transaction, release: Release, told: _Told) -> Iterator[AuditFault]:
    for one in tx.signatures(release.id):
        if one.withdrawn_at is None and (one.subject, one.by) not in told.signed:
            yield AuditFault(told.number, f"the trail does not know that {one.by} signed {one.subject} ({one.id})")


def _of_results(
    tx: Transaction, release: Release, trail: _Trail, seen: set[str], rested_on: set[str]
) -> Iterator[AuditFault]:
    for result in tx.gate_results(release.id, limit=1_000_000):
        seen.add(result.id)
        rested_on.update(result.evidence_ids)
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
