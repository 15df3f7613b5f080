"""Takes a person out of every table, in one transaction, with the audit's chain intact and an entry that says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, LargeBinary, Table, delete, insert, select, text, type_coerce, update
from sqlalchemy.types import Text

from bot.adapters.keyring import Keyring
from bot.adapters.sql import people_tables, release_tables, run_tables, tables
from bot.adapters.sql.audit_erasures import ERASED, list_digest, signed_part
from bot.adapters.sql.audit_rows import digest_of
from bot.adapters.sql.audit_sealing import SEALER, seal
from bot.adapters.sql.audit_tables import audit_anchors, audit_erasures, audit_heads
from bot.adapters.sql.holding import held, opened
from bot.adapters.sql.statements import columns_of
from bot.adapters.sql.stored_text import to_json
from bot.adapters.sql.table_shapes import metadata
from bot.domain.erasures import Erased, Erasure
from bot.domain.gates import GateResult

Digest = Callable[[GateResult], str]
_TRAIL = frozenset({tables.audit, tables.audit_seals, audit_heads, audit_erasures, audit_anchors})
_GONE: Mapping[Table, tuple[str, ...]] = {
    # What only lets a person in, or keeps their pace, is deleted.
    tables.accesses: ("name",),
    people_tables.lanes: ("address",),
}
_LEFT = frozenset({people_tables.kept_files.name})
"""Content that is kept under its digest, which other records and verdicts rest on."""
MOST_LISTED = 5_000
"""Rows of the trail that one entry lists."""
_AUDIT = tables.audit
_RAW = (_AUDIT.c.id, _AUDIT.c.at, _AUDIT.c.actor, _AUDIT.c.action, _AUDIT.c.subject, type_coerce(_AUDIT.c.data, Text))


def erase(connection: Connection, erasure: Erasure, keys: Keyring, now: datetime, digest: Digest) -> Erased:
    """In the transaction of the caller, who commits it, or rolls it back to see only what would be changed."""
    while seal(connection, keys, thorough=True):
        pass  # rows that are not chained yet could be erased without a trace of what they were
    rows = {}
    with opened(connection, run_tables.run_plans.name):
        for table in metadata.sorted_tables:
            if (
                table not in _TRAIL
                and table.name not in _LEFT
                and (changed := _erase_table(connection, table, erasure))
            ):
                rows[table.name] = changed
    results = _results(connection, erasure, digest) if release_tables.gate_results.name in rows else {}
    listed = _listed(connection, erasure.names, lambda row: _without(row, erasure))
    write_entries(connection, keys, listed, _entry(erasure, now, rows, results))
    while seal(connection, keys, thorough=True):
        pass
    rows |= {_AUDIT.name: len(listed)} if listed else {}
    return Erased(erasure.pseudonym, rows, tuple(_files(connection, erasure)), results)


def _entry(erasure: Erasure, now: datetime, rows: Mapping[str, int], results: Mapping[str, str]) -> dict[str, Any]:
    data = {"reason": erasure.reason, "records": rows, "gate_results": results}
    by = erasure.without(erasure.by)
    return {"at": now, "actor": by, "action": ERASED, "subject": f"person:{erasure.pseudonym}", "data": data}


def _erase_table(connection: Connection, table: Table, erasure: Erasure) -> int:
    texts = [column for column in table.columns if _is_text(column)]
    if table in _GONE:
        return _delete_named(connection, table, _GONE[table], erasure)
    blobs = [column for column in table.columns if isinstance(column.type, LargeBinary)]
    raw = [type_coerce(column, Text) for column in texts]
    keys = list(table.primary_key.columns)
    found = connection.execute(select(*keys, *raw, *blobs).where(_holds(connection, [*texts, *blobs], erasure)))
    changed = 0
    for row in found.fetchall():
        before = dict(zip([*texts, *blobs], row[len(keys) :], strict=True))
        after = {column: _cleaned(value, erasure) for column, value in before.items()}
        new = {column: value for column, value in after.items() if value != before[column]}
        if new:
            here = [column == value for column, value in zip(keys, row[: len(keys)], strict=True)]
            values = {column.name: _as_stored(column, value) for column, value in new.items()}
            connection.execute(update(table).where(*here).values(values))
            changed += 1
    return changed


def _is_text(column: Column[Any]) -> bool:
    kind = getattr(column.type, "impl", column.type)
    return isinstance(kind, Text)


def _as_stored(column: Column[Any], value: Any) -> Any:
    """Past the column's own way of writing: it is written already."""
    return value if isinstance(column.type, LargeBinary) else type_coerce(value, Text)


