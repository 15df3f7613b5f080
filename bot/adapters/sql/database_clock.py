"""The database's clock inside statements, so that leases end at one time for every process, whatever its own clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

from bot.adapters.sql.column_types import MOMENT, SPAN

# The same shape as MOMENT gives on SQLite; its clock has milliseconds, so the last three digits are zeros.
_SQLITE_FORMAT = "'%Y-%m-%dT%H:%M:%f000+00:00'"


class Now(FunctionElement[datetime]):
    """The moment of evaluation, not of the start of the transaction; with an argument, that `SPAN` later."""

    type = MOMENT
    inherit_cache = True


@compiles(Now, "sqlite")
def _on_sqlite(element: Now, compiler: Any, **options: Any) -> str:
    later = "".join(f", {compiler.process(clause, **options)}" for clause in element.clauses)
    return f"strftime({_SQLITE_FORMAT}, 'now'{later})"


@compiles(Now, "postgresql")
def _on_postgresql(element: Now, compiler: Any, **options: Any) -> str:
    later = "".join(f" + {compiler.process(clause, **options)}" for clause in element.clauses)
    return f"(clock_timestamp(){later})"


def now() -> ColumnElement[datetime]:
    """The database's clock."""
    return Now()


def now_and(span: str | timedelta) -> ColumnElement[datetime]:
    """The database's clock and a span: a fixed one, or the parameter of this name."""
    if isinstance(span, str):
        return Now(bindparam(span, type_=SPAN))
    return Now(bindparam(None, span, type_=SPAN, unique=True))
