"""What the store promises about the audit trail: append-only, chained, and every change of it found."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread
from uuid import uuid4

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from support.audit_attacks import chain_as_before, drop_triggers
from support.old_schemas import upgrade_to
from support.store_records import audit_entry

from bot.adapters.keyring import Keyring
from bot.adapters.sql import SqlStore, open_store
from bot.domain.errors import Refused

Head = tuple[int, str]
FORGED = "'2026-11-20T11:00:00.000000+00:00', 'x', 'x', 'x', '{}'"


def _write(store: SqlStore, numbers: range) -> None:
    with store.write() as tx:
        tx.add(*(audit_entry(number) for number in numbers))


def _sealed(store: SqlStore, rows: int = 10) -> Head:
    _write(store, range(rows))
    head = store.seal()
    assert head is not None
    return head


def _bad_position(store: SqlStore, *heads: Head) -> int | None:
    fault = store.verify_audit(heads)
    return fault.position if fault else None


def test_entries_come_back_oldest_first_with_their_numbers(store: SqlStore) -> None:
    _write(store, range(5))
    with store.read() as tx:
        rows = tx.audit_entries(limit=3)
        rest = tx.audit_entries(limit=9, after=rows[-1][0])
    assert [entry for _, entry in [*rows, *rest]] == [audit_entry(number) for number in range(5)]
    assert [number for number, _ in [*rows, *rest]] == sorted({number for number, _ in [*rows, *rest]})


@pytest.mark.parametrize("table", ["audit", "audit_seals", "audit_heads"])
@pytest.mark.parametrize("word", ["update", "delete", "truncate", "replace"])
def test_the_trail_its_chain_and_its_heads_refuse_changes(store: SqlStore, kind: str, table: str, word: str) -> None:
    _sealed(store)
    replace = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"
    if kind == "postgresql":
        key = "id" if table == "audit" else "position"
        columns = "id, at, actor, action, subject, data, erased" if table == "audit" else "*"
        replace = (
            f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT {columns} FROM {table} "
            f"ON CONFLICT ({key}) DO UPDATE SET {key} = EXCLUDED.{key}"
        )
    statement = {
        "update": f"UPDATE {table} SET {'actor' if table == 'audit' else 'hash'} = 'x'",
        "delete": f"DELETE FROM {table}",
        "truncate": f"TRUNCATE {table}" if kind == "postgresql" else f"DELETE FROM {table} WHERE true",
        "replace": replace,
    }[word]
    with pytest.raises(DBAPIError, match="append-only"), store.engine.begin() as connection:
        connection.execute(text(statement))
    assert store.verify_audit() is None


def test_no_row_of_the_trail_is_emptied_without_an_entry_that_says_so(store: SqlStore) -> None:
    _sealed(store)
    change = "UPDATE audit SET actor = 'x', erased = erased + 1 WHERE id = 4"
    lists = "INSERT INTO audit_erasures (audit_id, entry_id, before, \"after\") VALUES (4, 9, 'a', 'b')"
    for statements in ((change,), (lists, change)):
        with pytest.raises(DBAPIError, match="append-only"), store.engine.begin() as connection:
            _carry_out(connection, statements)
    assert store.verify_audit() is None


def _carry_out(connection: Connection, statements: tuple[str, ...]) -> None:
    for statement in statements:
        connection.execute(text(statement))


def test_a_row_commits_with_its_cause_or_not_at_all(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="no"), store.write() as tx:  # noqa: PT012 - one unit of work
        tx.add(audit_entry(1))
        assert len(tx.audit_entries(limit=9)) == 1
        raise ValueError("no")
    with store.read() as tx:
        assert tx.audit_entries(limit=9) == []


def test_sealing_chains_what_is_new_and_says_where_the_chain_ends(store: SqlStore) -> None:
    assert store.seal() is None
    first = _sealed(store, 3)
    assert first[0] == 3
    assert len(first[1]) == 64
    assert store.seal() is None
    second = _sealed(store, 2)
    assert second[0] == 5
    assert second[1] != first[1]
    assert store.verify_audit([first, second]) is None


def test_more_rows_than_one_batch_are_chained_by_sealing_again(store: SqlStore) -> None:
    _write(store, range(10_500))
    heads = [store.seal(), store.seal(), store.seal()]
    assert [head and head[0] for head in heads] == [10_000, 10_500, None]
    assert store.verify_audit([head for head in heads if head]) is None


def test_rows_after_the_chain_only_wait_for_the_sealer(store: SqlStore) -> None:
    head = _sealed(store)
    _write(store, range(3))
    assert store.verify_audit([head]) is None


def test_several_sealers_at_once_make_one_chain(store: SqlStore, open_another: Callable[[], SqlStore]) -> None:
    stores, start, heads = [store, open_another(), open_another()], Barrier(6), list[Head]()

    def work(number: int) -> None:
        start.wait(10)
        for turn in range(8):
            if number < 3:
                _write(stores[number], range(turn * 10, turn * 10 + 5))
            else:
                heads.extend(filter(None, [stores[number - 3].seal()]))

    threads = [Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    last = store.seal()
    heads.extend([last] if last else [])
    assert max(position for position, _ in heads) == 120
    assert store.verify_audit(heads) is None


@pytest.mark.parametrize(
    ("column", "value"),
    [("actor", "'somebody'"), ("at", "'2026-11-20T11:33:31.000000+00:00'"), ("data", "'{\"number\": 4}'")],
)
def test_an_altered_row_is_named(store: SqlStore, tamper: Callable[[str], None], column: str, value: str) -> None:
    head = _sealed(store)
    tamper(f"UPDATE audit SET {column} = {value} WHERE id = 4")
    assert _bad_position(store, head) == 4
    fault = store.verify_audit()
    assert fault is not None
    assert "altered" in fault.problem


@pytest.mark.parametrize("column", ["at", "data"])
@pytest.mark.parametrize("value", ["x'00ff'", "CAST(x'ff' AS TEXT)"])
def test_a_row_of_which_a_value_is_no_text_any_more_is_named(tmp_path: Path, column: str, value: str) -> None:
    with closing(open_store(f"sqlite:///{tmp_path / 'andon.db'}", keys=Keyring(tmp_path))) as store:
        store.upgrade()
        _sealed(store)
        with store.engine.begin() as connection:
            drop_triggers(connection, "sqlite")
            connection.execute(text(f"UPDATE audit SET {column} = {value} WHERE id = 4"))
        assert _bad_position(store) == 4


def test_a_deleted_row_is_named(store: SqlStore, tamper: Callable[[str], None]) -> None:
    _sealed(store)
    tamper("DELETE FROM audit WHERE id = 7")
    assert _bad_position(store) == 7


def test_a_row_deleted_with_its_link_is_named(store: SqlStore, tamper: Callable[[str], None]) -> None:
    _sealed(store)
    tamper("DELETE FROM audit_seals WHERE audit_id = 7")
    tamper("DELETE FROM audit WHERE id = 7")
    assert _bad_position(store) == 7


def test_a_link_cut_out_is_found_though_the_positions_were_closed_up(
    store: SqlStore, tamper: Callable[[str], None]
) -> None:
    _sealed(store)
    tamper("DELETE FROM audit_seals WHERE position = 10")
    tamper("DELETE FROM audit_seals WHERE position = 3")
    for position in range(4, 10):
        tamper(f"UPDATE audit_seals SET position = {position - 1} WHERE position = {position}")
    assert _bad_position(store) == 3


def test_rows_that_changed_places_are_found(store: SqlStore, tamper: Callable[[str], None]) -> None:
    _sealed(store)
    for old, new in ((5, 99), (6, 5), (99, 6)):
        tamper(f"UPDATE audit SET id = {new} WHERE id = {old}")
    assert _bad_position(store) == 5


def test_links_that_changed_places_are_found(store: SqlStore, tamper: Callable[[str], None]) -> None:
    _sealed(store)
    for old, new in ((5, 99), (6, 5), (99, 6)):
        tamper(f"UPDATE audit_seals SET position = {new} WHERE position = {old}")
    assert _bad_position(store) == 5


def test_a_row_put_in_before_the_end_of_the_chain_is_found(store: SqlStore, tamper: Callable[[str], None]) -> None:
    _sealed(store)
    tamper("DELETE FROM audit WHERE id = 8")
    _write(store, range(1))
    assert _bad_position(store) == 8
    tamper(f"INSERT INTO audit (id, at, actor, action, subject, data) VALUES (0, {FORGED})")
    assert _bad_position(store) == 1


def test_a_row_with_a_number_that_the_chain_has_passed_is_found(store: SqlStore, tamper: Callable[[str], None]) -> None:
    _sealed(store)
    tamper(f"INSERT INTO audit (id, at, actor, action, subject, data) VALUES (-5, {FORGED})")
    fault = store.verify_audit()
    assert fault is not None
    assert fault.position == 1
    assert "put in" in fault.problem


def test_a_chain_cut_short_at_a_signed_head_is_found_with_an_anchor_only(
    store: SqlStore, tamper: Callable[[str], None]
) -> None:
    _sealed(store, 6)
    head = _sealed(store, 4)
    for table, column in (("audit_heads", "position"), ("audit_seals", "position"), ("audit", "id")):
        tamper(f"DELETE FROM {table} WHERE {column} > 6")
    assert store.verify_audit() is None  # nothing inside the database can tell
    assert _bad_position(store, head) == 7
    _write(store, range(9))
    assert store.seal() is not None  # grown again past the anchor
    assert _bad_position(store, head) == 10


def test_a_chain_cut_short_elsewhere_is_found_by_what_was_signed(
    store: SqlStore, tamper: Callable[[str], None]
) -> None:
    _sealed(store)
    tamper("DELETE FROM audit_seals WHERE position > 6")
    tamper("DELETE FROM audit WHERE id > 6")
    assert _bad_position(store) == 7
    tamper("DELETE FROM audit_heads")
    assert _bad_position(store) == 1


def test_a_chain_whose_end_was_not_signed_is_not_signed_on(store: SqlStore, tamper: Callable[[str], None]) -> None:
    _sealed(store)
    tamper("DELETE FROM audit_seals")
    tamper("UPDATE audit SET actor = 'somebody' WHERE id = 2")
    with pytest.raises(Refused, match="position 10, which was signed last"):
        store.seal()
    tamper("DELETE FROM audit_heads")
    assert store.seal() is not None  # as if nothing had ever been chained: only an anchor can tell
    assert store.verify_audit() is None
    assert _bad_position(store, (10, "0" * 64)) == 10


def test_the_signature_of_a_head_is_looked_at_before_it_is_signed_on(
    store: SqlStore, tamper: Callable[[str], None]
) -> None:
    _sealed(store)
    tamper("UPDATE audit_heads SET at = '2026-11-20T11:33:31.000000+00:00'")
    _write(store, range(1))
    with pytest.raises(Refused, match="signature of position 10"):
        store.seal()
    fault = store.verify_audit()
    assert fault is not None
    assert (fault.position, "not signed by its key" in fault.problem) == (10, True)


def test_heads_of_another_key_count_once_it_is_trusted(
    store: SqlStore, address: str, keys: Keyring, tmp_path: Path
) -> None:
    _sealed(store, 3)
    folder = tmp_path / "other"
    other = Keyring(folder)
    with closing(open_store(address, keys=other)) as second:
        _sealed(second, 3)  # another host with a key of its own goes on, and says nothing about the first key
        fault = second.verify_audit()
    assert fault is not None
    assert (fault.position, "not known here" in fault.problem) == (3, True)
    pem = tmp_path / "other.pem"
    pem.write_text(other.own().public_pem)
    trusting = Keyring(tmp_path, trusted=str(pem))
    with closing(open_store(address, keys=trusting)) as third:
        report = third.audit_report()
    assert report.fault is None
    assert (report.rows, report.heads, report.head and report.head.key_id) == (6, 2, other.own().id)
    assert set(trusting.known()) == {keys.own().id, other.own().id}


def test_rows_that_were_chained_before_heads_were_signed_stay_valid_up_to_the_first_head(
    store: SqlStore, kind: str, tamper: Callable[[str], None]
) -> None:
    _write(store, range(8))
    with store.engine.begin() as connection:
        chain_as_before(connection)
    assert store.verify_audit() is None
    head = _sealed(store, 4)
    report = store.audit_report([head])
    assert (report.rows, report.heads, report.anchors, report.fault) == (12, 1, 1, None)
    tamper("UPDATE audit SET actor = 'x' WHERE id = 5")
    assert _bad_position(store) == 5


def test_a_program_of_before_digests_cannot_chain_behind_a_signed_head(store: SqlStore) -> None:
    """Such as the clock of another host that was not stopped for the upgrade."""
    head = _sealed(store)
    _write(store, range(10, 12))
    link = f"INSERT INTO audit_seals (position, audit_id, hash, previous) VALUES (11, 11, '{'0' * 64}', '{head[1]}')"
    with pytest.raises(DBAPIError, match="append-only"), store.engine.begin() as connection:
        connection.execute(text(link))
    assert store.seal() is not None
    assert store.verify_audit([head]) is None


def test_a_trail_of_before_heads_were_signed_is_upgraded_and_verifies(
    open_another: Callable[[], SqlStore],
) -> None:
    store = open_another()
    upgrade_to(store, "0008")
    with store.engine.begin() as connection:
        for number in range(1, 21):
            row = f"INSERT INTO audit (at, actor, action, subject, data) VALUES ({FORGED.replace('x', f'x{number}')})"
            connection.execute(text(row))
        chain_as_before(connection)
    store.upgrade()
    assert store.verify_audit() is None
    head = _sealed(store, 4)
    report = store.audit_report([head])
    assert (report.rows, report.heads, report.fault) == (24, 1, None)


def test_a_row_that_commits_late_gets_a_later_position(
    kind: str, store: SqlStore, open_another: Callable[[], SqlStore]
) -> None:
    if kind == "sqlite":
        # One writer at a time: the second would wait for the first, and their numbers tell the order.
        assert _sealed(store, 2)[0] == 2
        return
    with open_another().write() as slow:
        slow.add(audit_entry(1))
        assert len(slow.audit_entries(limit=9)) == 1  # it has its number now, and is not committed
        head = _sealed(store, 3)
        assert head[0] == 3
    assert store.verify_audit([head]) is None  # it waits for the sealer, nothing was put in
    late = store.seal()
    assert late is not None
    assert late[0] == 4
    assert store.verify_audit([head, late]) is None


def test_a_role_with_the_documented_grants_writes_and_seals_and_cannot_change_the_trail(
    store: SqlStore, kind: str, address: str, keys: Keyring, checkout: Path
) -> None:
    if kind == "sqlite":
        # There are no roles: whoever may write the file may do anything to it, but through the triggers.
        assert "CREATE ROLE" in (checkout / "docs" / "audit.md").read_text("utf-8")
        return
    page = (checkout / "docs" / "audit.md").read_text("utf-8")
    role = f"andon_program_{uuid4().hex[:12]}"
    grants = page.partition("```sql\n")[2].partition("```")[0].replace("andon_program", role)
    with store.engine.begin() as connection:
        connection.execute(text(grants))
    with closing(open_store(make_url(address).set(username=role).render_as_string(), keys=keys)) as limited:
        _sealed(limited)
        assert limited.verify_audit() is None
        for statement in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit_heads", "TRUNCATE audit_seals"):
            with pytest.raises(DBAPIError, match="permission denied"), limited.engine.begin() as connection:
                connection.execute(text(statement))
    with store.engine.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {role}"))
        connection.execute(text(f"DROP ROLE {role}"))
