"""Migrations run from inside the program: no configuration file, safe when two processes start at once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, text

MIGRATIONS = Path(__file__).parent.parent / "migrations"

_UPGRADER = 0x616E646F6F  # the number of the lock that one upgrade at a time holds on PostgreSQL


def upgrade(engine: Engine, file: Path | None) -> None:
    """Bring the schema to the newest revision, in one transaction. Nothing happens where it is there already."""
    from alembic import command
    from alembic.config import Config

    with _only_one(file), engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # A long migration is no reason to give up; an upgrade beside this one is done when the lock comes.
            connection.execute(text("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _UPGRADER})
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(connection: Connection) -> bool:
    """Whether the schema has exactly the newest revision that this version knows."""
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    return set(MigrationContext.configure(connection).get_current_heads()) == set(
        ScriptDirectory(MIGRATIONS).get_heads()
    )


@contextmanager
def _only_one(file: Path | None) -> Iterator[None]:
    """One process makes a SQLite file and switches it to its write-ahead log: the switch does not wait for others."""
    if file is None:
        yield
        return
    # The owner's eyes only, before anything is in it: alerts and sessions are kept there.
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    descriptor = os.open(f"{file}.upgrade", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
