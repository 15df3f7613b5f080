"""Observations out of files, CSV and Parquet: batch after batch, so that a large file needs little memory.

The fields are columns, named as in NDJSON. An empty cell, or a null, says nothing."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO

from bot.domain.errors import BadInput
from bot.evidence.observation_columns import FIELDS, Observations
from bot.evidence.observation_rows import Chunk, Row, holds_unstorable
from bot.evidence.set_aside import Reason

ROWS = 50_000
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:nan|inf|infinity)", re.ASCII | re.IGNORECASE)
_ANSWERS = ("incumbent", "candidate", "label")
_TIMES = ("incumbent_ms", "candidate_ms")


def from_csv(lines: Iterable[str], *, unit: str = "") -> Iterator[Observations]:
    """CSV with a header → batches of 50,000 rows. BadInput for a header without `key`, or what is no CSV.

    Answers and labels are numbers when every one in the first 50,000 rows is written as one, else they are text; a
    cell that is no number where numbers are expected sets its row aside. Line numbers are of rows, the header being 1.
    """
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, [])
        names = [name.strip() for name in header]
        names[:1] = [name.removeprefix("\ufeff") for name in names[:1]]
        _check_names(names)
        numbers: bool | None = None
        first = 2
        while cells := list(islice(reader, ROWS)):
            rows = [_named(names, row, unit) for row in cells]
            if numbers is None:
                numbers = all(_NUMBER.fullmatch(row[name]) for row in rows for name in _ANSWERS if name in row)
            for row in rows:
                _numbered(row, _ANSWERS if numbers else ())
            yield _batch(rows, first, unit)
            first += len(rows)
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadInput("The file is not CSV in UTF-8", why="it cannot be read as rows of cells") from error
    if first == 2:
        raise BadInput("The file holds no rows", next="give a header and one row for each observation")


def from_parquet(source: BinaryIO, *, unit: str = "") -> Iterator[Observations]:
    """Parquet → batches of up to 50,000 rows; row numbers from 1. BadInput for another format, or no column `key`.

    Needs pyarrow. Keys and units of whole numbers become text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(source)
        names = file.schema_arrow.names
        _check_names(names)
        wanted = [name for name in dict.fromkeys((*FIELDS, unit)) if name in names]
        first = 1
        for table in file.iter_batches(batch_size=ROWS, columns=wanted):
            rows = table.to_pylist()
            for row in rows:
                if type(row["key"]) is int:
                    row["key"] = str(row["key"])
            yield _batch(rows, first, unit)
            first += len(rows)
    except (pa.ArrowException, OSError) as error:
        raise BadInput("The file is not Parquet", why="it cannot be read as a table") from error
    if first == 1:
        raise BadInput("The file holds no rows", next="give one row for each observation")


def _check_names(names: list[str]) -> None:
    if "key" not in names:
        raise BadInput("The file has no column key", next="name the column that says which request a row is of: key")
    if len(set(names)) != len(names):
        raise BadInput("The file has two columns of one name", next="name each column once")


def _named(names: list[str], cells: list[str], unit: str) -> Row:
    """The cells that say something. A row of another length than the header carries no key, and so is set aside."""
    if len(cells) != len(names):
        return {}
    return {name: cell for name, cell in zip(names, cells, strict=True) if cell and (name in FIELDS or name == unit)}


def _numbered(row: Row, names: tuple[str, ...]) -> None:
    for name in (*names, *_TIMES):
        cell = row.get(name)
        if cell is not None:
            # What is no number becomes what no rule allows, and its row is set aside for it.
            row[name] = float(cell) if _NUMBER.fullmatch(cell) else {}
    if _NUMBER.fullmatch(row.get("at", "")):
        row["at"] = float(row["at"])


def _batch(rows: list[dict[str, Any]], first: int, unit: str) -> Observations:
    batch = Observations()
    numbers = list(range(first, first + len(rows)))
    broken = {number for number, row in zip(numbers, rows, strict=True) if holds_unstorable(row)}
    if broken:
        for number in sorted(broken):
            batch.aside.add(Reason.BROKEN_TEXT, number)
        rows = [row for number, row in zip(numbers, rows, strict=True) if number not in broken]
        numbers = [number for number in numbers if number not in broken]
    batch.add(Chunk(rows, numbers), unit)
    return batch
