"""The store: transactions on SQLite or PostgreSQL, with the database's troubles said in the words of the house."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.engine import URL

from bot.adapters.sql import audit, upgrading
from bot.adapters.sql.account_queries import AccountQueries
from bot.adapters.sql.canary_queries import CanaryQueries
from bot.adapters.sql.database_clock import now
from bot.adapters.sql.discipline_queries import DisciplineQueries
from bot.adapters.sql.drill_queries import DrillQueries
from bot.adapters.sql.engines import BUSY_SECONDS, file_of, open_engine, parse_address, readers_of
from bot.adapters.sql.failures import translated
from bot.adapters.sql.figure_queries import FigureQueries
from bot.adapters.sql.keeping_queries import KeepingQueries
from bot.adapters.sql.measure_queries import MeasureQueries
from bot.adapters.sql.notice_queries import NoticeQueries
from bot.adapters.sql.people_queries import PeopleQueries
from bot.adapters.sql.policy_queries import PolicyQueries
from bot.adapters.sql.postmortem_queries import PostmortemQueries
from bot.adapters.sql.release_queries import ReleaseQueries
from bot.adapters.sql.sessions import View, writing
from bot.adapters.sql.standing_queries import StandingQueries
from bot.adapters.sql.statements import statements_for
from bot.domain.errors import ConfigError, TryLater
from bot.domain.records import AuditFault

_THOROUGH_EVERY = 256


class SqlTransaction(
    StandingQueries,
    NoticeQueries,
    PeopleQueries,
    ReleaseQueries,
    CanaryQueries,
    PolicyQueries,
    DrillQueries,
    DisciplineQueries,
    PostmortemQueries,
    KeepingQueries,
    MeasureQueries,
    AccountQueries,
    FigureQueries,
    audit.AuditQueries,
):
    """Everything that one transaction can do; see `bot.ports.Transaction`."""


class SqlStore:
    """The truth. Safe to share among threads; a process that forks opens its own."""

    def __init__(self, url: URL, *, pool_size: int) -> None:
        self._file = file_of(url)
        self._engine = open_engine(url, pool_size)
        self._readers = readers_of(self._engine)
        self._statements = statements_for(self._engine.dialect.name)
        # SQLite's own waiting sleeps in growing steps; threads of one process can take turns without.
        self._turn = threading.Lock() if self._file else None
        self._seals = 0
        self._met: set[str] = set()

    @property
    def engine(self) -> Engine:
        """For migrations, measurements and tests; the rest of the house uses transactions."""
        return self._engine

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        """A transaction that may write. TryLater where the database is away; nothing is kept then.

        An error at the commit itself may come after the database has kept the work: callers read again by key.
        """
        with translated(), self._taking_turns(), writing(self._engine) as session:
            transaction = SqlTransaction(session, self._statements, writes=True, met=self._met)
            yield transaction
            transaction.flush()
        self._met |= transaction.meets

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        """A consistent view; nothing may be added or saved."""
        with translated(), self._readers.connect() as connection:
            yield SqlTransaction(View(connection), self._statements, writes=False)

    def seal(self) -> tuple[int, str] | None:
        """Chain the audit rows that are not chained yet; returns the new head (position, hash), None if none were."""
        thorough = self._seals % _THOROUGH_EVERY == 0
        with translated(), self._taking_turns(), self._engine.begin() as connection:
            head = audit.seal(connection, thorough=thorough)
        self._seals += 1
        return head

    def verify_audit(self, heads: Sequence[tuple[int, str]] = ()) -> AuditFault | None:
        """Walk the chain; `heads` are anchors kept elsewhere. None where every row verifies."""
        with translated(), self._readers.connect() as connection:
            return audit.verify(connection, heads)

    def now(self) -> datetime:
        """The database's clock."""
        with translated(), self._readers.connect() as connection:
            return connection.execute(select(now())).scalar_one()

    def upgrade(self) -> None:
        """Bring the schema to the newest revision; several processes may do so at once."""
        with translated(), self._taking_turns():
            try:
                upgrading.upgrade(self._engine, self._file)
            except OSError as error:
                raise ConfigError(
                    "The database file cannot be made", why=str(error), next="give its folder to this user"
                ) from error

    def schema_is_current(self) -> bool:
        """Whether the schema is exactly the one that this version needs. TryLater where the database is away."""
        if self._file is not None and not self._file.exists():
            return False
        with translated(), self._readers.connect() as connection:
            return upgrading.is_current(connection)

    def close(self) -> None:
        """End all connections; the store may not be used any more."""
        self._engine.dispose()

    @contextmanager
    def _taking_turns(self) -> Iterator[None]:
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=BUSY_SECONDS):
            raise TryLater("The database is busy", why="another writer of this process does not come to its end")
        try:
            yield
        finally:
            self._turn.release()


def open_store(url: str, *, pool_size: int = 10) -> SqlStore:
    """A store at an address; ConfigError where it is none. Nothing connects before the first use.

    `pool_size` connections are kept and as many again are made when all are in use.
    """
    return SqlStore(parse_address(url), pool_size=pool_size)
