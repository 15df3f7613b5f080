"""Connections to PostgreSQL: used again unasked while there is no reason to doubt, and never once they are cut off."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import column, select, table, text
from support.databases import database
from support.installation import until
from support.store_records import AT, event, run

from bot.adapters.sql import SqlStore, open_store
from bot.adapters.sql.bursts import BURST
from bot.adapters.sql.engines import TRUSTED_SECONDS
from bot.adapters.sql.prepared import FEW_ROWS
from bot.domain.errors import AndonError, LeaseLost
from bot.domain.records import AuditEntry

PREPARED = select(column("statement")).select_from(table("pg_prepared_statements"))


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with database("postgresql", tmp_path) as address:
        yield address


@pytest.fixture
def store(address: str) -> Iterator[SqlStore]:
    store = open_store(address, pool_size=3)
    store.upgrade()
    yield store
    store.close()


def _idle(address: str, watcher: psycopg.Connection[tuple[int, str]]) -> dict[int, str]:
    """The last words of each connection of Andon."""
    rows = watcher.execute(
        "SELECT pid, query FROM pg_stat_activity WHERE application_name = 'andon' AND datname = current_database()"
    )
    return dict(rows.fetchall())


def test_a_connection_that_the_server_closed_is_replaced_before_it_is_used(store: SqlStore, address: str) -> None:
    with psycopg.connect(address, autocommit=True) as watcher:
        with store.write() as tx:
            tx.add(event(id="evt-1"))
        before = _idle(address, watcher)
        assert before
        for pid in before:
            watcher.execute("SELECT pg_terminate_backend(%s)", [pid])
        until("they are gone", lambda: not _idle(address, watcher))
        with store.write() as tx:
            tx.add(event(id="evt-2"))
        with store.read() as tx:
            assert {one.id for one in tx.events(limit=9)} == {"evt-1", "evt-2"}


def test_a_connection_is_asked_whether_it_lives_only_after_it_was_idle_for_long(store: SqlStore, address: str) -> None:
    with psycopg.connect(address, autocommit=True) as watcher:

        def last_words(idle_since: float) -> list[str]:
            with store.engine.connect() as connection:
                info = connection.connection.info
            info["used_at"] = idle_since
            store.engine.raw_connection().close()
            return list(_idle(address, watcher).values())

        assert "SELECT 1" not in last_words(time.monotonic())
        assert "SELECT 1" in last_words(time.monotonic() - TRUSTED_SECONDS - 1)


def test_an_error_that_was_swallowed_inside_a_transaction_is_no_commit(store: SqlStore) -> None:
    first = event(dedup_key="twice")
    with store.write() as tx:
        tx.add(first)
    with pytest.raises(AndonError), store.write() as tx:  # noqa: PT012 - one unit of work
        tx.add(event(dedup_key="else"))
        with suppress(Exception):  # this is the mistake that is looked at
            tx.add(event(dedup_key="twice"))
            tx.events(limit=1)
    with store.read() as tx:
        assert [one.id for one in tx.events(limit=9)] == [first.id]


def test_what_was_prepared_stays_prepared_whoever_reads_in_between(store: SqlStore) -> None:
    """At a ROLLBACK the driver drops all prepared statements, and a view used to end by one."""
    for number in range(8):
        with store.write() as tx:
            tx.add(event(id=f"evt-{number}", dedup_key=str(number)))
        with store.read() as tx:
            assert tx.event(f"evt-{number}") is not None
    with store.write() as tx:
        prepared = [row[0] for row in tx.rows(PREPARED)]
    assert any(statement.startswith("INSERT INTO events") for statement in prepared)
    with store.read() as tx:
        prepared = [row[0] for row in tx.rows(PREPARED)]
    assert any("FROM events" in statement for statement in prepared)


def test_many_writers_at_once_keep_one_connection(store: SqlStore) -> None:
    def add(number: int) -> None:
        with store.write() as tx:
            tx.add(event(id=f"evt-{number}", dedup_key=str(number)))

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(add, range(50)))
    with store.read() as tx:
        assert len(tx.events(limit=99)) == 50
    assert store.engine.pool.checkedout() == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("count", [1, 2, FEW_ROWS, FEW_ROWS + 1, 5 * BURST])
def test_rows_that_go_together_are_all_there_in_their_order(store: SqlStore, count: int) -> None:
    entries = [AuditEntry(AT, f"a{number}", "tested", f"s:{number % 3}", {"n": number}) for number in range(count)]
    with store.write() as tx:
        tx.add(*entries)
    with store.read() as tx:
        kept = tx.rows(text("SELECT actor FROM audit ORDER BY id"))
    assert [row[0] for row in kept] == [one.actor for one in entries]


def test_of_several_things_that_had_to_change_the_first_that_did_not_is_told(store: SqlStore) -> None:
    lines = [run(id=f"run-{number}", service=f"service-{number}") for number in range(3)]
    with store.write() as tx:
        tx.add(*lines)
    moved = replace(lines[1], version=lines[1].version + 5)
    with pytest.raises(LeaseLost, match="run-1"), store.write() as tx:  # noqa: PT012 - one unit of work
        tx.save_run(lines[0], replace(lines[0], error="kept?"))
        tx.save_run(moved, replace(moved, error="kept?"))
        tx.save_run(lines[2], replace(lines[2], error="kept?"))
    with store.write() as tx:
        assert [tx.run(one.id).error for one in lines] == ["", "", ""]  # type: ignore[union-attr]
