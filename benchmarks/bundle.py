"""How long it takes to export the bundle of an incident with ten thousand timeline entries, and to verify it."""

from __future__ import annotations

import io
import random
import resource
import secrets
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from benchmarks.reports import Cell, Goal, Report, Table
from bot.adapters.bundles.bags import write_bundle
from bot.adapters.bundles.verifying import verify_bundle
from bot.adapters.identity import SystemClock
from bot.adapters.keyring import Keyring
from bot.adapters.secrets import EnvironmentSecrets
from bot.adapters.signing import SigningKey, open_signing_key
from bot.adapters.sql import SqlStore, open_store
from bot.domain.bundles import BundleKind, Draft
from bot.domain.events import Actor, Role
from bot.domain.policy_versions import FileKind, PolicyVersion, digest_of
from bot.domain.records import AuditEntry, NoticeStatus, TimelineEntry
from bot.flow.bundle_desk import BundleDesk
from tests.support import store_records as made
from tests.support.databases import KINDS, database

ENTRIES, EVENTS, NOTICES, OTHER_ROWS = 10_000, 3_000, 500, 100_000
LIMIT_SECONDS = 5.0
WHO = Actor("bench", Role.VIEWER)

METHOD = f"""
One incident with {ENTRIES:,} timeline entries, {EVENTS:,} alerts (each with its request, its decision and its audit
row), a run, and {NOTICES:,} notices with their words; beside it {OTHER_ROWS:,} audit rows about other things, because
the slice of the trail is looked for in all of it. Twelve secrets of 32 characters are known and looked for in every
text. Exported through `BundleDesk`, as the command and the route do it, into a file on the same disk, once apart and
then several times; the first one chains the whole trail, which the sealer would have done. Then the file is verified
with the public key. Times are by the wall clock and include SQL; the processor time of this process is shown beside
them. The greatest memory of the process is read before and after: it grows by what an export holds at once.
"""


def measure(*, quick: bool, seed: int) -> Report:
    """Both databases."""
    report = Report("bundle", "The bundle of a large incident", METHOD, seed)
    rows: list[tuple[Cell, ...]] = []
    share = 20 if quick else 1
    for kind in KINDS:
        with tempfile.TemporaryDirectory(prefix="andon-bundle-") as name, _store(kind, Path(name)) as store:
            incident = _fill(store, random.Random(seed), share)
            key = open_signing_key(Path(name), None)
            rows += _measured(report, kind, store, incident, key, Path(name), times=2 if quick else 7)
    report.tables.append(Table("Seconds", ("database", "what", "median", "least", "most"), tuple(rows)))
    return report


def _measured(
    report: Report, kind: str, store: SqlStore, incident: str, key: SigningKey, folder: Path, *, times: int
) -> list[tuple[Cell, ...]]:
    desk = _desk(store, key)
    path = folder / "bundle.zip"
    first = _seconds(lambda: _export(desk, incident, path))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    busy = time.process_time()
    exports = sorted(_seconds(lambda: _export(desk, incident, path)) for _ in range(times))
    busy = (time.process_time() - busy) / times
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    checks = sorted(_seconds(lambda: _verify(path, key)) for _ in range(times))
    raw = path.read_bytes()
    size, packed = len(raw), len(zlib.compress(raw, 6))
    report.goals.append(Goal(f"{kind}: export of {ENTRIES:,} entries, median", _mid(exports), LIMIT_SECONDS, "s"))
    report.notes.append(
        f"{kind}: the file has {size / 1e6:.1f} MB (gzip would make {packed / 1e6:.1f} MB of it, in transport); the "
        f"process grew by {(after - before) / 1024:.1f} MiB during the measured exports; "
        f"an export took {busy:.2f} s of this process's processor time; the first one, which chained the trail, "
        f"took {first:.2f} s"
    )
    return [
        (kind, what, round(_mid(found), 3), round(found[0], 3), round(found[-1], 3))
        for what, found in (("export", exports), ("verify", checks))
    ]


