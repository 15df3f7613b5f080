"""Takes evidence in: kept raw under its digest, audited, and looked at by the gates at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.domain.attachments import KeptFile
from bot.domain.configuration import Configuration
from bot.domain.errors import BadInput, NotFound, Refused
from bot.domain.events import Actor, Role
from bot.domain.gates import Evidence
from bot.domain.pins import digest_of
from bot.domain.records import AuditEntry
from bot.domain.releases import Release
from bot.evidence.readable import check_readable
from bot.flow.release_moves import bell_to_judge
from bot.ports import Clock, Ids, Queue, Store, Transaction

MOST_BYTES = 32 * 1024 * 1024
ABOUT = ("candidate", "incumbent")
MEDIA = (
    "application/json",
    "application/x-ndjson",
    "text/csv",
    "application/vnd.apache.parquet",
    "application/schema+json",
)
LOOKING_SECONDS = 3.0
"""For the look at the door, by the wall clock. Gates look at all of it, whenever they are judged."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Pushed:
    """One piece of evidence as somebody brings it. `subject` is a release, or a service whose release is meant."""

    subject: str
    name: str
    media: str
    content: bytes
    about: str = "candidate"
    version: str = ""
    """The version that it is about, where the sender says so."""


class EvidenceDesk:
    """Keeps evidence for releases that are under way. It refuses what no gate could read, and never judges the rest."""

    def __init__(
        self, store: Store, queue: Queue, clock: Clock, ids: Ids, configuration: Callable[[], Configuration]
    ) -> None:
        self._store = store
        self._queue = queue
        self._clock = clock
        self._ids = ids
        self._configuration = configuration

    def keep(self, pushed: Pushed, actor: Actor) -> Evidence:
        """Keep it. Refused for a viewer and for a release that is over, NotFound, BadInput where it is no evidence."""
        if actor.role.rank < Role.OPERATOR.rank:
            raise Refused(f"{actor.name} may not push evidence", why=f"it needs the role {Role.OPERATOR}")
        _check(pushed)
        end = self._clock.monotonic() + LOOKING_SECONDS
        is_over = lambda: self._clock.monotonic() > end  # noqa: E731 - one line, one use
        check_readable(pushed.content, name=pushed.name, media=pushed.media, is_over=is_over)
        with self._store.write() as tx:
            release = self._release(tx, pushed.subject)
            tx.lock_services((release.service,))
            release = tx.release(release.id) or release
            if not release.is_in_flight:
                raise Refused(f"Release {release.id} is {release.status}", next="evidence about it changes nothing")
            evidence = self._evidence(pushed, release, actor)
            tx.keep_file(KeptFile(evidence.sha256, evidence.size, pushed.content, evidence.at))
            data = {"release": release.id, "name": evidence.name, "sha256": evidence.sha256, "about": evidence.about}
            tx.add(evidence, AuditEntry(evidence.at, actor.name, "evidence.kept", f"evidence:{evidence.id}", data))
            walk = tx.walk(release.id)
            if walk is not None and release.stage:
                tx.save(replace(walk, judge_at=evidence.at))
        self._queue.ring([bell_to_judge(release.id)])
        return evidence

    def _release(self, tx: Transaction, subject: str) -> Release:
        if release := tx.release(subject):
            return release
        policies = self._configuration().policies
        found = tx.latest_releases([subject]).get(subject) if subject in policies else None
        if found is None:
            raise NotFound(f"No release {subject!r}", next="`andon release list` shows what there is")
        return found

    def _evidence(self, pushed: Pushed, release: Release, actor: Actor) -> Evidence:
        own = release.candidate if pushed.about == "candidate" else release.incumbent
        return Evidence(
            id=self._ids.new("evd"),
            service=release.service,
            release_id=release.id,
            name=pushed.name,
            media=pushed.media,
            sha256=digest_of(pushed.content),
            size=len(pushed.content),
            at=self._clock.now(),
            by=actor.name,
            about=pushed.about,
            version=pushed.version or own,
        )


def _check(pushed: Pushed) -> None:
    if not _NAME.fullmatch(pushed.name) or pushed.name.startswith("judged"):
        raise BadInput(f"{pushed.name[:80]!r} is no name of evidence", next="letters, digits, `.`, `_` and `-`")
    if pushed.media not in MEDIA:
        raise BadInput(f"Evidence of the type {pushed.media[:80]!r} is not taken", next=f"types: {', '.join(MEDIA)}")
    if pushed.about not in ABOUT:
        raise BadInput("Evidence is about the candidate or the incumbent", next=f"about: {', '.join(ABOUT)}")
    if not pushed.content:
        raise BadInput("The evidence is empty", next="nothing was kept")
    if len(pushed.content) > MOST_BYTES:
        raise BadInput(f"The evidence is larger than {MOST_BYTES // 1024**2} MiB", next="aggregate it, or pull it")
