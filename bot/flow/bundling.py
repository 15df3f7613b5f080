"""Collects a bundle: every record about one incident or release, as files of plain JSON, read page by page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from itertools import chain
from typing import Any

from bot.domain.bundles import FILES, FORMAT, TAKEN_OUT, Piece
from bot.domain.canaries import Canary, CanaryPoint
from bot.domain.escalations import Escalation
from bot.domain.gates import Evidence, GateResult, Signature
from bot.domain.meetings import Meeting
from bot.domain.minutes import Minute, MinuteChange
from bot.domain.policy_versions import FileKind, PolicyVersion
from bot.domain.postmortems import Lesson, Postmortem, PostmortemComment, SectionText, SignOff
from bot.domain.records import Approval, Notice, TimelineEntry
from bot.domain.report_facts import Fact
from bot.domain.threads import Thread
from bot.domain.walks import KnownVersion, LiveVersion, UnplannedDependency
from bot.domain.watches import Watch
from bot.flow.bundle_audit import audit_slice, chain_links, signed_heads
from bot.flow.bundle_lines import REDACTED, Lines, plain
from bot.flow.bundle_scope import Scope, decisions_of, runs_of
from bot.ports import Transaction

_ABOUT_VERSIONS = ("in_force_since", "ended_at", "previous", "diff", "reminded_at", "text")
"""Fields of a version that change while others come into force, or that stand in a file of their own."""
_STATES = ("comparison", "joining")
"""Packed states of a comparison: what is shown of them stands in `standing`."""
_PAGE = 50


@dataclass(frozen=True)
class Collector:
    """Reads one scope out of one consistent view."""

    tx: Transaction
    scope: Scope
    lines: Lines

    def pieces(self) -> Iterator[Piece]:
        """Every file that has something in it, in the order of the paths."""
        self.scope.versions[:] = [one.digest for one in self._versions()]
        files: dict[str, Callable[[], Iterable[bytes]]] = {
            "subject.json": self._subject,
            "audit.jsonl": lambda: audit_slice(self.tx, self.scope, self.lines),
            **{f"{name}.jsonl": self._of_records(read) for name, read in self._records().items()},
            **{f"policies/{one.digest}.yaml": self._text(one) for one in self._versions()},
            **dict.fromkeys((f"{FILES}/{digest}" for digest in self._digests()), tuple),
        }
        for path in sorted(files):
            if path.startswith(f"{FILES}/"):
                yield from self._kept(path)
                continue
            chunks = iter(files[path]())
            first = next(chunks, None)
            if first is not None:
                yield Piece(path, chain((first,), chunks))

    def _records(self) -> dict[str, Callable[[], Iterable[Any]]]:
        """What stands in which file, one record a line."""
        return {
            "audit_chain": lambda: chain_links(self.tx, self.scope),
            "audit_heads": lambda: signed_heads(self.tx, self.scope),
            "decisions": lambda: decisions_of(self.tx, self.scope),
            "drills": self._drills,
            "events": self._events,
            "incidents": lambda: self.scope.incidents,
            "live": self._live,
            "policies": self._policies,
            "releases": lambda: self.scope.releases,
            "walks": lambda: self.scope.walks,
            "manifests": lambda: self._documents("manifest_digest"),
            "pins": lambda: self._documents("pin"),
            "runs": lambda: runs_of(self.tx, self.scope),
            **self._of_incidents(),
            **self._of_runs(),
            **self._of_releases(),
        }

    def _of_incidents(self) -> dict[str, Callable[[], Iterable[Any]]]:
        """A new kind of record that hangs on incidents needs one line here."""
        kinds: dict[str, type[Any]] = {
            "lessons": Lesson,
            "meetings": Meeting,
            "minutes": Minute,
            "postmortem_comments": PostmortemComment,
            "postmortem_sections": SectionText,
            "postmortems": Postmortem,
            "report": Fact,
            "sign_offs": SignOff,
            "threads": Thread,
            "timeline": TimelineEntry,
            "watches": Watch,
        }
        incidents = [one.id for one in self.scope.incidents]
        read = {name: self._all(kind, "incident_id", incidents) for name, kind in kinds.items()}
        return {**read, "minute_changes": self._minute_changes, "notices": self._notices}

    def _of_runs(self) -> dict[str, Callable[[], Iterable[Any]]]:
        kinds: dict[str, type[Any]] = {"approvals": Approval, "escalations": Escalation}
        return {name: self._all(kind, "run_id", self.scope.runs) for name, kind in kinds.items()}

    def _of_releases(self) -> dict[str, Callable[[], Iterable[Any]]]:
        kinds: dict[str, type[Any]] = {
            "canary_points": CanaryPoint,
            "evidence": Evidence,
            "gate_results": GateResult,
            "known_versions": KnownVersion,
            "signatures": Signature,
            "unplanned_dependencies": UnplannedDependency,
        }
        releases = [one.id for one in self.scope.releases]
        read = {name: self._all(kind, "release_id", releases) for name, kind in kinds.items()}
        return {**read, "canaries": self._canaries, "observations": self._observed, "affected": self._affected}

    def _all(self, kind: type[Any], field: str, values: Iterable[str]) -> Callable[[], Iterator[Any]]:
        return lambda: (one for value in values for one in self.tx.all_of(kind, field, value))

    def _of_records(self, read: Callable[[], Iterable[Any]]) -> Callable[[], Iterator[bytes]]:
        return lambda: self.lines.each(read())

    def _subject(self) -> Iterator[bytes]:
        scope = self.scope
        found = {
            "format": FORMAT,
            "kind": scope.label.kind,
            "id": scope.label.id,
            "service": scope.label.service,
            "incidents": [one.id for one in scope.incidents],
            "releases": [one.id for one in scope.releases],
            "runs": scope.runs,
            # Whether an alert rolls back by itself depends on when something did so before, in whatever incident.
            "acted_before": {
                one.id: self.tx.acted_before((one.service, one.environment), one.opened_at) for one in scope.incidents
            },
        }
        yield self.lines.line(found)

    def _events(self) -> Iterator[dict[str, Any]]:
        for event in self.tx.events_with_bodies(self.scope.events):
            shown: dict[str, Any] = {**plain(replace(event, body=None)), **self.lines.body(event.body)}
            yield shown

    def _drills(self) -> Iterator[Any]:
        found = {}
        for one in (
            *(self.tx.drill_of_incident(incident.id) for incident in self.scope.incidents),
            *(self.tx.drill_of_run(run) for run in self.scope.runs),
        ):
            if one is not None:
                found[one.id] = one
        return iter(found.values())

    def _live(self) -> Iterator[LiveVersion]:
        """What these releases and runs put live."""
        found = [
            *(one for release in self.scope.releases for one in self.tx.all_of(LiveVersion, "release_id", release.id)),
            *(one for run in self.scope.runs for one in self.tx.all_of(LiveVersion, "run_id", run)),
        ]
        return iter({json.dumps(plain(one), sort_keys=True): one for one in found}.values())

    def _minute_changes(self) -> Iterator[MinuteChange]:
        for incident in self.scope.incidents:
            for minute in self.tx.all_of(Minute, "incident_id", incident.id):
                yield from self.tx.all_of(MinuteChange, "minute_id", minute.id)

    def _notices(self) -> Iterator[Notice]:
        for incident in self.scope.incidents:
            yield from self.tx.all_of(Notice, "incident_id", incident.id)
        for release in self.scope.releases:
            about = self.tx.all_of(Notice, "cause", f"release:{release.id}")
            yield from (one for one in about if one.incident_id is None)

    # Versions of policies and playbooks

    def _versions(self) -> list[PolicyVersion]:
        """The policies that decided, and of each playbook that was run the version that was in force when it was."""
        found = {one.digest: one for digest in self.scope.policies if (one := self.tx.policy_version(digest))}
        for run in runs_of(self.tx, self.scope):
            versions = self.tx.policy_versions((FileKind.PLAYBOOK, run.playbook.name))
            known = [one for one in versions if one.first_in_force_at <= run.accepted_at]
            if known:
                newest = max(known, key=lambda one: one.first_in_force_at)
                found[newest.digest] = newest
        return [found[digest] for digest in sorted(found)]

    def _policies(self) -> Iterator[dict[str, Any]]:
        for one in self._versions():
            had = self.lines.content(one.text.encode("utf-8", "replace"))[1]
            shown = {name: value for name, value in plain(one).items() if name not in _ABOUT_VERSIONS}
            yield {**shown, REDACTED: True} if had else shown

    def _text(self, version: PolicyVersion) -> Callable[[], Iterator[bytes]]:
        return lambda: iter((self.lines.content(version.text.encode("utf-8", "replace"))[0],))

    # Files that are kept under their digest

    def _digests(self) -> list[str]:
        kept = {one.sha256 for release in self.scope.releases for one in self._evidence(release.id)}
        kept |= {digest for walk in self.scope.walks for digest in (walk.pin, walk.manifest_digest) if digest}
        for incident in self.scope.incidents:
            for fact in self.tx.all_of(Fact, "incident_id", incident.id):
                kept |= set(_attached(fact))
        return sorted(kept)

    def _evidence(self, release_id: str) -> Iterator[Evidence]:
        return self.tx.all_of(Evidence, "release_id", release_id)

    def _kept(self, path: str) -> Iterator[Piece]:
        """A file under the digest of its content, as long as it is that content: one that a secret was taken out of
        says so in its name."""
        kept = self.tx.kept_file(path.rpartition("/")[2])
        if kept is not None:
            content, had = self.lines.content(kept.content)
            yield Piece(f"{path}{TAKEN_OUT}" if had else path, (content,))

    def _documents(self, field: str) -> Iterator[dict[str, Any]]:
        """Manifests and pins as they read; their bytes are among the files."""
        for walk in self.scope.walks:
            digest = getattr(walk, field)
            kept = self.tx.kept_file(digest) if digest else None
            if kept is not None:
                yield {"release_id": walk.release_id, "sha256": digest, "document": json.loads(kept.content)}

    # Canaries

    def _canaries(self) -> Iterator[dict[str, Any]]:
        for release in self.scope.releases:
            canary = self.tx.bare_canary(release.id)
            if canary is not None:
                kept = [one.name for one in fields(Canary) if one.name not in _STATES]
                yield {name: plain(getattr(canary, name)) for name in kept}

    def _observed(self) -> Iterator[dict[str, Any]]:
        for release in self.scope.releases:
            for batch in self.tx.observed(release.id):
                yield {"release_id": release.id, **plain(batch)}

    def _affected(self) -> Iterator[dict[str, Any]]:
        """How many predictions differed, fold by fold; their keys may be about people and stay in the database."""
        for release in self.scope.releases:
            after = 0
            while page := self.tx.affected_keys(release.id, after=after, limit=_PAGE):
                after = page[-1][0]
                for _, one in page:
                    digest = sha256(one.content).hexdigest()
                    yield {"release_id": release.id, "at": plain(one.at), "count": one.count, "sha256": digest}


def _attached(fact: Fact) -> Iterator[str]:
    """Digests of files that people attached."""
    if fact.field == "files" and isinstance(fact.value, list):
        for one in fact.value:
            if isinstance(one, dict) and isinstance(one.get("sha256"), str):
                yield one["sha256"]
