"""Connections to PostgreSQL: used again unasked while there is no reason to doubt, and never once they are cut off."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from support.databases import database
from support.installation import until
from support.store_records import event

from bot.adapters.sql import SqlStore, open_store
from bot.adapters.sql.engines import TRUSTED_SECONDS
from bot.domain.errors import AndonError


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
