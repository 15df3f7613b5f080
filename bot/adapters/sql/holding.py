"""Looking for words in any column, and writing where a trigger forbids it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, LargeBinary, cast, false, func, literal, or_, text, type_coerce
from sqlalchemy.types import Text


def held(connection: Connection, columns: Iterable[Column[Any]], words: Sequence[str]) -> Any:
    """Rows in which one of these words (small letters) stands somewhere, as part of a longer one too."""
    is_sqlite = connection.dialect.name == "sqlite"
    found = []
    for column in columns:
        if isinstance(column.type, LargeBinary):
            # Bytes need not be text: small and as they are written is what is looked for in them.
            value = func.lower(cast(column, Text)) if is_sqlite else func.lower(func.encode(column, "escape"))
        else:
            value = func.lower(type_coerce(column, Text))
        finder = func.instr if is_sqlite else func.strpos
        found += [finder(value, literal(word)) > 0 for word in words]
    return or_(false(), *found)


@contextmanager
def opened(connection: Connection, table: str) -> Iterator[None]:
    """Inside, the triggers of a table that refuse UPDATE are away; the transaction carries both."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        yield
        connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
        return
    triggers = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
    taken = connection.execute(triggers, {"table": table}).fetchall()
    for name, _ in taken:
        connection.execute(text(f"DROP TRIGGER {name}"))
    yield
    for _, sql in taken:
        connection.exec_driver_sql(sql)
