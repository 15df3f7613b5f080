"""What the store promises about its schema, its addresses and a database that is away."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier, Event, Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select, text
from support.databases import database
from support.old_schemas import put_incidents, upgrade_to
from support.store_records import AT, alert_state, decision, event, incident, run, timeline_entry

from bot.adapters.sql import SqlStore, open_store
from bot.adapters.sql.table_shapes import metadata
from bot.domain.errors import ConfigError, TryLater
from bot.domain.times import format_time

UPGRADE = "import sys; from bot.adapters.sql import open_store; store = open_store(sys.argv[1]); store.upgrade()"


def test_the_schema_is_current_after_an_upgrade_only(open_another: Callable[[], SqlStore]) -> None:
    store = open_another()
    assert not store.schema_is_current()
    store.upgrade()
    assert store.schema_is_current()
    store.upgrade()
    assert store.schema_is_current()
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    assert not store.schema_is_current()


def test_the_migrations_make_exactly_the_tables_of_the_code(store: SqlStore) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_partial_indexes_have_the_conditions_of_the_code(store: SqlStore, kind: str) -> None:
    query = (
        "SELECT name, sql FROM sqlite_master WHERE sql LIKE '% WHERE %' AND type = 'index'"
        if kind == "sqlite"
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexdef LIKE '% WHERE %'"
    )
    with store.engine.connect() as connection:
        found = {name: sql.partition(" WHERE ")[2] for name, sql in connection.execute(text(query))}
    declared = {
        index.name: str(index.dialect_options["sqlite"]["where"])
        for table in metadata.tables.values()
        for index in table.indexes
        if index.dialect_options["sqlite"]["where"] is not None
    }
    assert set(found) == set(declared)
    for name, condition in declared.items():
        words = {word.strip("'(),[]") for word in condition.split() if word.startswith(("'", "('"))}
        assert all(word in found[str(name)] for word in words), name


@pytest.mark.parametrize("kind", ["sqlite"])
def test_tables_are_their_own_index_where_the_code_says_so(store: SqlStore) -> None:
    with store.engine.connect() as connection:
        query = text("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '% WITHOUT ROWID'")
        found = set(connection.execute(query).scalars())
    assert found == {one.name for one in metadata.tables.values() if not one.dialect_options["sqlite"]["with_rowid"]}


def test_tables_that_are_made_anew_keep_their_rows(open_another: Callable[[], SqlStore]) -> None:
    tables = ("alert_states", "run_steps", "leases", "fences")
    store, cause, trouble = open_another(), event(), incident()
    upgrade_to(store, "0016")
    doing = [run(incident_id=trouble.id, event_id=cause.id), run(environment="eu", drill=True)]
    put_incidents(store, trouble)
    with store.write() as tx:
        tx.add(cause, *doing, alert_state(cause, "a"), alert_state(cause, "b"))
        claimed = [tx.claim(one, "me", timedelta(hours=1)) for one in doing]
    before = [_rows(store, name) for name in tables]
    assert all(len(rows) >= 2 for rows in before)

    store.upgrade()
    assert [_rows(store, name) for name in tables] == before
    with store.write() as tx:
        for lease in claimed:
            assert lease is not None
            tx.confirm(lease, live=True)
        assert tx.claim(doing[0], "another", timedelta(hours=1)) is None
        assert tx.run(doing[0].id) == doing[0]


def test_incidents_of_earlier_versions_get_the_beginning_that_their_alerts_stated(
    open_another: Callable[[], SqlStore],
) -> None:
    store, minute, later = open_another(), timedelta(minutes=1), event()
    upgrade_to(store, "0017")
    began = AT.replace(microsecond=396_000)  # alerts are written to the millisecond
    stated = {
        "earliest": ([("firing", began), ("firing", began - minute), ("resolved", began - 9 * minute)], began - minute),
        "unsaid": ([("firing", None)], None),
        "unreadable": ([("firing", "the day before"), ("firing", "2026-11-20T11:33:30"), ("firing", began)], began),
        "resolved": ([("resolved", began)], None),
        "by hand": ([], None),
        "behind many others": ([("firing", began)], began),
    }  # fmt: skip
    causes = {name: event() for name in stated}
    many = [incident(environment=f"other-{number}") for number in range(4_100)]
    made = {name: incident(id=f"inc-{name}", environment=name, event_id=causes[name].id) for name in stated}
    made["behind many others"] = replace(made["behind many others"], id="inc-zzz")
    put_incidents(store, *made.values(), *many)
    with store.write() as tx:
        tx.add(later, *causes.values())
        for name, (alerts, _) in stated.items():
            told = [decision(causes[name], incident_id=made[name].id, alert=_alert(*one)) for one in alerts]
            tx.add(*told, decision(later, incident_id=made[name].id, alert=_alert("firing", began - 60 * minute)))

    store.upgrade()
    with store.read() as tx:
        found = {name: tx.incident(one.id) for name, one in made.items()}
    for name, (alerts, earliest) in stated.items():
        one = found[name]
        assert one is not None
        assert (one.by_alert, one.began_at) == (any(status == "firing" for status, _ in alerts), earliest), name


def _alert(status: str, starts_at: datetime | str | None) -> dict[str, str]:
    written = format_time(starts_at) if isinstance(starts_at, datetime) else starts_at
    return {"status": status, "starts_at": written or ""}


def _rows(store: SqlStore, name: str) -> list[tuple[object, ...]]:
    with store.engine.connect() as connection:
        return sorted(tuple(row) for row in connection.execute(text(f"SELECT * FROM {name}")))


def test_processes_that_start_at_once_upgrade_once(address: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", UPGRADE, address]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE, cwd=Path.cwd()) for _ in range(3)]
    for process in started:
        _, complaint = process.communicate(timeout=60)
        assert process.returncode == 0, complaint.decode()
    store = open_store(address)
    assert store.schema_is_current()
    store.close()


def test_a_database_that_was_never_upgraded_says_what_to_do(open_another: Callable[[], SqlStore]) -> None:
    store = open_another()
    with pytest.raises(ConfigError, match="andon db upgrade"), store.read() as tx:
        tx.events(limit=1)


def test_references_are_checked(store: SqlStore) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"), store.write() as tx:
        tx.add(decision(event()))


def test_records_may_be_added_before_what_they_refer_to(store: SqlStore) -> None:
    cause, trouble = event(), incident()
    doing = run(incident_id=trouble.id, event_id=cause.id)
    with store.write() as tx:
        tx.add(timeline_entry(trouble, "first"), decision(cause, run_id=doing.id, incident_id=trouble.id))
        tx.add(doing, trouble, cause)
    with store.read() as tx:
        assert len(tx.timeline(trouble.id)) == 1


@pytest.mark.parametrize(
    "address", ["", "nonsense", "mysql://u:hunter2@h/d", "sqlite://", "sqlite:///:memory:", "oracle://hunter2@x"]
)
def test_an_address_that_is_none_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store(address)
    assert "hunter2" not in str(caught.value)


def test_the_scheme_postgres_is_postgresql_too(tmp_path: Path) -> None:
    with database("postgresql", tmp_path) as address:
        for scheme in ("postgres://", "postgresql://", "postgresql+psycopg://"):
            store = open_store(address.replace("postgresql://", scheme))
            assert store.now()
            store.close()


@pytest.mark.parametrize("address", ["postgresql://u:hunter2@127.0.0.1:1/x", "sqlite:////proc/nowhere/andon.db"])
def test_a_database_that_is_away_means_try_later(address: str) -> None:
    store = open_store(address)
    with pytest.raises(TryLater) as caught:
        store.now()
    assert "hunter2" not in str(caught.value)
    with pytest.raises(TryLater), store.write() as tx:
        tx.add(event())
    store.close()


def test_a_connection_cut_in_the_middle_means_try_later_and_the_next_one_works(tmp_path: Path) -> None:
    with database("postgresql", tmp_path) as address:
        store, other = open_store(address), open_store(address)
        store.upgrade()
        kill = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = :pid")
        with pytest.raises(TryLater), store.write() as tx:  # noqa: PT012 - one unit of work
            tx.add(event(id="evt-lost"))
            tx.events(limit=1)
            pid = tx.row(select(func.pg_backend_pid()))[0]
            with other.engine.connect() as connection:
                connection.execute(kill, {"pid": pid})
            tx.add(event(), event())
        with store.read() as tx:
            assert tx.events(limit=9) == []
        store.close()
        other.close()


def test_transactions_that_block_each_other_are_told_to_try_later(tmp_path: Path) -> None:
    with database("postgresql", tmp_path) as address:
        store = open_store(address)
        store.upgrade()
        meet, failures = Barrier(2), list[BaseException]()

        def lock(first: str, second: str) -> None:
            try:
                with store.write() as tx:
                    tx.lock_services([first])
                    meet.wait(10)
                    tx.lock_services([second])
            except BaseException as error:
                failures.append(error)

        threads = [Thread(target=lock, args=names) for names in (("a", "b"), ("b", "a"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert [type(error) for error in failures] == [TryLater]
        store.close()


def test_a_full_disk_means_try_later_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with database("sqlite", tmp_path) as address:
        store = open_store(address)
        store.upgrade()
        with store.engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 5}")
        big = event(body=b"x" * 200_000)
        with pytest.raises(TryLater), store.write() as tx:
            tx.add(big)
        with store.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 100000")
        with store.write() as tx:
            tx.add(big)
        store.close()


def test_a_writer_of_another_process_is_waited_for(store: SqlStore, open_another: Callable[[], SqlStore]) -> None:
    other, holds, may_end = open_another(), Event(), Event()

    def hold() -> None:
        with other.write() as tx:
            tx.lock_services(["fraud-model"])
            holds.set()
            may_end.wait(20)

    thread = Thread(target=hold)
    thread.start()
    assert holds.wait(10)
    timer = Thread(target=lambda: (Event().wait(0.4), may_end.set()))
    timer.start()
    with store.write() as tx:
        tx.lock_services(["fraud-model"])
    assert may_end.is_set()
    timer.join(10)
    thread.join(10)


def test_commits_of_a_file_are_durable_and_checked(tmp_path: Path) -> None:
    with database("sqlite", tmp_path) as address:
        store = open_store(address)
        store.upgrade()
        with store.engine.connect() as connection:
            found = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
        store.close()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    with database("sqlite", tmp_path) as address:
        store = open_store(address)
        store.upgrade()
        store.close()
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_a_folder_that_cannot_be_written_is_said_plainly(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'missing' / 'andon.db'}")
    with pytest.raises(ConfigError, match="cannot be made"):
        store.upgrade()
    assert not store.schema_is_current()
    store.close()


def test_parameters_never_appear_in_errors(store: SqlStore) -> None:
    with pytest.raises(Exception) as caught, store.write() as tx:
        tx.add(decision(event(), reason="hunter2"))
    assert "hunter2" not in str(caught.value)


def test_many_threads_write_at_once_and_nothing_is_lost(store: SqlStore) -> None:
    start, failures = Barrier(12), list[BaseException]()

    def work(number: int) -> None:
        start.wait(10)
        try:
            for turn in range(10):
                with store.write() as tx:
                    one = event(dedup_key=f"{number}-{turn}")
                    tx.add(one, decision(one))
        except BaseException as error:
            failures.append(error)

    threads = [Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    with store.read() as tx:
        assert len(tx.events(limit=500)) == 120


def test_a_transaction_that_waits_too_long_ends_on_the_server(tmp_path: Path) -> None:
    with database("postgresql", tmp_path) as address:
        store = open_store(address)
        with store.engine.connect() as connection:
            shown = {
                name: connection.exec_driver_sql(f"SHOW {name}").scalar_one()
                for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "TimeZone")
            }
        store.close()
    assert shown == {
        "lock_timeout": "10s",
        "statement_timeout": "30s",
        "idle_in_transaction_session_timeout": "1min",
        "TimeZone": "UTC",
    }
