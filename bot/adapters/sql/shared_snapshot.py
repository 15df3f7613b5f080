"""Several views of one moment: threads share a long reading, and their figures fit together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from sqlalchemy import Connection, Engine, text

_VIEWS = 2
"""More would take the processors, or the server, from those who write."""
_TRIES = 5


@contextmanager
def shared_snapshot(readers: Engine) -> Iterator[Sequence[Connection]]:
    """Connections that all see what was committed until the same commit; on a SQLite file that is written to without
    a pause it may be one alone. `readers` is the engine for views."""
    with ExitStack() as stack:
        views = [stack.enter_context(readers.connect()) for _ in range(_VIEWS)]
        if readers.dialect.name == "postgresql":
            _share_on_server(views)
            yield views
        else:
            yield views if _share_in_file(views) else views[:1]


def _share_on_server(views: Sequence[Connection]) -> None:
    """https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-SNAPSHOT-SYNCHRONIZATION"""
    first, *others = views
    snapshot = first.execute(text("SELECT pg_export_snapshot()")).scalar_one()
    for view in others:
        view.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
    for view in views:
        # A year of records is sorted and joined by hashes; with what suits short statements that goes to disk.
        view.exec_driver_sql("SET LOCAL work_mem = '64MB'")


def _share_in_file(views: Sequence[Connection]) -> bool:
    """Nothing hands a snapshot on, but the last view knows whether others committed since it looked before the first
    one began. Where they did, all begin again. https://www.sqlite.org/pragma.html#pragma_data_version"""
    *others, last = views
    for _ in range(_TRIES):
        driver = last.connection.driver_connection
        assert driver is not None
        [(before,)] = driver.execute("PRAGMA data_version").fetchall()  # to its end: it would be a view of its own
        for view in others:
            view.exec_driver_sql("PRAGMA data_version").all()  # what a transaction sees is fixed at its first look
        if last.exec_driver_sql("PRAGMA data_version").scalar_one() == before:
            return True
        for view in views:
            view.rollback()
    return False
