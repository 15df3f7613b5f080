"""How a transaction talks to its database: straight to the driver where it may write, by SQLAlchemy in a view."""

from __future__ import annotations

import select
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

import psycopg
from sqlalchemy import Connection, Executable, Select, Update, literal_column
from sqlalchemy import select as chosen
from sqlalchemy.engine import Dialect

from bot.adapters.sql.prepared import Prepared, Row, prepared

Answer = Callable[[], Sequence[Any]]
"""The rows of a statement. What was asked before the first answer is taken travels together on PostgreSQL."""

Musts = list[tuple["psycopg.RawCursor[Any]", Exception]]
"""Statements that have to change a row, each with what it means where it does not."""
_NOTHING: Mapping[str, Any] = {}
_SEND_SECONDS = 30
"""How long a server that takes nothing is waited for."""


class Session(Protocol):
    """One transaction on one connection."""

    @property
    def dialect(self) -> Dialect: ...

    def ask(self, statement: Executable, values: Row | None) -> Answer:
        """Have a statement carried out; its rows can be taken later."""
        ...

    def write(self, statement: Executable, rows: Sequence[Row]) -> None:
        """Have a statement carried out for each row, in their order. Its errors may come out later."""
        ...

    def must(self, statement: Update, values: Row, problem: Exception) -> None:
        """The same for one row; where it changes none, the problem is raised, at the commit at the latest."""
        ...

    def count(self, statement: Executable, rows: Sequence[Row]) -> int:
        """The same, and how many rows it changed."""
        ...


class View:
    """Reads by SQLAlchemy, which keeps the statements that lists and pages put together."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.dialect = connection.dialect

    def ask(self, statement: Executable, values: Row | None) -> Answer:
        found = self.connection.execute(statement, values).fetchall()
        return lambda: found

    def write(self, statement: Executable, rows: Sequence[Row]) -> None:  # noqa: ARG002
        raise RuntimeError("a consistent view writes nothing: use Store.write()")

    def must(self, statement: Update, values: Row, problem: Exception) -> None:  # noqa: ARG002
        self.write(statement, (values,))

    def count(self, statement: Executable, rows: Sequence[Row]) -> int:
        self.write(statement, rows)
        return 0


class SqliteSession:
    """SQLite is in this process: everything is carried out at once."""

    def __init__(self, driver: sqlite3.Connection, dialect: Dialect) -> None:
        self._driver = driver
        self.dialect = dialect

    def ask(self, statement: Executable, values: Row | None) -> Answer:
        ready = prepared(statement, self.dialect, tuple(values or ()))
        cursor = self._driver.execute(*ready.call(values or _NOTHING))
        try:
            found = ready.rows(cursor.fetchall())
        finally:
            cursor.close()
        return lambda: found

    def write(self, statement: Executable, rows: Sequence[Row]) -> None:
        self.count(statement, rows)

    def must(self, statement: Update, values: Row, problem: Exception) -> None:
        if self.count(statement, (values,)) == 0:
            raise problem

    def count(self, statement: Executable, rows: Sequence[Row]) -> int:
        ready = prepared(statement, self.dialect, tuple(rows[0]))
        one = len(rows) == 1
        cursor = self._driver.execute(*ready.call(rows[0])) if one else self._driver.executemany(*ready.calls(rows))
        try:
            return cursor.rowcount
        finally:
            cursor.close()


class PostgresqlSession:
    """A pipeline: statements leave in bursts, and only an answer that is needed is waited for.

    The server carries them out one after the other, each with a snapshot of its own (READ COMMITTED), exactly as if
    each had been waited for. https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
    """

    def __init__(
        self, driver: psycopg.Connection[Any], pipeline: psycopg.Pipeline, dialect: Dialect, musts: Musts
    ) -> None:
        self._driver = driver
        self._pipeline = pipeline
        self._musts = musts
        self.dialect = dialect

    def ask(self, statement: Executable, values: Row | None) -> Answer:
        ready = prepared(statement, self.dialect, tuple(values or ()))
        cursor = psycopg.RawCursor(self._driver)
        cursor.execute(*_call(ready, values or _NOTHING))
        taken: list[Any] | None = None

        def answer() -> Sequence[Any]:
            nonlocal taken
            if taken is None:
                taken = ready.rows(cursor.fetchall())
            return taken

        return answer

    def write(self, statement: Executable, rows: Sequence[Row]) -> None:
        self._send(statement, rows)

    def must(self, statement: Update, values: Row, problem: Exception) -> None:
        self._musts.append((self._send(_failing_where_it_changes_nothing(statement), (values,)), problem))

    def count(self, statement: Executable, rows: Sequence[Row]) -> int:
        cursor = self._send(statement, rows)
        self.sync()
        return cursor.rowcount

    def sync(self) -> None:
        """Have everything carried out, and wait for it."""
        self._send_all()
        self._pipeline.sync()

    def _send(self, statement: Executable, rows: Sequence[Row]) -> psycopg.RawCursor[Any]:
        ready = prepared(statement, self.dialect, tuple(rows[0]))
        cursor = psycopg.RawCursor(self._driver)
        if len(rows) == 1:
            cursor.execute(*_call(ready, rows[0]))
        elif call := ready.together(rows):
            cursor.execute(call[0].encode(), call[1])
        else:
            text, parameters = ready.calls(rows)
            cursor.executemany(text.encode(), parameters)
        return cursor

    def _send_all(self) -> None:
        """Wait until all bytes of it have left. A pipeline that is synchronized sends what fits into the socket and
        then only reads: with more than about a megabyte in hand it would wait for ever for the answer to what the
        server never got whole."""
        driver = self._driver.pgconn
        if not driver.flush():
            return
        door = select.poll()
        door.register(driver.socket, select.POLLOUT)
        while driver.flush():
            if not door.poll(_SEND_SECONDS * 1000):
                raise psycopg.OperationalError("the server takes nothing any more")


@lru_cache
def _failing_where_it_changes_nothing(statement: Update) -> Select[Any]:
    """With such an error the server refuses the COMMIT that follows, so that no answer is waited for in between."""
    changed = statement.returning(literal_column("1")).cte("changed")
    return chosen(literal_column("1 / count(*)")).select_from(changed)


def _call(ready: Prepared, values: Row) -> tuple[bytes, list[Any]]:
    text, parameters = ready.call(values)
    return text.encode(), parameters
