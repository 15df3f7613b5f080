"""Statements of SQLite made ready once: a call then costs little more than the database itself.

A statement costs some 25 µs on its way through SQLAlchemy, and SQLite itself takes 2 to 5 for it. What is written and
looked up for every alert and every step goes straight to the driver instead; the driver's own errors come out."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import BindParameter, Connection, Executable, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

Row = Mapping[str, Any]
Convert = Callable[[Any], Any] | None


class Prepared:
    """One writing statement with the names of its parameters."""

    def __init__(self, statement: ClauseElement, dialect: Dialect, names: Sequence[str]) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=list(names))
        self._text: str = compiled.string
        self._fixed: dict[str, Any] = {}
        self._parameters: list[tuple[str, Convert]] = []
        for name in compiled.positiontup:
            convert = _binder(compiled.binds[name], dialect)
            self._parameters.append((name, convert))
            if name not in names:
                value = compiled.params[name]
                self._fixed[name] = value if convert is None else convert(value)

    def write(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Run it for each row, in their order."""
        cursor = connection.connection.cursor()
        try:
            if len(rows) == 1:
                cursor.execute(self._text, self._values(rows[0]))
            else:
                cursor.executemany(self._text, [self._values(row) for row in rows])
        finally:
            cursor.close()

    def _values(self, row: Row) -> tuple[Any, ...]:
        fixed = self._fixed
        return tuple(
            fixed[name] if name in fixed else row[name] if convert is None else convert(row[name])
            for name, convert in self._parameters
        )


class Lookup:
    """One SELECT; `rows` gives named tuples of converted values."""

    def __init__(self, statement: Select[Any], dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self._text: str = compiled.string
        self._parameters = [(name, compiled.binds[name]) for name in compiled.positiontup]
        self._converts = {name: _binder(bind, dialect) for name, bind in self._parameters}
        self._fixed: dict[str, Any] = {name: value for name, value in compiled.params.items() if value is not None}
        columns = list(statement.selected_columns)
        self._row = _tuple_of([column.name for column in columns])
        self._columns = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]

    def rows(self, connection: Connection, values: Row | None) -> list[Any]:
        """All rows."""
        text = self._text
        parameters: list[Any] = []
        for name, bind in self._parameters:
            value, convert = (values or {}).get(name, self._fixed.get(name)), self._converts[name]
            if bind.expanding:
                text = text.replace(f"__[POSTCOMPILE_{name}]", ", ".join("?" * len(value)))
                parameters += value if convert is None else map(convert, value)
            else:
                parameters.append(value if convert is None else convert(value))
        cursor = connection.connection.cursor()
        try:
            found = cursor.execute(text, parameters).fetchall()
        finally:
            cursor.close()
        return [self._row(*map(_converted, self._columns, row)) for row in found]


def lookup(statement: Executable, connection: Connection, values: Row | None) -> Lookup | None:
    """The statement made ready, from its second use on; None where SQLAlchemy has to see to it."""
    if connection.dialect.name != "sqlite" or not isinstance(statement, Select):
        return None
    if any(isinstance(value, list) and (not value or isinstance(value[0], tuple)) for value in (values or {}).values()):
        return None
    if statement not in _lookups:
        _lookups[statement] = None  # one that is built for each call is not worth it
        return None
    found = _lookups[statement]
    if found is None:
        found = _lookups[statement] = Lookup(statement, connection.dialect)
    return found


_lookups: WeakKeyDictionary[Executable, Lookup | None] = WeakKeyDictionary()


def _binder(bind: BindParameter[Any], dialect: Dialect) -> Convert:
    kind = bind.type.dialect_impl(dialect)
    processor: Convert = kind.bind_processor(dialect)
    return processor


def _tuple_of(names: Sequence[str]) -> Any:
    return namedtuple("Row", names, rename=True)


def _converted(convert: Convert, value: Any) -> Any:
    return value if convert is None else convert(value)


@lru_cache(maxsize=256)
def prepared(statement: Executable, dialect: Dialect, names: tuple[str, ...]) -> Prepared:
    """The statement for rows of these names; for statements that are made once and live as long as the process."""
    assert isinstance(statement, ClauseElement)
    return Prepared(statement, dialect, names)
