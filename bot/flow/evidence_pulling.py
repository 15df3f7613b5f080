"""Pulls the evidence that a stage names before its gates are judged, and keeps it raw like what was pushed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from pydantic import ValidationError

from bot.asking.pulling import pull
from bot.domain.attachments import KeptFile
from bot.domain.errors import AndonError, Refused
from bot.domain.evidence_sources import EvidenceSource
from bot.domain.gates import Evidence
from bot.domain.pins import digest_of
from bot.domain.records import AuditEntry
from bot.flow.gate_looking import Bench, bounded
from bot.flow.release_seeing import Seen
from bot.gate_plugins import EvidencePiece, Fetched
from bot.ports import Clock, Ids, Store

PATIENCE = timedelta(seconds=30)
"""For one piece, by the wall clock."""


@dataclass(frozen=True)
class Puller:
    """Fetches what stages name. What cannot be fetched now makes every gate that reads it unknown, also where an
    earlier piece of that name was good."""

    store: Store
    clock: Clock
    ids: Ids
    bench: Bench

    def pulled(self, seen: Seen, by: str) -> Seen:
        """The view with the evidence as it is now."""
        failed: dict[str, str] = {}
        for source in seen.stage.evidence:
            try:
                self._keep(seen, source, self._fetch(seen, source), by)
            except ValidationError as error:
                failed[source.name] = f"evidence {source.name} cannot be fetched: {error.errors()[0]['msg']}"
            except AndonError as error:
                failed[source.name] = self.bench.secrets.redact(str(error))
        if not failed:
            return seen
        return replace(seen, context=replace(seen.context, evidence=_Without(seen.context.evidence, failed)))

    def _fetch(self, seen: Seen, source: EvidenceSource) -> Fetched:
        written = source.model_dump(mode="json", exclude_none=True)
        filled = EvidenceSource.model_validate(self.bench.expressions.fill(written, seen.facts, secrets=True))
        ctx = bounded(self.bench, seen.pin, PATIENCE, seen.context)
        return pull(filled, ctx.http, ctx.files, self.clock.now(), PATIENCE)

    def _keep(self, seen: Seen, source: EvidenceSource, fetched: Fetched, by: str) -> None:
        now, digest, release = self.clock.now(), digest_of(fetched.content), seen.release
        shown = self.bench.secrets.redact(fetched.source)[:1000] or "pull"
        with self.store.write() as tx:
            newest = next(iter(tx.evidence_of(release.id, name=fetched.name)), None)
            if newest is not None and (newest.sha256, newest.source) == (digest, shown):
                return  # it is what it was
            tx.keep_file(KeptFile(digest, len(fetched.content), fetched.content, now))
            evidence = Evidence(
                id=self.ids.new("evd"),
                service=release.service,
                release_id=release.id,
                name=fetched.name,
                media=fetched.media,
                sha256=digest,
                size=len(fetched.content),
                at=now,
                by=by,
                source=shown,
                about=source.about,
                version=release.candidate if source.about == "candidate" else release.incumbent,
            )
            data = {"release": release.id, "name": evidence.name, "sha256": digest, "source": shown}
            tx.add(evidence, AuditEntry(now, by, "evidence.kept", f"evidence:{evidence.id}", data))


@dataclass(frozen=True)
class _Without:
    """Evidence without what could not be fetched now: asking for that by name says why there is none."""

    evidence: Callable[[str | None], Sequence[EvidencePiece]]
    failed: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, name: str | None) -> Sequence[EvidencePiece]:
        if name is not None and name in self.failed:
            raise Refused(self.failed[name])
        return [one for one in self.evidence(name) if one.record.name not in self.failed]