def _desk(store: SqlStore, key: SigningKey) -> BundleDesk:
    known = EnvironmentSecrets({f"ANDON_SECRET_{number}": secrets.token_urlsafe(24) for number in range(12)})

    def write(draft: Draft, out: BinaryIO) -> None:
        write_bundle(draft, key, out)

    return BundleDesk(store=store, clock=SystemClock(), secrets=known, own_secrets=known.redact, write=write)


def _export(desk: BundleDesk, incident: str, path: Path) -> None:
    with path.open("w+b") as out:
        desk.export(BundleKind.INCIDENT, incident, WHO, out)


def _verify(path: Path, key: SigningKey) -> None:
    found = verify_bundle(path, [key.public_pem])
    if not (found.is_whole and found.is_trusted):
        raise RuntimeError(f"the bundle does not verify: {found.problems}")


def _seconds(do: object) -> float:
    assert callable(do)
    started = time.perf_counter()
    do()
    return time.perf_counter() - started


def _mid(values: list[float]) -> float:
    return values[len(values) // 2]


@contextmanager
def _store(kind: str, folder: Path) -> Iterator[SqlStore]:
    with database(kind, folder) as address:
        store = open_store(address, keys=Keyring(folder))
        store.upgrade()
        try:
            yield store
        finally:
            store.close()


def _fill(store: SqlStore, rng: random.Random, share: int) -> str:
    """The incident's id."""
    text = "service: fraud-model\n"
    version = PolicyVersion(FileKind.POLICY, "fraud-model", digest_of(text.encode()), text, made.AT, made.AT)
    incident = made.incident()
    with store.write() as tx:
        tx.save(version)
        tx.add(incident, made.run(incident_id=incident.id))
    for start in range(0, EVENTS // share, 500):
        with store.write() as tx:
            for number in range(start, start + 500):
                _alert(tx, incident.id, number, version.digest)
    for start in range(0, ENTRIES // share, 1_000):
        with store.write() as tx:
            tx.add(*(_entry(incident.id, number, rng) for number in range(start, start + 1_000)))
    with store.write() as tx:
        tx.add(*(_notice(incident.id, number) for number in range(NOTICES // share)))
    for start in range(0, OTHER_ROWS // share, 5_000):
        with store.write() as tx:
            tx.add(*(_other(start + number) for number in range(5_000)))
    return incident.id


def _alert(tx: object, incident: str, number: int, digest: str) -> None:
    event = made.event(body=io.BytesIO(b'{"alerts": [' + b'{"labels": {"alertname": "Drift"}},' * 20 + b"{}]}").read())
    alert = {"labels": {"alertname": "Drift", "number": str(number)}, "annotations": {"summary": "scores drift " * 5}}
    decision = made.decision(event, incident_id=incident, policy_digest=digest, service="fraud-model", alert=alert)
    at = made.AT + timedelta(seconds=number)
    row = AuditEntry(
        at, "andon", "decision.note", f"event:{event.id}", {"decision": decision.id, "reason": "none holds"}
    )
    tx.add(event, replace(decision, at=at), row)  # type: ignore[attr-defined]


def _entry(incident: str, number: int, rng: random.Random) -> TimelineEntry:
    words = " ".join(
        rng.choice(("alert", "holds", "divergence", "the", "run", "restored", "0.0132")) for _ in range(20)
    )
    at = made.AT + timedelta(seconds=number)
    return TimelineEntry(made.new_id("tml"), incident, at, "alert", words, data={"decision": f"dec-{number}"})


def _notice(incident: str, number: int) -> object:
    body = f"The incumbent serves again ({number}). " * 20
    return made.notice(incident_id=incident, body=body, status=NoticeStatus.SENT)


def _other(number: int) -> AuditEntry:
    return AuditEntry(made.AT, "andon", "step.outcome", f"run:other-{number}", {"outcome": "done", "number": number})
