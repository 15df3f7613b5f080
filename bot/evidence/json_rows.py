"""Rows out of JSON: one object a line (NDJSON), or one list of objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.domain.errors import BadInput
from bot.domain.strict_json import parse_json
from bot.evidence.kinds import Limits
from bot.evidence.rows import Rows, refuse_many


class _Table:
    """Columns that grow row by row; a row without a column has None there."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._columns: dict[str, list[Any]] = {}
        self._n = 0

    def add(self, row: Any, where: str) -> None:
        if not isinstance(row, dict):
            raise BadInput(f"{where} is no object", next='send rows like {"label": 1, "prediction": 0}')
        new = sum(name not in self._columns for name in row)
        refuse_many(self._n + 1, len(self._columns) + new, self._limits)  # before a new column is filled up
        for name, cell in row.items():
            column = self._columns.get(name)
            if column is None:
                column = self._columns[name] = [None] * self._n
            column.append(self._checked(cell, name, where))
        self._n += 1
        if len(row) != len(self._columns):
            for column in self._columns.values():
                if len(column) < self._n:
                    column.append(None)

    def _checked(self, cell: Any, name: str, where: str) -> Any:
        if isinstance(cell, list | dict):
            raise BadInput(f"{where} holds a list or an object", why=f"in {name[:60]!r}", next="send flat rows")
        if isinstance(cell, str) and len(cell) > self._limits.text:
            raise BadInput(f"{where} holds too long a text", why=f"{self._limits.text} characters are allowed")
        return cell

    def rows(self) -> Rows:
        return Rows(self._columns, self._n)


def ndjson_rows(body: bytes, limits: Limits) -> Rows:
    """One object on each line; blank lines are skipped."""
    table = _Table(limits)
    for number, line in _lines(body):
        where = f"Line {number} of the evidence"
        if len(line) > limits.line:
            raise BadInput(
                f"{where} is too long", why=f"{limits.line} bytes are allowed", next="send one object a line"
            )
        try:
            row = parse_json(line)
        except BadInput as error:
            told = "send one JSON object a line, with null where there is no value"
            raise BadInput(f"{where} cannot be read", why=str(error), next=told) from error
        table.add(row, where)
    return table.rows()


def listed_rows(body: bytes, limits: Limits) -> Rows:
    """A JSON list of objects."""
    listed = parse_json(body)
    if not isinstance(listed, list):
        raise BadInput("The evidence is no list of rows", next="send a JSON list of objects, or NDJSON")
    return rows_of(listed, limits)


def rows_of(listed: list[Any], limits: Limits) -> Rows:
    """Rows out of a list that was parsed already."""
    table = _Table(limits)
    for number, row in enumerate(listed, 1):
        table.add(row, f"Row {number} of the evidence")
    return table.rows()


def _lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    number, start = 0, 0
    while start < len(body):
        end = body.find(b"\n", start)
        end = len(body) if end < 0 else end
        number += 1
        line = body[start:end].strip(b" \t\r")
        if line:
            yield number, line
        start = end + 1
