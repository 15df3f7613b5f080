"""Statements made ready once: a call then costs little more than the database itself.

A statement costs 25 to 100 µs on its way through SQLAlchemy, and the database itself often less than that. What a
transaction that may write asks and tells goes straight to the driver instead; the driver's own errors come out."""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Executable, Float
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement
from sqlalchemy.types import TypeEngine

Row = Mapping[str, Any]
Convert = Callable[[Any], Any] | None

FEW_ROWS = 8
_MARK = re.compile(r"\$(\d+)")
_PLAIN_INSERT = re.compile(r"(INSERT INTO \w+ \([^()]*\) VALUES )(\([^()]*\))")
_LIST = re.compile(r"IN \(__\[POSTCOMPILE_(\w+)\]\)")


class Prepared:
    """One statement: its text for the driver, how its parameters go in and how its columns come out."""

    def __init__(self, statement: ClauseElement, dialect: Dialect, names: Sequence[str]) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=list(names))
        is_sqlite = dialect.name == "sqlite"
        self._text: str
        order: list[str]
        self._text, order = (compiled.string, compiled.positiontup) if is_sqlite else _numbered(compiled)
        self._fixed = {name: value for name, value in compiled.params.items() if name not in names}
        self._parameters: list[tuple[str, Convert, bool]] = []
        for name in order:
            bind = compiled.binds[name]
            convert: Convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
            self._parameters.append((name, convert, bind.expanding))
        is_plain = not self._fixed and not any(grows for _, _, grows in self._parameters)
        self._plain = [(name, convert) for name, convert, _ in self._parameters] if is_plain else None
        self._values = None if is_sqlite else _values_of(self._text)
        self._texts: dict[int, str] = {}
        self._lists_grow = is_sqlite and any(grows for _, _, grows in self._parameters)
        columns = list(getattr(statement, "exported_columns", ()))
        self._row = _tuple_of([column.name for column in columns])
        self._converts = [_reader(column.type, dialect) for column in columns]

    def call(self, values: Row) -> tuple[str, list[Any]]:
        """The text and the parameters for these values."""
        if self._plain is not None:
            return self._text, [values[name] if how is None else how(values[name]) for name, how in self._plain]
        text, parameters = self._text, []
        for name, convert, grows in self._parameters:
            value = values[name] if name in values else self._fixed[name]
            if not grows:
                parameters.append(value if convert is None else convert(value))
                continue
            several = list(value) if convert is None else [convert(one) for one in value]
            if self._lists_grow:  # SQLite has a mark for each; PostgreSQL takes a list as one value
                text = text.replace(f"__[POSTCOMPILE_{name}]", ", ".join("?" * len(several)))
                parameters += several
            else:
                parameters.append(several)
        return text, parameters

    def calls(self, rows: Sequence[Row]) -> tuple[str, list[tuple[Any, ...]]]:
        """The text and the parameters for each row; what a row shares with the one before is converted once."""
        columns = [self._column(name, convert, rows) for name, convert, _ in self._parameters]
        return self._text, list(zip(*columns, strict=True))

    def together(self, rows: Sequence[Row]) -> tuple[str, list[Any]] | None:
        """One text that adds all of these rows, and its parameters; None where the statement is no plain INSERT for
        PostgreSQL, or where they are more than a few: each number of rows makes a text of its own."""
        if self._values is None or len(rows) > FEW_ROWS:
            return None
        columns = [self._column(name, convert, rows) for name, convert, _ in self._parameters]
        return self._text_for(len(rows)), [value for row in zip(*columns, strict=True) for value in row]

    def _text_for(self, count: int) -> str:
        text = self._texts.get(count)
        if text is None:
            assert self._values is not None
            head, values = self._values
            width = len(self._parameters)
            text = head + ", ".join(_moved_on(values, by) for by in range(0, width * count, width))
            self._texts[count] = text
        return text

    def rows(self, found: Iterable[Sequence[Any]]) -> list[Any]:
        """Named tuples of converted values."""
        make, converts = self._row, self._converts
        return [
            make(*[value if convert is None else convert(value) for convert, value in zip(converts, row, strict=True)])
            for row in found
        ]

    def _column(self, name: str, convert: Convert, rows: Sequence[Row]) -> list[Any]:
        if name not in rows[0]:
            fixed = self._fixed[name]
            return [fixed if convert is None else convert(fixed)] * len(rows)
        if convert is None:
            return [row[name] for row in rows]
        column: list[Any] = []
        before, made = rows[0][name], convert(rows[0][name])
        for row in rows:
            value = row[name]
            if value is not before:
                before, made = value, convert(value)
            column.append(made)
        return column


@lru_cache(maxsize=512)
def prepared(statement: Executable, dialect: Dialect, names: tuple[str, ...]) -> Prepared:
    """The statement for values of these names. One that is built for each call is compiled for each call."""
    assert isinstance(statement, ClauseElement)
    return Prepared(statement, dialect, names)


def _numbered(compiled: Any) -> tuple[str, list[str]]:
    """PostgreSQL's own way of writing: `$1`, and a list as one value, so that the text is the same for any length."""
    order: dict[str, int] = {}

    def number(name: str) -> str:
        return f"${order.setdefault(name, len(order) + 1)}"

    text = _LIST.sub(lambda match: f"= ANY (%({match[1]})s)", compiled.string)
    text = re.sub(r"%\((\w+)\)s|%%", lambda match: number(match[1]) if match[1] else "%", text)
    return text, list(order)


def _values_of(text: str) -> tuple[str, str] | None:
    """A plain INSERT of one row in two parts: up to its values, and these. One that may meet itself stays whole."""
    found = _PLAIN_INSERT.fullmatch(text)
    return (found[1], found[2]) if found else None


def _moved_on(values: str, by: int) -> str:
    return _MARK.sub(lambda found: f"${int(found[1]) + by}", values)


def _tuple_of(names: Sequence[str]) -> Any:
    return namedtuple("Row", names, rename=True)


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> Convert:
    if isinstance(kind, Float):  # what SQLAlchemy makes of it depends on the type that the server names
        return lambda value: None if value is None else float(value)
    processor: Convert = kind.dialect_impl(dialect).result_processor(dialect, None)
    return processor
