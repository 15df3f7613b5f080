"""Rows out of CSV (RFC 4180): a heading, then lines of the same length; a column of numbers becomes numbers."""

from __future__ import annotations

import csv
import io
import math
import re
from typing import Any

from bot.domain.errors import BadInput
from bot.evidence.kinds import Limits
from bot.evidence.rows import Rows, refuse_many

# No leading zeros (007 is a name), nothing that only Python takes for a number (1_000, other scripts' digits).
_NUMBER = re.compile(r"-?(?:(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,4})?")
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_NOT_FINITE = frozenset({"nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"})


def csv_rows(body: bytes, limits: Limits) -> Rows:
    """The lines as columns; an empty cell is None."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise BadInput(f"Line {line} of the evidence is not UTF-8", next="save the file as UTF-8") from error
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise BadInput(f"Line {line} of the evidence holds a NUL", next="save the file as UTF-8 text")
    heading, cells, lines = _read(text, limits)
    columns = {name: _typed(name, [row[place] for row in cells], lines, limits) for place, name in enumerate(heading)}
    return Rows(columns, len(cells))


class _Lines:
    """The lines of the text, and how many characters came since `since` was last set to 0: those of one row."""

    def __init__(self, text: str, limits: Limits) -> None:
        self._lines = io.StringIO(text, newline="")
        self._limits = limits
        self._number = 0
        self.since = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._number += 1
        self.since += len(line)
        if self.since > self._limits.line:
            raise BadInput(
                f"Line {self._number} of the evidence is too long",
                why=f"a row may have {self._limits.line} characters",
            )
        return line


def _read(text: str, limits: Limits) -> tuple[list[str], list[list[str]], list[int]]:
    source = _Lines(text, limits)
    reader = csv.reader(source, strict=True)
    cells: list[list[str]] = []
    lines: list[int] = []
    try:
        heading = next(reader, [])
        source.since = 0
        _check_heading(heading, limits)
        for row in reader:
            source.since = 0
            if not row:
                continue
            if len(row) != len(heading):
                raise BadInput(
                    f"Line {reader.line_num} of the evidence has {len(row)} cells",
                    why=f"the heading has {len(heading)}",
                )
            cells.append(row)
            lines.append(reader.line_num)
            refuse_many(len(cells), len(heading), limits)
    except csv.Error as error:
        raise BadInput(f"Line {reader.line_num} of the evidence is not CSV", why=str(error)) from error
    return heading, cells, lines


def _check_heading(heading: list[str], limits: Limits) -> None:
    if not heading or not all(heading):
        raise BadInput("Line 1 of the evidence is no heading", why="a column without a name cannot be found")
    refuse_many(0, len(heading), limits)
    if len(set(heading)) != len(heading):
        twice = next(name for name in heading if heading.count(name) > 1)
        raise BadInput("Line 1 of the evidence names a column twice", why=f"{twice[:60]!r}", next="name each once")


def _typed(name: str, cells: list[str], lines: list[int], limits: Limits) -> list[Any]:
    """Numbers where every cell that is not empty is one; text otherwise."""
    if limits.watch is not None:
        limits.watch()
    odd = [number for number, cell in enumerate(cells) if cell and not _NUMBER.fullmatch(cell)]
    if not odd:
        return [_number(cell, name, line) for cell, line in zip(cells, lines, strict=True)]
    broken = [number for number in odd if cells[number].strip().lower() in _NOT_FINITE]
    if len(broken) == len(odd) and len(odd) < sum(1 for cell in cells if cell):
        raise BadInput(
            f"Line {lines[broken[0]]} of the evidence holds {cells[broken[0]].strip()!r} among numbers",
            why=f"in the column {name[:60]!r}",
            next="leave the cell empty where there is no value",
        )
    for cell, line in zip(cells, lines, strict=True):
        if len(cell) > limits.text:
            raise BadInput(f"Line {line} of the evidence holds too long a text", why=f"{limits.text} characters")
    return [cell or None for cell in cells]


def _number(cell: str, name: str, line: int) -> int | float | None:
    if not cell:
        return None
    if _WHOLE.fullmatch(cell):
        return int(cell)
    number = float(cell)
    if not math.isfinite(number):
        raise BadInput(f"Line {line} of the evidence holds too large a number", why=f"in the column {name[:60]!r}")
    return number
