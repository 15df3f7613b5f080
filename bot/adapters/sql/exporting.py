"""Writes every table as JSON Lines, with a manifest of digests: the way out, with memory that does not grow."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, LargeBinary, Table

from bot.adapters.sql.audit_rows import PART, fetched
from bot.adapters.sql.table_shapes import metadata
from bot.adapters.sql.tables import accesses

_LEFT_OUT = frozenset({accesses.name})
"""Sessions and links: nobody needs them elsewhere."""

_FEW = 8
"""Rows with bytes that are in memory at a time: a kept file may have 5 MiB."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def export(connection: Connection, folder: Path) -> dict[str, dict[str, Any]]:
    """One file per table, in a view that is consistent; rows and SHA-256 by table."""
    return {table.name: _export_table(connection, table, folder) for table in _tables()}


def _tables() -> Iterator[Table]:
    yield from (table for table in metadata.sorted_tables if table.name not in _LEFT_OUT)


def _export_table(connection: Connection, table: Table, folder: Path) -> dict[str, Any]:
    names = [column.name for column in table.columns]
    order = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
    listed = ", ".join(f'"{name}"' for name in names)
    digest, rows = hashlib.sha256(), 0
    most = _FEW if any(isinstance(column.type, LargeBinary) for column in table.columns) else PART
    statement = f'SELECT {listed} FROM "{table.name}" ORDER BY {order}'  # noqa: S608 - names of our own
    with (folder / f"{table.name}.jsonl").open("wb") as file:
        for part in fetched(connection, statement, most=most):
            lines = "".join(f"{_encode(_plain(names, row))}\n" for row in part).encode("utf-8", "surrogatepass")
            digest.update(lines)
            file.write(lines)
            rows += len(part)
    return {"rows": rows, "sha256": digest.hexdigest()}


def _plain(names: Sequence[str], row: Sequence[Any]) -> Mapping[str, Any]:
    return {name: _value(value) for name, value in zip(names, row, strict=True)}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(value).decode("ascii")}
    return value
