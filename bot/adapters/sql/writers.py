"""Where transactions that may write get their connection, and how they begin and end on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from sqlalchemy import Engine
from sqlalchemy.engine import Dialect
from sqlalchemy.pool import PoolProxiedConnection

from bot.adapters.sql.bursts import in_bursts
from bot.adapters.sql.engines import lives, note_use
from bot.adapters.sql.sessions import Musts, PostgresqlSession, Session, SqliteSession


class FileWriter:
    """Transactions that may write to a SQLite file, for one thread at a time: they share one connection, since to take
    it from the pool and to give it back costs as much as to write a few rows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lent: PoolProxiedConnection | None = None

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction, committed at the end; nothing is kept where anything is raised."""
        if self._lent is None:
            self._lent = self._engine.raw_connection()
        driver: Any = self._lent.driver_connection
        try:
            # One that reads first and writes later cannot wait for its turn any more: SQLite refuses it at once.
            driver.execute("BEGIN IMMEDIATE").close()
            yield SqliteSession(driver, self._engine.dialect)
            driver.commit()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the connection back, which rolls back what was not committed."""
        lent, self._lent = self._lent, None
        if lent is not None:
            lent.close()


class ServerWriter:
    """Transactions that may write to a PostgreSQL server, for any number of threads. The connection that wrote last is
    kept for the next one, for the same reason."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: list[Any] = []

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction, committed at the end; nothing is kept where anything is raised."""
        lent = self._lend()
        driver: Any = lent.driver_connection
        try:
            with _piped(driver, self._engine.dialect) as session:
                yield session
        except BaseException:
            if driver.closed:
                lent.invalidate()
            lent.close()  # rolls back what was not committed
            raise
        note_use(lent.record_info)
        self._kept.append(lent)
        self._give_back(most=1)

    def close(self) -> None:
        """Give back what is kept."""
        self._give_back(most=0)

    def _lend(self) -> Any:
        try:
            lent = self._kept.pop()
        except IndexError:
            return self._engine.raw_connection()
        if lives(lent.driver_connection, lent.record_info):
            return lent
        lent.invalidate()
        return self._engine.raw_connection()

    def _give_back(self, *, most: int) -> None:
        with suppress(IndexError):  # another thread may be as quick
            while len(self._kept) > most:
                self._kept.pop(0).close()


@contextmanager
def _piped(driver: psycopg.Connection[Any], dialect: Dialect) -> Iterator[Session]:
    """BEGIN goes with the first statement and COMMIT with the last ones."""
    musts: Musts = []
    try:
        with in_bursts(driver) as pipeline:
            driver.execute("BEGIN")
            session = PostgresqlSession(driver, pipeline, dialect, musts)
            try:
                yield session
            except BaseException:
                # Whatever else comes out now follows from the first error.
                with suppress(psycopg.Error):
                    session.sync()
                raise
            commit = driver.execute("COMMIT")
    except psycopg.errors.DivisionByZero as error:
        unmet = [problem for cursor, problem in musts if cursor.pgresult is None]
        raise unmet[0] if unmet else error from error
    if commit.statusmessage != "COMMIT":  # PostgreSQL answers ROLLBACK where an error of the transaction was swallowed
        raise RuntimeError("the transaction was rolled back: an error inside it went unnoticed")
