"""What was erased of the audit trail, as the trail itself says: each erasure is listed, and its list is signed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, select, text

from bot.adapters.keyring import Keyring
from bot.adapters.sql.audit_rows import Raw, fetched
from bot.adapters.sql.audit_tables import audit_erasures
from bot.domain.records import AuditFault

ERASED = "audit.erased"
"""The action of entries that say what was erased."""

_OF_ROWS = (
    select(audit_erasures.c.audit_id, audit_erasures.c.before, audit_erasures.c.after)
    .where(audit_erasures.c.audit_id.in_(bindparam("ids", expanding=True)))
    .order_by(audit_erasures.c.number)
)
# Every list with the entry that it belongs to; an entry counts once it is chained.
_LISTS = (
    'SELECT e.entry_id, e.audit_id, e.before, e."after", a.action, a.data, s.position FROM audit_erasures e '
    "LEFT JOIN audit a ON a.id = e.entry_id LEFT JOIN audit_seals s ON s.audit_id = e.entry_id "
    "ORDER BY e.entry_id, e.audit_id"
)
_BARE = (
    "SELECT a.id, a.data, s.position FROM audit a JOIN audit_seals s ON s.audit_id = a.id "
    "WHERE a.action = 'audit.erased' AND a.id NOT IN (SELECT entry_id FROM audit_erasures) ORDER BY s.position"
)
# The walk holds every row that says it was erased against this table; what is left are those that do not say so.
_LOST = """
SELECT s.position, a.id FROM audit_erasures e JOIN audit a ON a.id = e.audit_id JOIN audit_seals s ON s.audit_id = a.id
WHERE a.erased <> (SELECT count(*) FROM audit_erasures o WHERE o.audit_id = a.id) ORDER BY s.position LIMIT 1
"""


def kept_digests(connection: Connection, ids: Sequence[int]) -> Mapping[int, Sequence[tuple[str, str]]]:
    """What rows were before and after each of their erasures, oldest first."""
    found: dict[int, list[tuple[str, str]]] = {}
    for row in connection.execute(_OF_ROWS, {"ids": list(ids)}) if ids else ():
        found.setdefault(row.audit_id, []).append((row.before, row.after))
    return found


def list_digest(rows: Sequence[Raw]) -> str:
    """SHA-256, in hex, of (row, digest before, digest after) in the order of the rows, one line each."""
    lines = "".join(f"{number} {before} {after}\n" for number, before, after in rows)
    return hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()


def signed_part(digest: str, told: Mapping[str, Any]) -> bytes:
    """What the key of an erasure signs: the digest of its list, and what its entry says of rows, verdicts and files."""
    said = json.dumps([told.get("gate_results"), told.get("files")], sort_keys=True)
    lines = ("andon audit erasure", digest, told.get("rows"), told.get("key_id"), said)
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")


def bad_erasure(connection: Connection, keys: Keyring) -> AuditFault | None:
    """An erasure that its entry in the trail does not bear out, at the position of the row that it is about; or an
    entry that speaks of one that there is not."""
    for entry_id, rows in groupby(_rows(connection, _LISTS), key=lambda row: row[0]):
        listed = list(rows)
        if not _is_borne_out(listed, keys):
            first = min(row[1] for row in listed)
            of_row = text("SELECT position FROM audit_seals WHERE audit_id = :id")
            position = connection.execute(of_row, {"id": first}).scalar()
            return AuditFault(position or 0, f"row {first} was erased without an entry that says so (entry {entry_id})")
    for entry_id, data, position in _rows(connection, _BARE):
        told = _told(data)
        if told.get("rows") != 0 or not _is_signed(list_digest(()), told, keys):
            return AuditFault(position, f"row {entry_id} speaks of an erasure that was not made by us")
    lost = connection.execute(text(_LOST)).first()
    if lost is None:
        return None
    return AuditFault(lost.position, f"row {lost.id} was altered: what was erased of it is not on record")


def _rows(connection: Connection, statement: str) -> Iterator[Raw]:
    for part in fetched(connection, statement):
        yield from part


def _is_borne_out(listed: Sequence[Raw], keys: Keyring) -> bool:
    *_, action, data, position = listed[0]
    told = _told(data)
    digest = list_digest([row[1:4] for row in listed])
    is_entry = action == ERASED and position is not None and told.get("rows") == len(listed)
    return is_entry and _is_signed(digest, told, keys)


def _is_signed(digest: str, told: Mapping[str, Any], keys: Keyring) -> bool:
    signature, key_id = str(told.get("signature")), str(told.get("key_id"))
    return told.get("digest") == digest and keys.vouches(key_id, signed_part(digest, told), signature)


def _told(data: object) -> Mapping[str, Any]:
    try:
        found = json.loads(data) if isinstance(data, str) else {}
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}