def _cleaned(value: Any, erasure: Erasure) -> Any:
    if isinstance(value, str):
        return erasure.without(value)
    if isinstance(value, bytes | memoryview):
        content = bytes(value)
        # Bytes that are no text come through unchanged; latin-1 has a character for each.
        return erasure.without(content.decode("utf-8")).encode() if _is_utf8(content) else content
    return value


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _holds(connection: Connection, columns: Iterable[Column[Any]], erasure: Erasure) -> Any:
    """Rows in which an id may stand; which of them really do is told by its words."""
    return held(connection, columns, [one.lower() for one in erasure.ids])


def _delete_named(connection: Connection, table: Table, names: Sequence[str], erasure: Erasure) -> int:
    keys = list(table.primary_key.columns)
    gone = 0
    for row in connection.execute(select(*keys, *(type_coerce(table.c[name], Text) for name in names))).fetchall():
        if any(erasure.names(value) for value in row[len(keys) :] if value):
            here = [column == value for column, value in zip(keys, row[: len(keys)], strict=True)]
            gone += connection.execute(delete(table).where(*here)).rowcount
    return gone


def _results(connection: Connection, erasure: Erasure, digest: Digest) -> dict[str, str]:
    """The digests that verdicts have, now that somebody was taken out of them."""
    table = release_tables.gate_results
    columns = columns_of(table, GateResult)
    there = held(connection, [table.c.by, table.c.why, table.c.params, table.c.details], [erasure.pseudonym.lower()])
    return {row.id: digest(GateResult(*row)) for row in connection.execute(select(*columns).where(there))}


Row = Sequence[Any]
Listed = tuple[int, str, str, Row]
"""A row of the trail: its number, its digest before and after, and what it becomes."""


def _listed(connection: Connection, names: Callable[[str], bool], become: Callable[[Row], Row]) -> list[Listed]:
    seals = tables.audit_seals
    joined = _AUDIT.join(seals, seals.c.audit_id == _AUDIT.c.id)
    statement = select(*_RAW, _AUDIT.c.erased, seals.c.row_digest, seals.c.hash).select_from(joined)
    listed = []
    for found in connection.execute(statement.order_by(_AUDIT.c.id), execution_options={"yield_per": 2_000}):
        *row, erased, row_digest, link = found
        if any(names(word) for word in (row[2], row[4], row[5])):
            before = digest_of(row) if erased else row_digest or link
            after = become(row)
            listed.append((row[0], before, digest_of(after), after))
    return listed


def _without(row: Row, erasure: Erasure) -> Row:
    number, at, actor, action, subject, data = row
    return [number, at, erasure.without(actor), action, erasure.without(subject), erasure.without(data)]


def write_entries(connection: Connection, keys: Keyring, listed: Sequence[Listed], entry: Mapping[str, Any]) -> None:
    """Entries that say what is erased, the lists that their signatures are about, and then the rows themselves."""
    key = keys.own()
    for start in range(0, max(1, len(listed)), MOST_LISTED):
        part = listed[start : start + MOST_LISTED]
        digest = list_digest([one[:3] for one in part])
        said = {**entry["data"], "digest": digest, "rows": len(part), "key_id": key.id}
        said["signature"] = key.sign(signed_part(digest, said)).hex()
        written = {**entry, "data": type_coerce(to_json(said), Text)}
        entry_id = connection.execute(insert(_AUDIT).values(written).returning(_AUDIT.c.id)).scalar_one()
        if not part:
            return
        lists = [{"audit_id": one[0], "entry_id": entry_id, "before": one[1], "after": one[2]} for one in part]
        connection.execute(insert(audit_erasures), lists)
        for number, _, _, (_, _, actor, _, subject, data) in part:
            values = {"actor": actor, "subject": subject, "data": type_coerce(data, Text)}
            connection.execute(update(_AUDIT).where(_AUDIT.c.id == number).values(**values, erased=_AUDIT.c.erased + 1))


def _files(connection: Connection, erasure: Erasure) -> Iterable[str]:
    files = people_tables.kept_files
    for row in connection.execute(select(files).where(_holds(connection, [files.c.content], erasure))):
        if _cleaned(row.content, erasure) != row.content:
            yield row.sha256


def lock(connection: Connection) -> None:
    """Nobody else writes meanwhile: on SQLite the transaction sees to it, on PostgreSQL these locks."""
    if connection.dialect.name != "postgresql":
        return
    connection.execute(text("SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": SEALER})
    names = ", ".join(sorted(table.name for table in metadata.sorted_tables))
    connection.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))
