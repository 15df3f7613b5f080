"""What the store promises of erasing: no trace of the person, the trail verifies, and no erasure goes unseen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from support.audit_attacks import chain_as_before
from support.store_records import (
    AT,
    approval,
    audit_entry,
    event,
    incident,
    new_id,
    notice,
    policy_version,
    run,
    timeline_entry,
)

from bot.adapters.keyring import Keyring
from bot.adapters.sql import SqlStore, open_store
from bot.domain.access import Access, AccessKind
from bot.domain.attachments import KeptFile
from bot.domain.erasures import Erased, Erasure
from bot.domain.events import Role
from bot.domain.incidents import IncidentStatus
from bot.domain.postmortems import Lesson, Postmortem, PostmortemComment, Section, SectionText, SignOff
from bot.domain.records import AuditEntry
from bot.flow.result_records import result_digest

IDS = ("U0LENA0012", "lena@example.com", "token-lena")
PERSON = Erasure(IDS, "erased-0123456789", "ada", "asked for by letter")


def _fill(store: SqlStore) -> None:
    """Records of every kind that names people."""
    opened = incident(owner="U0LENA0012", title="Predictions diverge, says Token-Lena")
    going = run(requested_by="token-lena", facts={"by": "lena@example.com", "n": [1, {"deep": "<@U0LENA0012>"}]})
    with store.write() as tx:
        tx.lock_services(["fraud-model"])
        tx.add(
            event(actor="token-lena", body=b'{"user": {"id": "U0LENA0012"}, "bytes": "\xc3\xbc"}'),
            opened,
            going,
            approval(going, answered_by="U0LENA0012"),
            timeline_entry(opened, "halted by token-lena (LENA@example.com)", actor="token-lena"),
            notice(audience="person:U0LENA0012", address="lena@example.com", facts={"by": "token-lena"}),
            Access("d" * 64, AccessKind.SESSION, "token-lena", Role.ADMIN, "csrf", AT + timedelta(days=9000)),
        )
        tx.save(policy_version("roles:\n  champion: [U0LENA0012]\n", author="Lena <lena@example.com>"))
        tx.add(*(audit_entry(number, actor="token-lena" if number % 2 else "olga") for number in range(10)))
        tx.add(AuditEntry(AT, "olga", "run.approve", "person:U0LENA0012", {"to": ["lena@example.com", "olga"]}))


def _erase(store: SqlStore, erasure: Erasure = PERSON, *, dry: bool = False) -> Erased:
    return store.erase(erasure, AT, result_digest, dry=dry)


def _traces(address: str, tmp_path: Path) -> list[str]:
    """Where the person can still be read: in the files of SQLite, in every value of PostgreSQL."""
    if address.startswith("sqlite"):
        files = [path for path in tmp_path.iterdir() if path.name.startswith("andon.db")]
        return [
            f"{path.name}: {one}" for path in files for one in IDS if one.lower().encode() in path.read_bytes().lower()
        ]
    found = []
    with psycopg.connect(address) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        for (table,) in tables.fetchall():
            with connection.cursor().copy(f'COPY "{table}" TO STDOUT') as copied:
                content = b"".join(bytes(part) for part in copied).lower()
            found += [f"{table}: {one}" for one in IDS if one.lower().encode() in content]
        stats = str(
            connection.execute("SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats").fetchall()
        )
        found += [f"statistics: {one}" for one in IDS if one.lower() in stats.lower()]
    return found


def test_the_words_of_postmortems_are_erased_too(store: SqlStore, address: str, tmp_path: Path) -> None:
    over = incident(status=IncidentStatus.RESOLVED, resolved_at=AT)
    with store.write() as tx:
        tx.lock_services(["fraud-model"])
        tx.add(over)
        tx.save(Postmortem(over.id, "fraud-model", AT, owner="U0LENA0012"))
        tx.add(
            SectionText(over.id, Section.SUMMARY, 1, "Lena (lena@example.com) looked", "U0LENA0012", AT),
            PostmortemComment(new_id("pmc"), over.id, AT, "token-lena", "so says U0LENA0012"),
            Lesson(new_id("lsn"), over.id, AT, "token-lena", "ask <@U0LENA0012>", "+ champion: [U0LENA0012]"),
            SignOff(over.id, "champion", 1, "U0LENA0012", AT),
        )
    assert _traces(address, tmp_path) != []
    found = _erase(store)
    assert {name for name in found.rows if name.startswith("postmortem")} == {
        "postmortem_comments", "postmortem_lessons", "postmortem_sign_offs", "postmortem_texts", "postmortems",
    }  # fmt: skip
    assert _traces(address, tmp_path) == []


def test_no_trace_of_the_person_is_left_and_the_trail_verifies(
    store: SqlStore, address: str, tmp_path: Path, kind: str
) -> None:
    _fill(store)
    anchor = store.seal()
    assert anchor is not None
    assert _traces(address, tmp_path) != []
    found = _erase(store)
    assert found.is_compact
    assert found.rows["audit"] == 6
    assert set(found.rows) == {
        "accesses", "approvals", "audit", "events", "incidents", "notices", "policy_versions", "run_plans", "runs",
        "timeline",
    }  # fmt: skip
    assert _traces(address, tmp_path) == []
    report = store.audit_report([anchor])
    assert (report.fault, report.erased) == (None, 6)
    with store.read() as tx:
        [one] = tx.incidents(limit=2)
        entries = [entry for _, entry in tx.audit_entries(limit=100)]
    assert (one.owner, one.title) == ("erased-0123456789", "Predictions diverge, says erased-0123456789")
    assert entries[1].actor == "erased-0123456789"
    assert entries[10].data == {"to": ["erased-0123456789", "olga"]}
    assert (entries[-1].action, entries[-1].actor, entries[-1].subject) == (
        "audit.erased", "ada", "person:erased-0123456789",
    )  # fmt: skip
    assert entries[-1].data["rows"] == 6
    assert kind in ("sqlite", "postgresql")


def test_a_dry_run_says_the_same_and_changes_nothing(store: SqlStore) -> None:
    _fill(store)
    before = store.seal()
    found = _erase(store, dry=True)
    assert store.seal() is None
    report = store.audit_report()
    assert report.head is not None
    assert (report.head.position, report.erased) == (before and before[0], 0)
    assert _erase(store).rows == found.rows


def test_two_people_in_the_same_rows_are_erased_one_after_the_other(store: SqlStore) -> None:
    _fill(store)
    _erase(store)
    olga = Erasure(("olga",), "erased-aaaaaaaaaa", "token-lena", "left the company")
    assert _erase(store, olga).rows["audit"] == 6
    self_erased = Erasure(("ada",), "erased-bbbbbbbbbb", "ada", "her own wish")
    assert _erase(store, self_erased).rows["audit"] == 1  # the entry that says what she erased
    report = store.audit_report()
    assert (report.fault, report.erased) == (None, 12)
    with store.read() as tx:
        actors = {entry.actor for _, entry in tx.audit_entries(limit=100)}
    assert actors == {"erased-0123456789", "erased-aaaaaaaaaa", "erased-bbbbbbbbbb", "token-lena"}


def test_rows_that_were_chained_before_digests_were_kept_are_erased_too(store: SqlStore) -> None:
    _fill(store)
    with store.engine.begin() as connection:
        chain_as_before(connection)
    assert _erase(store).rows["audit"] == 6
    report = store.audit_report()
    assert (report.fault, report.erased) == (None, 6)


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE audit SET actor = 'mallory' WHERE id = 2",
        "UPDATE audit SET actor = 'mallory' WHERE id = 1",
        "UPDATE audit SET erased = 0 WHERE id = 2",
        "UPDATE audit SET erased = 2 WHERE id = 2",
        "DELETE FROM audit_erasures WHERE audit_id = 2",
        "UPDATE audit_erasures SET audit_id = 1 WHERE audit_id = 2",
        "UPDATE audit_erasures SET entry_id = 3 WHERE audit_id = 2",
        'UPDATE audit_erasures SET "after" = before WHERE audit_id = 2',
        'UPDATE audit_erasures SET before = "after" WHERE audit_id = 2',
        "UPDATE audit SET data = '{}' WHERE action = 'audit.erased'",
        "UPDATE audit SET action = 'audit.kept' WHERE action = 'audit.erased'",
        "DELETE FROM audit_erasures",
        "DELETE FROM audit WHERE action = 'audit.erased'",
    ],
)
def test_whatever_is_done_to_an_erasure_afterwards_is_found(
    store: SqlStore, tamper: Callable[[str], None], attack: str
) -> None:
    _fill(store)
    _erase(store)
    tamper(attack)
    assert store.verify_audit() is not None


def test_an_erasure_that_an_attacker_enters_is_found(store: SqlStore, tmp_path: Path, address: str) -> None:
    """The entry is there, its list is signed, by a key of the attacker's; or it is one that speaks of nothing."""
    _fill(store)
    store.seal()
    with closing(open_store(address, keys=Keyring(tmp_path / "stranger"))) as stranger:
        _erase(stranger)
    assert store.verify_audit() is not None


