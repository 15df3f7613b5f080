"""Every test of the store runs on a SQLite file and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from support.audit_attacks import drop_triggers
from support.databases import KINDS, database

from bot.adapters.keyring import Keyring
from bot.adapters.sql import SqlStore, open_store


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which database."""
    return str(request.param)


@pytest.fixture
def address(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database; with its schema where the test asks for a `store`."""
    with database(kind, tmp_path, is_ready="store" in request.fixturenames) as address:
        yield address


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    """The key that signs heads, outside of the database."""
    return Keyring(tmp_path)


@pytest.fixture
def open_another(address: str, keys: Keyring) -> Iterator[Callable[[], SqlStore]]:
    """Opens further stores on the same database, as other processes would."""
    opened: list[SqlStore] = []

    def open_one() -> SqlStore:
        opened.append(open_store(address, keys=keys))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_another: Callable[[], SqlStore]) -> SqlStore:
    """A store with the newest schema."""
    store = open_another()
    store.upgrade()
    return store


@pytest.fixture
def tamper(store: SqlStore, kind: str) -> Callable[[str], None]:
    """Runs SQL as somebody with full rights would, with the triggers of the trail out of the way."""

    def run(statement: str) -> None:
        with store.engine.begin() as connection:
            drop_triggers(connection, kind)
            connection.execute(text(statement))

    return run
