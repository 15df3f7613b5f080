"""What is recorded of one release: the moments of its stages, and what was there to be seen at each of them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from bot.domain.canaries import Canary
from bot.domain.conditions import Compile
from bot.domain.errors import AndonError
from bot.domain.gates import Evidence, GateResult, Signature
from bot.domain.manifests import Manifest, read_manifest
from bot.domain.pins import read_pin
from bot.domain.records import AuditEntry
from bot.domain.releases import Release
from bot.domain.strict_json import parse_json
from bot.domain.walks import Walk
from bot.evidence.read_once import ReadOnce
from bot.gate_plugins import EvidencePiece
from bot.ports import Store, Transaction

JUDGED = "judged"
"""The source of evidence that holds the facts of a verdict."""
_PAGE = 1_000
_MOST_RESULTS = 1_000_000


@dataclass(frozen=True)
class Moment:
    """As things stood when the gates of a stage mattered for the last time."""

    at: datetime
    was_left: bool


@dataclass(frozen=True)
class Move:
    """A release came into a stage, or out of its last one."""

    at: datetime
    stage: str | None
    passed: str | None


def moves_of(store: Store) -> Mapping[str, Sequence[Move]]:
    """By release, oldest first, as the audit trail has them."""
    found: dict[str, list[Move]] = defaultdict(list)
    after = 0
    while True:
        with store.read() as tx:
            page = tx.audit_entries(limit=_PAGE, after=after)
        for number, entry in page:
            after = number
            kind, _, name = entry.subject.partition(":")
            if kind == "release" and entry.action in ("release.started", "release.moved"):
                found[name].append(_move(entry))
        if len(page) < _PAGE:
            return found


def _move(entry: AuditEntry) -> Move:
    stage, passed = (entry.data.get(name) for name in ("stage", "passed"))
    return Move(entry.at, str(stage) if stage else None, str(passed) if passed else None)


@dataclass(frozen=True)
class Memory:
    """One release as it is recorded, its evidence without the contents."""

    release: Release
    walk: Walk
    manifest: Mapping[str, Any]
    files: Mapping[str, str] | None
    """SHA-256 of the reviewed files of its start; None where its pin is lost."""
    evidence: Sequence[Evidence]
    """Newest first."""
    signatures: Sequence[Signature]
    results: Sequence[GateResult]
    """Newest first."""
    canary: Canary | None
    moments: Mapping[str, Moment]
    """By stage."""

    def signed(self, at: datetime) -> list[Signature]:
        """Those that held then."""
        return [one for one in self.signatures if one.at <= at and (one.withdrawn_at is None or one.withdrawn_at > at)]

    def canary_at(self, at: datetime) -> tuple[Mapping[str, Any] | None, bool]:
        """What the comparison said then, and whether that is known: it has gone on since where it was folded later."""
        canary = self.canary
        if canary is None or canary.opened_at > at:
            return None, True
        if canary.folded_at is None or canary.folded_at <= at:
            return dict(canary.standing), True
        return None, False

    def verdict_of(self, stage: str, use: str, params: Mapping[str, Any] | None, at: datetime) -> GateResult | None:
        """The newest verdict then of a gate of this kind in this stage, with these parameters where they are given."""
        wanted = None if params is None else _plain(params)
        for one in self.results:
            if one.stage == stage and one.use == use and one.at <= at and wanted in (None, _plain(one.params)):
                return one
        return None


def remembered(
    store: Store, release: Release, moves: Sequence[Move], now: datetime, compile_: Compile
) -> Memory | None:
    """All of it; None of a release that never began its way here."""
    with store.read() as tx:
        walk = tx.walk(release.id)
        if walk is None:
            return None
        results = tx.gate_results(release.id, limit=_MOST_RESULTS)
        return Memory(
            release=release,
            walk=walk,
            manifest=_manifest(tx, walk),
            files=_files(tx, walk, compile_),
            evidence=tx.evidence_of(release.id),
            signatures=tx.signatures(release.id),
            results=results,
            canary=tx.canary(release.id),
            moments=dict(_moments(moves, results, release.ended_at or now)),
        )


def _moments(moves: Sequence[Move], results: Sequence[GateResult], end: datetime) -> Iterator[tuple[str, Moment]]:
    for here, there in pairwise([*moves, None]):
        if here is None or here.stage is None:
            continue
        if there is None or there.passed != here.stage:
            yield here.stage, Moment(there.at if there else end, was_left=False)
            continue
        judged = [one.at for one in results if one.stage == here.stage and one.at <= there.at]
        yield here.stage, Moment(max(judged, default=there.at), was_left=True)


def _manifest(tx: Transaction, walk: Walk) -> Mapping[str, Any]:
    kept = tx.kept_file(walk.manifest_digest) if walk.manifest_digest else None
    manifest = read_manifest(parse_json(kept.content)) if kept else Manifest()
    return manifest.model_dump(mode="json", exclude_defaults=True)


def _files(tx: Transaction, walk: Walk, compile_: Compile) -> Mapping[str, str] | None:
    kept = tx.kept_file(walk.pin)
    try:
        return read_pin(kept.content, walk.pin, compile_).files if kept else None
    except AndonError:
        return None


def _plain(params: Mapping[str, Any]) -> str:
    return json.dumps(params, sort_keys=True, default=str)


@dataclass
class PastEvidence:
    """Evidence with its content as it was there at a moment, read when a gate asks for it."""

    store: Store
    records: Sequence[Evidence]
    """Newest first."""
    at: datetime
    _contents: dict[str, bytes | None] = field(default_factory=dict)
    _once: ReadOnce = field(default_factory=ReadOnce)

    def __call__(self, name: str | None) -> Sequence[EvidencePiece]:
        """Of that name (None: all), newest first."""
        found = [one for one in self.records if one.at <= self.at and one.source != JUDGED and name in (None, one.name)]
        contents = [(one, self.content(one.sha256)) for one in found]
        return [EvidencePiece(one, content, self._once) for one, content in contents if content is not None]

    def content(self, sha256: str) -> bytes | None:
        """By its digest; None where it is lost."""
        if sha256 not in self._contents:
            with self.store.read() as tx:
                file = tx.kept_file(sha256)
            self._contents[sha256] = file.content if file else None
        return self._contents[sha256]
