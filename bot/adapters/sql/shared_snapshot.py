"""Several views of one moment of PostgreSQL: threads share a long reading, and their figures fit together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from sqlalchemy import Connection, Engine, text

_VIEWS = 2
"""More would take the server from those who write."""


@contextmanager
def shared_snapshot(readers: Engine) -> Iterator[Sequence[Connection]]:
    """Connections that all see what was committed until the same commit. `readers` is the engine for views.

    https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-SNAPSHOT-SYNCHRONIZATION"""
    with ExitStack() as stack:
        first, *others = views = [stack.enter_context(readers.connect()) for _ in range(_VIEWS)]
        snapshot = first.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        for view in others:
            view.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        for view in views:
            # A year of records is sorted and joined by hashes; with what suits short statements that goes to disk.
            view.exec_driver_sql("SET LOCAL work_mem = '64MB'")
        yield views
