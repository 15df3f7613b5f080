"""Rows of evidence as columns, whichever file they came in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import BadInput
from bot.evidence.kinds import LIMITS, Kind, Limits, unpacked, unpacked_json

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Rows:
    """Columns of `n` cells each, by name: text, finite numbers, booleans, None where a row has no value."""

    columns: Mapping[str, Sequence[Any]]
    n: int
    left_out: tuple[str, ...] = ()
    """Columns of the file whose type no gate reads (lists, structures, times, bytes)."""

    def column(self, name: str) -> Sequence[Any]:
        """The cells of one column. BadInput where there is none of that name."""
        found = self.columns.get(name)
        if found is None:
            had = ", ".join(sorted(self.columns)[:20]) or "none"
            why = "its type cannot be read as cells" if name in self.left_out else f"the columns are: {had}"
            raise BadInput(f"The evidence has no column {name!r}", why=why)
        return found

    def where(self, name: str, value: Any) -> Rows:
        """The rows whose cell in that column equals the value."""
        return self.at([number for number, cell in enumerate(self.column(name)) if cell == value])

    def at(self, numbers: Iterable[int]) -> Rows:
        """The rows of these numbers, in that order."""
        wanted = list(numbers)
        taken = {name: [column[number] for number in wanted] for name, column in self.columns.items()}
        return Rows(taken, len(wanted), self.left_out)


def read_rows(raw: bytes, kind: Kind, limits: Limits = LIMITS) -> Rows:
    """The rows of NDJSON, CSV or Parquet, or of a JSON list of objects; each may be packed with gzip.

    BadInput, with the line where there is one, for: more than the limits allow, what is not of that kind, a key or a
    heading given twice, lines of another length than the heading, NaN, infinities, and cells that are lists or objects.
    """
    body = unpacked_json(raw, limits) if kind is Kind.JSON else unpacked(raw, limits)
    if kind is Kind.PARQUET:
        from bot.evidence.parquet_rows import parquet_rows

        return parquet_rows(body, limits)
    if kind is Kind.CSV:
        from bot.evidence.csv_rows import csv_rows

        return csv_rows(body, limits)
    from bot.evidence.json_rows import listed_rows, ndjson_rows

    return ndjson_rows(body, limits) if kind is Kind.NDJSON else listed_rows(body, limits)


def refuse_many(rows: int, columns: int, limits: Limits) -> None:
    """BadInput where there are more rows, columns or cells than allowed, and whatever the watch raises."""
    if limits.watch is not None:
        limits.watch()
    for number, most, what in (
        (rows, limits.rows, "rows"),
        (columns, limits.columns, "columns"),
        (rows * columns, limits.cells, "cells"),
    ):
        if number > most:
            raise BadInput(f"The evidence has too many {what}", why=f"{most} are allowed", next="send a sample")
