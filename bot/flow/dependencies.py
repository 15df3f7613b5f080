"""Records the dependencies of a release that nobody planned, once each."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from bot.domain.dependencies import ServiceChange, services_read, unplanned
from bot.domain.errors import BadInput
from bot.domain.events import ANDON
from bot.domain.live import BASELINE
from bot.domain.manifests import Manifest, read_manifest
from bot.domain.records import AuditEntry
from bot.domain.releases import Release
from bot.domain.strict_json import parse_json
from bot.domain.walks import LiveVersion, UnplannedDependency
from bot.ports import Ids, Transaction

WINDOW = timedelta(days=1)
"""So long before the release was opened a change of another service still counts."""
_MOST = 1000


def manifest_of(tx: Transaction, release_id: str) -> Manifest | None:
    """The manifest that a release was started with; None where it has none that can be read."""
    walk = tx.walk(release_id)
    file = tx.kept_file(walk.manifest_digest) if walk is not None and walk.manifest_digest else None
    if file is None:
        return None
    try:
        return read_manifest(parse_json(file.content))
    except BadInput:
        return None


def find_unplanned(
    tx: Transaction,
    release: Release,
    manifest: Manifest,
    now: datetime,
    ids: Ids,
    *,
    depends_on: Collection[str] = (),
    window: timedelta = WINDOW,
) -> list[UnplannedDependency]:
    """Those that are new, written down with a row of the audit trail each; `why` is the line for the release's owner.

    `depends_on` is the policy's. The service of the release has to be locked, so that each is found once.
    """
    known = {(one.on_service, one.what) for one in tx.unplanned_dependencies(release.id)}
    others = [one.name for one in tx.services() if one.name != release.service]
    since = release.opened_at - window
    changes = [change for name in services_read(manifest, others) for change in _changes(tx, name, since, now)]
    made = [
        UnplannedDependency(ids.new("dep"), release.id, one.on_service, one.what, now, one.why)
        for one in unplanned(manifest, release.service, depends_on, changes)
        if (one.on_service, one.what) not in known
    ]
    for one in made:
        data = {"on": one.on_service, "what": one.what, "why": one.why}
        tx.add(one, AuditEntry(now, ANDON.name, "dependency.unplanned", f"release:{release.id}", data))
    return made


def _changes(tx: Transaction, service: str, since: datetime, now: datetime) -> Iterator[ServiceChange]:
    for row in tx.live_versions(service, until=now, limit=_MOST):
        if row.since < since:
            return
        if row.how != BASELINE and row.version is not None:
            yield ServiceChange(service, row.since, row.version, row.how, _provides(tx, row))


def _provides(tx: Transaction, row: LiveVersion) -> tuple[str, ...] | None:
    manifest = manifest_of(tx, row.release_id) if row.release_id else None
    return manifest.provides if manifest is not None else None