def test_an_entry_about_an_erasure_that_was_not_made_is_found(store: SqlStore) -> None:
    with store.write() as tx:
        said = {"rows": 0, "digest": "0" * 64, "gate_results": {"gtr-1": "f" * 64}, "key_id": "k", "signature": "00"}
        tx.add(audit_entry(1), AuditEntry(AT, "mallory", "audit.erased", "person:x", said))
    store.seal()
    fault = store.verify_audit()
    assert fault is not None
    assert "not made by us" in fault.problem


def test_files_that_are_kept_under_their_digest_are_named_and_left(store: SqlStore) -> None:
    with store.write() as tx:
        tx.keep_file(KeptFile("a" * 64, 20, b"author: token-lena", AT))
        tx.keep_file(KeptFile("b" * 64, 20, b"author: token-lenart", AT))
    assert _erase(store).files == ("a" * 64,)
    with store.read() as tx:
        kept = tx.kept_file("a" * 64)
    assert kept is not None
    assert kept.content == b"author: token-lena"


def test_a_plan_that_was_approved_can_be_erased_from_and_otherwise_not_be_changed(store: SqlStore) -> None:
    _fill(store)
    _erase(store)
    with pytest.raises(DBAPIError, match="append-only"), store.engine.begin() as connection:
        connection.execute(text("UPDATE run_plans SET facts = '{}'"))
