"""What all tables share: metadata, names of constraints, partial indexes, numbered rows."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Identity, Index, MetaData, Table, TextClause, UniqueConstraint

from bot.adapters.sql.column_types import NUMBER

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_by_%(column_0_N_name)s",
    }
)


ITS_OWN_INDEX = {"sqlite_with_rowid": False}
"""For small rows that are only found by a key of text: SQLite keeps them in the key's own tree, not in two."""


def table(
    name: str, *parts: Column[object] | Index | UniqueConstraint | CheckConstraint, sqlite_with_rowid: bool = True
) -> Table:
    # Nothing here asks a database for a key that it made, so single inserts need no RETURNING.
    return Table(name, metadata, *parts, implicit_returning=False, sqlite_with_rowid=sqlite_with_rowid)


def partial(name: str, *columns: str, where: TextClause, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


def number() -> Column[object]:
    """Rows in the order in which they were added: identifiers made in one millisecond do not tell it."""
    return Column("number", NUMBER, Identity(), primary_key=True, autoincrement=True)
