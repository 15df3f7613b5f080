"""What a database's complaint means to the house: try later, a conflict, a missing upgrade, or a fault of ours."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.domain.errors import AndonError, BadInput, ConfigError, Conflict, TryLater

# https://www.sqlite.org/rescode.html, primary codes: busy, locked, readonly, I/O error, full, cannot open.
_SQLITE_PASSING = frozenset({5, 6, 8, 10, 13, 14})
_SQLITE_UNIQUE = frozenset({sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY})
# https://www.postgresql.org/docs/current/errcodes-appendix.html: connection, resources (disk full among them),
# operator intervention (shutdown, restart), rollback (serialization, deadlock), lock not available, system error.
_POSTGRESQL_PASSING = ("08", "53", "57", "40", "55P03", "58", "25P03")
_POSTGRESQL_NO_TABLE = ("42P01", "42703", "3F000")
_POSTGRESQL_TOO_LARGE = ("54", "22")
_POSTGRESQL_NO_ENTRY = ("28", "3D")
_OF_DATABASES = (DBAPIError, psycopg.Error, sqlite3.Error)  # the drivers' own come from writes held back


class _Translated:
    """See `translated`."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """End; an error of the house is raised from the database's."""
        if isinstance(error, PoolTimeout):
            raise TryLater("The database is busy", why="every connection is in use") from error
        if isinstance(error, _OF_DATABASES):
            meant = _meaning(error.orig if isinstance(error, DBAPIError) else error)
            if meant is not None:
                raise meant from error


_TRANSLATED = _Translated()


def translated() -> _Translated:
    """Inside, the database's errors come out as errors of the house; whatever is neither passes as it is."""
    return _TRANSLATED


def _meaning(error: BaseException | None) -> AndonError | None:
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error)
    if not isinstance(error, psycopg.Error):
        return None
    if error.sqlstate is not None:
        return _of_state(error.sqlstate)
    # No answer from the server at all: refused, cut off, or not there.
    is_about_the_connection = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return _away("it does not answer") if is_about_the_connection else None


def _of_sqlite(error: sqlite3.Error) -> AndonError | None:
    code: int = getattr(error, "sqlite_errorcode", 0)
    if code in _SQLITE_UNIQUE:
        return _conflict()
    if code & 0xFF in _SQLITE_PASSING:
        return _away(str(error))
    if code == sqlite3.SQLITE_TOOBIG:
        return _too_large(str(error))
    if code == sqlite3.SQLITE_ERROR and "no such" in str(error):
        return _not_upgraded()
    return None


def _of_state(state: str) -> AndonError | None:
    if state == "23505":
        return _conflict()
    if state.startswith(_POSTGRESQL_PASSING):
        return _away(f"PostgreSQL says {state}")
    if state in _POSTGRESQL_NO_TABLE:
        return _not_upgraded()
    if state.startswith(_POSTGRESQL_TOO_LARGE):
        return _too_large(f"PostgreSQL says {state}")
    if state.startswith(_POSTGRESQL_NO_ENTRY):
        return ConfigError("The database refuses the login", why=f"PostgreSQL says {state}", next="mend its address")
    return None


def _conflict() -> Conflict:
    # Whoever was first has committed already, so there is nothing to wait for.
    return Conflict("Somebody else wrote the same thing first", delay=timedelta(0), next="read again and decide again")


def _away(why: str) -> TryLater:
    return TryLater("The database is away or busy", why=why)


def _not_upgraded() -> ConfigError:
    return ConfigError("The database lacks tables of this version", next="run `andon db upgrade`")


def _too_large(why: str) -> BadInput:
    return BadInput("The database cannot hold this value", why=why)
