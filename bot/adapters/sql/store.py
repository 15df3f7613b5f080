"""The store: transactions on SQLite or PostgreSQL, with the database's troubles said in the words of the house.

What few processes do to the whole of it (sealing, measuring, pruning, erasing) is imported where it is done.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, select
from sqlalchemy.engine import URL

from bot.adapters.keyring import Keyring
from bot.adapters.sql import audit, upgrading
from bot.adapters.sql.canary_queries import CanaryQueries
from bot.adapters.sql.database_clock import now
from bot.adapters.sql.drill_queries import DrillQueries
from bot.adapters.sql.engines import BUSY_SECONDS, file_of, open_engine, parse_address, readers_of
from bot.adapters.sql.failures import translated
from bot.adapters.sql.keeping_queries import KeepingQueries
from bot.adapters.sql.notice_queries import NoticeQueries
from bot.adapters.sql.people_queries import PeopleQueries
from bot.adapters.sql.policy_queries import PolicyQueries
from bot.adapters.sql.postmortem_queries import PostmortemQueries
from bot.adapters.sql.release_queries import ReleaseQueries
from bot.adapters.sql.reports import Reports
from bot.adapters.sql.sessions import View
from bot.adapters.sql.standing_queries import StandingQueries
from bot.adapters.sql.statements import statements_for
from bot.adapters.sql.writers import FileWriter, ServerWriter
from bot.domain.errors import ConfigError, TryLater

if TYPE_CHECKING:
    from bot.adapters.sql.erasing import Digest
    from bot.domain.audit_trail import AuditReport
    from bot.domain.erasures import Erased, Erasure
    from bot.domain.keeping import Pruned, Retention
    from bot.domain.measures import Scope, Tally
    from bot.domain.records import AuditFault

_THOROUGH_EVERY = 256
_WRITES_ON = "another writer of this process does not come to its end"


class SqlTransaction(
    StandingQueries,
    NoticeQueries,
    PeopleQueries,
    ReleaseQueries,
    CanaryQueries,
    PolicyQueries,
    DrillQueries,
    PostmortemQueries,
    KeepingQueries,
    audit.AuditQueries,
    Reports,
):
    """Everything that one transaction can do; see `bot.ports.Transaction`."""


class SqlStore:
    """The truth. Safe to share among threads; a process that forks opens its own."""

    def __init__(self, url: URL, *, pool_size: int, keys: Keyring | None = None) -> None:
        self._keys = keys
        self._file = file_of(url)
        self._engine = open_engine(url, pool_size)
        self._readers = readers_of(self._engine)
        self._writer = FileWriter(self._engine) if self._file else ServerWriter(self._engine)
        self._statements = statements_for(self._engine.dialect.name)
        # SQLite's own waiting sleeps in growing steps; threads of one process can take turns without.
        self._turn = _Turn("The database is busy", _WRITES_ON) if self._file else nullcontext()
        self._measuring = _Turn("The process is being measured already", "others wait for the same figures")
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
        with translated(), self._turn, self._writer.writing() as session:
            transaction = SqlTransaction(session, self._statements, writes=True, met=self._met)
            yield transaction
            transaction.flush()
        self._met |= transaction.meets

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        """A consistent view; nothing may be added or saved."""
        # It ends by COMMIT: at a ROLLBACK the driver of PostgreSQL drops every statement that it has prepared.
        with translated(), self._readers.begin() as connection:
            yield SqlTransaction(View(connection), self._statements, writes=False)

    def tallies(self, scope: Scope) -> Sequence[Tally]:
        """All facts by service and month, as of one moment. One reading at a time: many of them would take all
        connections from those who write. TryLater where others measure all the while."""
        from bot.adapters.sql.measure_queries import read_side_by_side
        from bot.adapters.sql.shared_snapshot import shared_snapshot

        with self._measuring, translated(), shared_snapshot(self._readers) as connections:
            views = [SqlTransaction(View(one), self._statements, writes=False) for one in connections]
            return read_side_by_side(views, scope)

    def seal(self) -> tuple[int, str] | None:
        """Chain the audit rows that are not chained yet and sign the new head (position, hash); None if none were.
        Refused where the chain does not end where it was signed last."""
        if self._keys is None:
            raise RuntimeError("a store that seals is opened with keys")
        thorough = self._seals % _THOROUGH_EVERY == 0
        from bot.adapters.sql import audit_sealing

        with translated(), self._turn, self._engine.begin() as connection:
            head = audit_sealing.seal(connection, self._keys, thorough=thorough)
        self._seals += 1
        return head

    def verify_audit(self, heads: Sequence[tuple[int, str]] = ()) -> AuditFault | None:
        """Walk the chain; `heads` are anchors kept elsewhere. None where every row verifies."""
        return self.audit_report(heads).fault

    def audit_report(self, heads: Sequence[tuple[int, str]] = ()) -> AuditReport:
        """The same, with what was walked over."""
        from bot.adapters.sql import audit_walk

        with translated(), self._readers.begin() as connection:
            return audit_walk.walk(connection, heads, self._keys)

    def erase(self, erasure: Erasure, at: datetime, digest: Digest, *, dry: bool) -> Erased:
        """Take a person out of every table, with an entry that says so; `dry` only shows what would be changed.
        `digest` gives what the trail has of a verdict. TryLater where others write all the while."""
        if self._keys is None:
            raise RuntimeError("a store that erases is opened with keys")
        from bot.adapters.sql import erasing

        with translated(), self._turn, self._engine.connect() as connection:
            if self._file:
                connection.connection.driver_connection.execute("PRAGMA secure_delete = ON").close()  # type: ignore[union-attr]
            work = connection.begin()
            erasing.lock(connection)
            found = erasing.erase(connection, erasure, self._keys, at, digest)
            work.rollback() if dry else work.commit()
        return found if dry else replace(found, is_compact=self._compact())

    def export(self, folder: Path) -> dict[str, dict[str, Any]]:
        """Write every table there as JSON Lines; rows and SHA-256 by table."""
        from bot.adapters.sql import exporting

        with translated(), self._readers.begin() as connection:
            return exporting.export(connection, folder)

    def prune(self, retention: Retention, at: datetime, *, dry: bool) -> Pruned:
        """Remove some of each kind that is past its time and not held; `is_all` where nothing more is. `dry` shows
        how much the first turn would remove."""
        if self._keys is None:
            raise RuntimeError("a store that prunes is opened with keys")
        from bot.adapters.sql import erasing, pruning
        from bot.domain.keeping import Kind, Pruned

        ends = dict(retention.ends(at))
        if not ends:
            return Pruned({})
        with translated(), self._turn, self._engine.connect() as connection:
            work = connection.begin()
            if Kind.AUDIT_DATA in ends:
                erasing.lock(connection)
            counts = pruning.prune(connection, ends, self._keys, at)
            work.rollback() if dry else work.commit()
        return Pruned(counts, is_all=max(counts.values(), default=0) < pruning.MOST)

    def _compact(self) -> bool:
        """Write the database anew, without what was freed: it still held what was erased."""
        from bot.adapters.sql import compacting

        lent = self._engine.raw_connection()
        try:
            return compacting.compact(lent.driver_connection, self._engine.dialect.name)
        finally:
            lent.close()

    def now(self) -> datetime:
        """The database's clock."""
        with translated(), self._readers.begin() as connection:
            return connection.execute(select(now())).scalar_one()

    def upgrade(self) -> None:
        """Bring the schema to the newest revision; several processes may do so at once."""
        with translated(), self._turn:
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
        turn = self._turn.lock if isinstance(self._turn, _Turn) else threading.Lock()
        if turn.acquire(blocking=False):  # else somebody still writes on that connection, and ends it with the process
            self._writer.close()
            turn.release()
        self._engine.dispose()


class _Turn:
    """One thread at a time. TryLater where the one inside does not come to its end."""

    def __init__(self, what: str, why: str) -> None:
        self.lock = threading.Lock()
        self._what, self._why = what, why

    def __enter__(self) -> None:
        """Wait for it."""
        if not self.lock.acquire(timeout=BUSY_SECONDS):
            raise TryLater(self._what, why=self._why)

    def __exit__(self, *_: object) -> None:
        """Let the next one in."""
        self.lock.release()


def open_store(url: str, *, pool_size: int = 10, keys: Keyring | None = None) -> SqlStore:
    """A store at an address; ConfigError where it is none. Nothing connects before the first use.

    `pool_size` connections are kept and as many again are made when all are in use. Who seals or verifies
    the audit passes the `keys` of its heads.
    """
    return SqlStore(parse_address(url), pool_size=pool_size, keys=keys)
