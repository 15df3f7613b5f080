"""The append-only trail: reading it, chaining what is not chained yet, and walking the chain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, text, type_coerce
from sqlalchemy.types import Text

from bot.adapters.sql.statements import columns_of
from bot.adapters.sql.tables import audit, audit_seals
from bot.adapters.sql.work import Work
from bot.domain.records import AuditEntry, AuditFault

START = "0" * 64
"""What the first row is chained to."""
MOST_SEALED = 10_000
"""Rows in one batch."""
LOOK_BACK = 10_000
"""PostgreSQL: row numbers below the chain's highest in which rows that committed late are looked for each time."""

_SEALER = 0x616E646F6E  # the word "andon": the number of the lock that one sealer at a time holds
_ENTRIES = (
    select(audit.c.id, *columns_of(audit, AuditEntry))
    .where(audit.c.id > bindparam("after"))
    .order_by(audit.c.id)
    .limit(bindparam("most", type_=audit.c.id.type))
)
# The data as text, exactly as it was written: parsing and writing again must not decide about a digest.
_RAW = (audit.c.id, audit.c.at, audit.c.actor, audit.c.action, audit.c.subject, type_coerce(audit.c.data, Text))
_HEAD = select(audit_seals.c.position, audit_seals.c.hash).order_by(audit_seals.c.position.desc()).limit(1)
_HIGHEST = select(func.coalesce(func.max(audit_seals.c.audit_id), 0)).scalar_subquery()
_CHAIN = (
    select(audit_seals.c.position, audit_seals.c.audit_id, audit_seals.c.hash, audit_seals.c.previous, *_RAW)
    .select_from(audit_seals.outerjoin(audit, audit.c.id == audit_seals.c.audit_id))
    .order_by(audit_seals.c.position)
)


class AuditQueries(Work):
    """Who did what."""

    def audit_entries(self, *, limit: int, after: int = 0) -> Sequence[tuple[int, AuditEntry]]:
        """Oldest first with their row numbers."""
        rows = self.rows(_ENTRIES, {"after": after, "most": limit})
        return [(row[0], AuditEntry(*row[1:])) for row in rows]


def link_hash(previous: str, row: Sequence[Any]) -> str:
    """SHA-256, in hex, of the hash before and the row as a canonical JSON list: number, time, words, data."""
    number, at, *words = row
    moment: datetime = at
    body = json.dumps([number, moment.isoformat(timespec="microseconds"), *words], separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{body}".encode()).hexdigest()


def seal(connection: Connection, *, thorough: bool) -> tuple[int, str] | None:
    """Chain rows that are not chained yet, in the order of their numbers; the new head, None if there were none.

    On SQLite writers come one after the other, so a row number tells the order of commits. On PostgreSQL a row may
    commit after others with higher numbers: it gets a later position. `thorough` looks for such rows from the start.
    """
    on_postgresql = connection.dialect.name == "postgresql"
    if on_postgresql:
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _SEALER})
    rows = connection.execute(_unsealed(on_postgresql=on_postgresql, thorough=thorough)).fetchall()
    if not rows:
        return None
    head = connection.execute(_HEAD).first()
    position, previous = (head.position, head.hash) if head else (0, START)
    links = []
    for row in rows:
        position, before, previous = position + 1, previous, link_hash(previous, row)
        links.append({"position": position, "audit_id": row.id, "hash": previous, "previous": before})
    connection.execute(insert(audit_seals), links)
    return position, previous


def _unsealed(*, on_postgresql: bool, thorough: bool) -> Select[Any]:
    statement = select(*_RAW).order_by(audit.c.id).limit(MOST_SEALED)
    if not on_postgresql:
        return statement.where(audit.c.id > _HIGHEST)
    statement = statement.where(~select(audit_seals.c.position).where(audit_seals.c.audit_id == audit.c.id).exists())
    return statement if thorough else statement.where(audit.c.id > _HIGHEST - LOOK_BACK)


def verify(connection: Connection, heads: Sequence[tuple[int, str]]) -> AuditFault | None:
    """Walk the chain from its start; `heads` are anchors kept elsewhere. The first bad position, or None."""
    anchors: dict[int, set[str]] = {}
    for position, known in heads:
        anchors.setdefault(position, set()).add(known)
    length, previous = 0, START
    with connection.execution_options(yield_per=1_000).execute(_CHAIN) as chain:
        for link in chain:
            problem = _problem(link, length + 1, previous, anchors)
            if problem:
                return AuditFault(length + 1, problem)
            length, previous = link.position, link.hash
    if any(position > length for position in anchors):
        return AuditFault(length + 1, f"the chain ends here, but position {max(anchors)} was anchored")
    return _inserted(connection)


def _problem(link: Row[Any], expected: int, previous: str, anchors: dict[int, set[str]]) -> str:
    if link.position != expected:
        return "this position of the chain is missing"
    if link.previous != previous:
        return "it does not follow the position before: rows were moved or chained anew"
    if link.id is None:
        return f"row {link.audit_id} was deleted"
    if link.hash != link_hash(previous, link[4:]):
        return f"row {link.audit_id} was altered"
    if any(known != link.hash for known in anchors.get(expected, ())):
        return "it is not what was anchored: the chain was written anew"
    return ""


def _inserted(connection: Connection) -> AuditFault | None:
    """A row beside the chain with a number that the chain has passed. Rows after the chain only wait for the sealer."""
    unchained = text(_INSERTED_ON_POSTGRESQL if connection.dialect.name == "postgresql" else _INSERTED_ON_SQLITE)
    row = connection.execute(unchained).first()
    return AuditFault(row.position, f"row {row.id} was put in before it") if row else None


_INSERTED_ON_SQLITE = """
SELECT a.id, (SELECT min(s.position) FROM audit_seals s WHERE s.audit_id > a.id) AS position
FROM audit a WHERE a.id < (SELECT max(audit_id) FROM audit_seals)
AND NOT EXISTS (SELECT 1 FROM audit_seals s WHERE s.audit_id = a.id) ORDER BY a.id LIMIT 1
"""
# A row that was written before the link that passed it only committed late, and the sealer will still come to it.
# Transaction numbers tell: https://www.postgresql.org/docs/current/ddl-system-columns.html
_INSERTED_ON_POSTGRESQL = """
SELECT a.id, passed.position FROM audit a CROSS JOIN LATERAL (
  SELECT s.position, s.xmin FROM audit_seals s WHERE s.audit_id > a.id ORDER BY s.position LIMIT 1
) AS passed
WHERE NOT EXISTS (SELECT 1 FROM audit_seals s WHERE s.audit_id = a.id) AND age(a.xmin) < age(passed.xmin)
ORDER BY a.id LIMIT 1
"""
