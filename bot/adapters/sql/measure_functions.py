"""SQL functions that both databases have under different names: months, exact spans, fields of JSON, lists."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import BigInteger, Boolean, String, Text, cast, func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

# Since SQLite 3.38 there is a function that makes no text of the number first.
_SECONDS = (
    "unixepoch(substr({}, 1, 19))"
    if sqlite3.sqlite_version_info >= (3, 38)
    else "CAST(strftime('%s', substr({}, 1, 19)) AS INTEGER)"
)


class MonthOf(FunctionElement[str]):
    """`2026-06` of a moment, by UTC."""

    type = String()
    inherit_cache = True


@compiles(MonthOf, "sqlite")
def _month_on_sqlite(element: MonthOf, compiler: Any, **options: Any) -> str:
    return f"substr({_only(element, compiler, options)}, 1, 7)"


@compiles(MonthOf, "postgresql")
def _month_on_postgresql(element: MonthOf, compiler: Any, **options: Any) -> str:
    return f"to_char({_only(element, compiler, options)} AT TIME ZONE 'UTC', 'YYYY-MM')"


class Micros(FunctionElement[int]):
    """Whole microseconds from the second moment to the first; exact on both databases."""

    type = BigInteger()
    inherit_cache = True


@compiles(Micros, "sqlite")
def _micros_on_sqlite(element: Micros, compiler: Any, **options: Any) -> str:
    later, earlier = (_since_epoch(compiler.process(one, **options)) for one in element.clauses)
    return f"({later} - {earlier})"


def _since_epoch(moment: str) -> str:
    """SQLite's own clock functions know milliseconds only, so the digits after the point are read as they stand."""
    return f"({_SECONDS.format(moment)} * 1000000 + substr({moment}, 21, 6))"


@compiles(Micros, "postgresql")
def _micros_on_postgresql(element: Micros, compiler: Any, **options: Any) -> str:
    later, earlier = (compiler.process(one, **options) for one in element.clauses)
    return f"CAST(extract(epoch FROM {later} - {earlier}) * 1000000 AS BIGINT)"


class JsonField(FunctionElement[str]):
    """The text at a top-level key of a JSON column; NULL where there is none."""

    type = Text()
    inherit_cache = True


@compiles(JsonField, "sqlite")
def _field_on_sqlite(element: JsonField, compiler: Any, **options: Any) -> str:
    column, key = (compiler.process(one, **options) for one in element.clauses)
    return f"json_extract({column}, '$.' || {key})"


@compiles(JsonField, "postgresql")
def _field_on_postgresql(element: JsonField, compiler: Any, **options: Any) -> str:
    column, key = (compiler.process(one, **options) for one in element.clauses)
    return f"(CAST({column} AS json) ->> {key})"


class MayHold(FunctionElement[bool]):
    """False only where the first text has not the second one in it. PostgreSQL finds that out sooner than it takes JSON
    apart; SQLite does not, and has no use for it."""

    type = Boolean()
    inherit_cache = True


@compiles(MayHold, "sqlite")
def _may_hold_on_sqlite(_element: MayHold, _compiler: Any, **_options: Any) -> str:
    return "1"


@compiles(MayHold, "postgresql")
def _may_hold_on_postgresql(element: MayHold, compiler: Any, **options: Any) -> str:
    text, part = (compiler.process(one, **options) for one in element.clauses)
    return f"(strpos({text}, {part}) > 0)"


def listed(numbers: ColumnElement[int]) -> ColumnElement[str]:
    """All numbers of a group that are not NULL, joined by commas; NULL without any."""
    return func.aggregate_strings(cast(numbers, Text), ",")


def _only(element: FunctionElement[Any], compiler: Any, options: dict[str, Any]) -> str:
    (clause,) = element.clauses
    return str(compiler.process(clause, **options))
