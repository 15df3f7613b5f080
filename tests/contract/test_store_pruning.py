"""What the store promises of retention: what is past its time and not held goes, and the audit says so and verifies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text
from support.store_records import (
    AT,
    approval,
    audit_entry,
    decision,
    event,
    incident,
    new_id,
    notice,
    release,
    run,
    timeline_entry,
)

from bot.adapters.sql import SqlStore
from bot.adapters.sql.people_tables import minutes
from bot.domain.attachments import KeptFile
from bot.domain.canaries import AffectedKeys, ObservationBatch
from bot.domain.gates import Evidence
from bot.domain.incidents import Incident, IncidentStatus
from bot.domain.keeping import Hold, HoldKind, Keep, Kind, Pruned, Retention
from bot.domain.records import AuditEntry, NoticeStatus
from bot.domain.releases import Release, ReleaseStatus
from bot.domain.report_facts import Fact
from bot.domain.runs import RunStatus

LATER = AT + timedelta(days=100)
ALL = Retention(keep=Keep.model_validate({str(kind): "90d" for kind in Kind}))


def _prune(store: SqlStore, retention: Retention = ALL, *, dry: bool = False) -> Pruned:
    return store.prune(retention, LATER, dry=dry)


def _story(store: SqlStore, service: str) -> Incident:
    """An incident that was resolved long ago, with what hangs on it."""
    came = event(incident_ids=())
    over = incident(
        service=service, environment=new_id("env"), status=IncidentStatus.RESOLVED, resolved_at=AT, event_id=came.id
    )
    ended = run(service=service, incident_id=over.id, event_id=came.id, status=RunStatus.SUCCEEDED, finished_at=AT)
    told = notice(
        service=service,
        incident_id=over.id,
        run_id=ended.id,
        status=NoticeStatus.SENT,
        subject="s",
        body="b",
        sent_at=AT,
    )
    with store.write() as tx:
        tx.lock_services([service])
        tx.add(
            came,
            over,
            ended,
            approval(ended),
            decision(came, service=service, incident_id=over.id, run_id=ended.id),
            timeline_entry(over, "it was over"),
            told,
            AuditEntry(AT, "olga", "run.planned", f"run:{ended.id}", {"why": "a reason of somebody"}),
            AuditEntry(AT, "olga", "service.noted", f"service:{service}", {"why": "another one"}),
        )
    return over


def _counts(store: SqlStore) -> Mapping[str, int]:
    names = ("events", "incidents", "runs", "run_plans", "run_steps", "approvals", "decisions", "timeline", "notices")
    with store.engine.connect() as connection:
        return {one: connection.execute(text(f"SELECT count(*) FROM {one}")).scalar_one() for one in names}


def test_an_incident_goes_with_all_that_hangs_on_it_and_its_event_loses_its_body(store: SqlStore) -> None:
    _story(store, "scores")
    found = _prune(store)
    assert found.is_all
    assert {kind: found.counts[kind] for kind in (Kind.EVENT_BODIES, Kind.INCIDENTS, Kind.AUDIT_DATA)} == {
        Kind.EVENT_BODIES: 1,
        Kind.INCIDENTS: 1,
        Kind.AUDIT_DATA: 2,
    }
    counts = _counts(store)
    assert counts["events"] == 1
    assert sum(counts.values()) == 1
    with store.read() as tx:
        [kept] = tx.events(limit=2)
        entries = [entry for _, entry in tx.audit_entries(limit=10)]
    assert kept.headers == {}
    assert [entry.data for entry in entries[:2]] == [{}, {}]
    assert (entries[-1].action, entries[-1].data["removed"]["incidents"]) == ("audit.erased", 1)
    report = store.audit_report()
    assert (report.fault, report.erased) == (None, 2)


@pytest.mark.parametrize("kind", [HoldKind.SERVICE, HoldKind.INCIDENT])
def test_nothing_of_what_is_held_goes_until_the_hold_is_released(store: SqlStore, kind: HoldKind) -> None:
    held, _ = _story(store, "held"), _story(store, "free")
    subject = "held" if kind is HoldKind.SERVICE else held.id
    hold = Hold(new_id("hld"), kind, subject, "a lawsuit", "ada", AT)
    with store.write() as tx:
        tx.save(hold)
    found = _prune(store)
    # A hold on an incident is none on its service, whose own entry loses its data.
    data = 2 if kind is HoldKind.SERVICE else 3
    assert (found.counts[Kind.INCIDENTS], found.counts[Kind.EVENT_BODIES], found.counts[Kind.AUDIT_DATA]) == (
        1,
        1,
        data,
    )
    with store.read() as tx:
        assert [one.id for one in tx.incidents(limit=5)] == [held.id]
        [told] = tx.notices(incident_id=held.id)
        assert (told.subject, told.body) == ("s", "b")
        tx_event = tx.event(held.event_id or "")
    assert tx_event is not None
    assert tx_event.body
    with store.write() as tx:
        tx.save(hold.released("ada", "it is over", LATER))
    assert _prune(store).counts[Kind.INCIDENTS] == 1
    assert store.verify_audit() is None


def test_what_is_not_named_or_not_old_enough_stays(store: SqlStore) -> None:
    _story(store, "scores")
    before = _counts(store)
    assert _prune(store, Retention()).counts == {}
    young = Retention(keep=Keep.model_validate({str(kind): "101d" for kind in Kind}))
    assert set(_prune(store, young).counts.values()) == {0}
    assert _counts(store) == before
    store.seal()
    assert store.seal() is None  # where nothing went, nothing is said


def test_a_dry_run_tells_the_same_counts_and_changes_nothing(store: SqlStore) -> None:
    _story(store, "scores")
    before = _counts(store)
    dry = _prune(store, dry=True)
    assert _counts(store) == before
    assert _prune(store).counts == dry.counts


def test_files_that_nothing_rests_on_go(store: SqlStore) -> None:
    with store.write() as tx:
        tx.keep_file(KeptFile("a" * 64, 3, b"old", AT))
        tx.keep_file(KeptFile("b" * 64, 3, b"new", LATER))
    assert _prune(store).counts[Kind.ATTACHMENTS] == 1
    with store.read() as tx:
        assert (tx.keeps_file("a" * 64), tx.keeps_file("b" * 64)) == (False, True)


@pytest.mark.parametrize("why", ["held", "open"])
def test_files_attached_to_an_incident_that_is_held_or_not_over_stay(store: SqlStore, why: str) -> None:
    over = incident(status=IncidentStatus.RESOLVED, resolved_at=AT) if why == "held" else incident()
    files = [{"name": "log.txt", "sha256": "a" * 64, "size": 3}]
    with store.write() as tx:
        tx.lock_services(["fraud-model"])
        tx.keep_file(KeptFile("a" * 64, 3, b"old", AT))
        tx.add(over, Fact(new_id("fct"), over.id, "files", files, "said by olga", AT))
        if why == "held":
            tx.save(Hold(new_id("hld"), HoldKind.INCIDENT, over.id, "a lawsuit", "ada", AT))
    assert _prune(store).counts[Kind.ATTACHMENTS] == 0
    with store.read() as tx:
        assert tx.keeps_file("a" * 64)


def test_an_incident_goes_however_much_hangs_on_it(store: SqlStore) -> None:
    """Each database knows a most of values in one statement: 32,766 and 65,535."""
    over, many = _story(store, "scores"), 70_000
    values = {
        "incident_id": over.id, "service": "scores", "kind": "action_item", "status": "open", "text": "x", "by": "olga",
        "at": AT, "due_text": "", "options": (), "reason": "", "answer": "", "source": {}, "reminders": 0,
        "revision": 1,
    }  # fmt: skip
    with store.engine.begin() as connection:
        connection.execute(insert(minutes), [{"id": f"min-{number}", **values} for number in range(many)])
    assert _prune(store).counts[Kind.INCIDENTS] == 1
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM minutes")).scalar_one() == 0


def test_contents_of_evidence_go_once_only_releases_that_are_over_rest_on_them(store: SqlStore) -> None:
    old, new = (release(opened_at=AT + timedelta(days=day), candidate=str(42 + day)) for day in (0, 1))
    with store.write() as tx:
        tx.lock_services(["fraud-model"])
        tx.add(replace(old, status=ReleaseStatus.ENDORSED), new)
        for digest in "abc":
            tx.keep_file(KeptFile(digest * 64, 3, b"old", AT))
        tx.add(_evidence(old, "a"), _evidence(old, "b"), _evidence(new, "b"), _evidence(old, "c", at=LATER))
    found = _prune(store, Retention(keep=Keep(evidence=timedelta(days=90))))
    assert found.counts == {Kind.EVIDENCE: 1}
    with store.read() as tx:
        assert [tx.keeps_file(digest * 64) for digest in "abc"] == [False, True, True]
        assert len(tx.evidence_of(old.id)) == 3
        entry = tx.audit_entries(limit=9)[-1][1]
    assert entry.data["files"] == ["a" * 64]
    store.seal()
    assert store.verify_audit() is None


def test_observations_go_once_folded_and_their_release_is_over_and_followed_by_another(store: SqlStore) -> None:
    old, new = (release(opened_at=AT + timedelta(days=day), candidate=str(42 + day)) for day in (0, 1))
    with store.write() as tx:
        tx.lock_services(["fraud-model"])
        tx.add(replace(old, status=ReleaseStatus.ENDORSED), new)
        for of, key, received_at in (
            (old, "folded", AT),
            (old, "waiting", AT),
            (old, "late", LATER),
            (new, "of the next", AT),
        ):
            tx.keep_batch(ObservationBatch(new_id("obs"), of.id, key, received_at, "text/csv", "", key, b"a,b"))
        tx.add(*(AffectedKeys(of.id, at, 1, b"k") for of, at in ((old, AT), (old, LATER), (new, AT))))
    with store.engine.begin() as connection:
        statement = text("UPDATE observation_batches SET folded_at = received_at WHERE key <> 'waiting'")
        connection.execute(statement)
    found = _prune(store, Retention(keep=Keep(observations=timedelta(days=90))))
    assert found.counts == {Kind.OBSERVATIONS: 2}, "a batch, and the keys of that time"
    with store.engine.connect() as connection:
        left = connection.execute(text("SELECT key FROM observation_batches ORDER BY key")).scalars().all()
    assert left == ["late", "of the next", "waiting"]
    with store.read() as tx:
        assert [one.at for _, one in tx.affected_keys(old.id)] == [LATER]
        assert len(tx.affected_keys(new.id)) == 1
    store.seal()
    assert store.verify_audit() is None


def _evidence(of: Release, digest: str, **changes: Any) -> Evidence:
    values: dict[str, Any] = {
        "id": new_id("evd"),
        "release_id": of.id,
        "service": of.service,
        "name": "load-test",
        "media": "text/plain",
        "sha256": digest * 64,
        "size": 3,
        "at": AT,
        "by": "ci",
    }
    return Evidence(**values | changes)


def test_everything_is_exported_as_json_lines_whose_digests_are_told(store: SqlStore, tmp_path: Path) -> None:
    over = _story(store, "scores")
    with store.write() as tx:
        tx.add(*(audit_entry(number) for number in range(5_000)))
    folder = tmp_path / "out"
    folder.mkdir()
    told = store.export(folder)
    assert "accesses" not in told
    assert {path.stem for path in folder.iterdir()} == set(told)
    for name, one in told.items():
        raw = (folder / f"{name}.jsonl").read_bytes()
        assert (one["rows"], one["sha256"]) == (raw.count(b"\n"), hashlib.sha256(raw).hexdigest())
    rows: list[dict[str, Any]] = [json.loads(line) for line in (folder / "incidents.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [over.id]
    assert told["audit"]["rows"] == 5_002
    [came] = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert set(came["body"]) == {"base64"}
