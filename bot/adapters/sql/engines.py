"""Connections: an address becomes an engine whose transactions begin and last as the store needs them."""

from __future__ import annotations

import re
import select
import time
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, InvalidatePoolError

from bot.domain.errors import ConfigError

BUSY_SECONDS = 30
"""How long a writer waits for another one before it is told to try later."""
TRUSTED_SECONDS = 5.0
"""A connection to PostgreSQL that was used so lately is used again unasked, unless the server has closed it."""

_POSTGRESQL = re.compile(r"postgres(ql)?(\+psycopg)?")
# A worker that is stopped in the middle of a transaction must not hold up the others for ever.
_SESSION = (
    "SET timezone = 'UTC'; SET lock_timeout = '10s'; SET statement_timeout = '30s'; "
    # To compile a statement while it runs takes longer than any of ours gains by it.
    "SET idle_in_transaction_session_timeout = '60s'; SET jit = off"
)


def parse_address(text: str) -> URL:
    """`sqlite:///file`, `postgresql://…` or `postgres://…` (also `?host=/folder`); ConfigError does not repeat it."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    if url is not None and _POSTGRESQL.fullmatch(url.drivername):
        return url.set(drivername="postgresql+psycopg")
    if url is not None and url.drivername == "sqlite" and url.database and not url.database.startswith((":", "file:")):
        return url
    raise ConfigError(
        "The database address cannot be used",
        why="it is neither a SQLite file nor a PostgreSQL server",
        next="write postgresql://user:password@host/name, or sqlite:////folder/andon.db",
    ) from None


def open_engine(url: URL, pool_size: int) -> Engine:
    """An engine that has not connected yet. Parameters never appear in its errors: they hold alerts and digests."""
    options: dict[str, Any] = {"hide_parameters": True, "pool_size": pool_size, "max_overflow": pool_size}
    if url.drivername == "sqlite":
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, pool_timeout=BUSY_SECONDS, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    arguments = {
        "connect_timeout": 5,
        "application_name": "andon",
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    }
    engine = create_engine(
        url,
        connect_args={key: value for key, value in arguments.items() if key not in url.query},
        pool_timeout=10,
        pool_use_lifo=True,  # the connection that was used last knows the statements, and its server process is awake
        **options,
    )
    event.listen(engine, "connect", _prepare_postgresql)
    event.listen(engine, "begin", _begin_postgresql)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", _ask_whether_it_lives)
    return engine


def readers_of(engine: Engine) -> Engine:
    """The same connections, each transaction one consistent view that may not write."""
    return engine.execution_options(andon_reads=True)


def file_of(url: URL) -> Path | None:
    """The SQLite file; None for a server."""
    return Path(url.database) if url.drivername == "sqlite" and url.database else None


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: it does so too late and too weakly (see _begin_sqlite).
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot wait for its turn any more: SQLite refuses it at once.
    connection.exec_driver_sql("BEGIN" if _only_reads(connection) else "BEGIN IMMEDIATE")


def _prepare_postgresql(connection: psycopg.Connection[Any], _record: object) -> None:
    # The driver must not begin transactions by itself: in a pipeline it would wait for the answer to each BEGIN.
    connection.autocommit = True
    connection.execute(_SESSION)


def _begin_postgresql(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    driver.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY" if _only_reads(connection) else "BEGIN")


def _only_reads(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("andon_reads", False))


def _note_use(_connection: object, record: Any) -> None:
    note_use(record.info)


def note_use(info: MutableMapping[str, Any]) -> None:
    """Note for `lives` that a connection did its work just now."""
    info["used_at"] = time.monotonic()


def _ask_whether_it_lives(connection: psycopg.Connection[Any], record: Any, _lent: object) -> None:
    if not lives(connection, record.info):
        # Whatever cut this one off has cut off the others too; the pool connects anew.
        raise InvalidatePoolError("PostgreSQL has closed the connection")


def lives(connection: psycopg.Connection[Any], info: Mapping[str, Any]) -> bool:
    """Whether the server still answers. Asking costs a round trip, so it is done where there is reason to doubt: long
    idle by what is noted in `info`, or the server said something.

    A server that ends closes its connections, and that can be seen without asking: there is something to read."""
    idle = time.monotonic() - info.get("used_at", time.monotonic())
    if not connection.closed and idle < TRUSTED_SECONDS and not _has_something_to_read(connection):
        return True
    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


def _has_something_to_read(connection: psycopg.Connection[Any]) -> bool:
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
