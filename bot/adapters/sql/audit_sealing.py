"""Chains what is new of the audit trail, and signs where the chain ends, in one commit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, text, type_coerce
from sqlalchemy.types import Text

from bot.adapters.keyring import Keyring
from bot.adapters.sql.audit_rows import digest_of, link_hash
from bot.adapters.sql.audit_tables import audit_heads
from bot.adapters.sql.database_clock import now
from bot.adapters.sql.tables import audit, audit_seals
from bot.domain.audit_trail import START, Head, SignedHead
from bot.domain.errors import Refused

MOST_SEALED = 10_000
"""Rows in one batch."""
LOOK_BACK = 10_000
"""PostgreSQL: row numbers below the chain's highest in which rows that committed late are looked for each time."""

SEALER = 0x616E646F6E  # the word "andon": the number of the lock that one sealer at a time holds
# The data as text, exactly as it was written.
_RAW = (audit.c.id, audit.c.at, audit.c.actor, audit.c.action, audit.c.subject, type_coerce(audit.c.data, Text))
_LAST = select(audit_seals).order_by(audit_seals.c.position.desc()).limit(1)
_LAST_HEAD = select(audit_heads).order_by(audit_heads.c.position.desc()).limit(1)
_HIGHEST = select(func.coalesce(func.max(audit_seals.c.audit_id), 0)).scalar_subquery()


def seal(connection: Connection, keys: Keyring, *, thorough: bool) -> Head | None:
    """Chain rows that are not chained yet, in the order of their numbers, and sign the new end; None if none were.

    On SQLite writers come one after the other, so a row number tells the order of commits. On PostgreSQL a row may
    commit after others with higher numbers: it gets a later position. `thorough` looks for such rows from the start.
    Refused where the end of the chain is not the one that was signed: signing on would vouch for what somebody did.
    """
    on_postgresql = connection.dialect.name == "postgresql"
    if on_postgresql:
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": SEALER})
    rows = connection.execute(_unsealed(on_postgresql=on_postgresql, thorough=thorough)).fetchall()
    if not rows:
        return None
    end, before = _end_of(connection, keys)
    position, previous = end
    links = []
    for row in rows:
        digest = digest_of(row)
        position, last, previous = position + 1, previous, link_hash(previous, digest)
        links.append(
            {"position": position, "audit_id": row.id, "hash": previous, "previous": last, "row_digest": digest}
        )
    connection.execute(insert(audit_seals), links)
    _sign(connection, keys, (position, previous), before)
    return position, previous


def _unsealed(*, on_postgresql: bool, thorough: bool) -> Select[Any]:
    statement = select(*_RAW).order_by(audit.c.id).limit(MOST_SEALED)
    if not on_postgresql:
        return statement.where(audit.c.id > _HIGHEST)
    statement = statement.where(~select(audit_seals.c.position).where(audit_seals.c.audit_id == audit.c.id).exists())
    return statement if thorough else statement.where(audit.c.id > _HIGHEST - LOOK_BACK)


def _end_of(connection: Connection, keys: Keyring) -> tuple[Head, SignedHead | None]:
    """Where the chain ends, and the head that says so."""
    last, found = connection.execute(_LAST).first(), connection.execute(_LAST_HEAD).first()
    head = SignedHead(*found) if found else None
    if problem := _problem(last, head, keys):
        raise Refused(
            "The audit trail is not chained any further",
            why=problem,
            next="keep a copy of the database, find what was done with `andon audit verify`, restore a backup",
        )
    return ((last.position, last.hash) if last else (0, START)), head


def _problem(last: Row[Any] | None, head: SignedHead | None, keys: Keyring) -> str:
    if head is None:
        # Links of before heads were signed keep no digest of their row: the first head vouches for them.
        return "its signed heads were taken away" if last is not None and last.row_digest else ""
    if last is None or (last.position, last.hash) != (head.position, head.hash):
        return f"its end is not position {head.position}, which was signed last"
    if head.key_id in keys.known() and not keys.vouches(head.key_id, head.content, head.signature):
        return f"the signature of position {head.position} is not that of its key"
    return ""


def _sign(connection: Connection, keys: Keyring, end: Head, before: SignedHead | None) -> None:
    key = keys.own()
    at: datetime = connection.execute(select(now())).scalar_one()
    head = SignedHead(
        *end,
        at=at.isoformat(timespec="microseconds"),
        key_id=key.id,
        previous=before.digest if before else START,
    )
    connection.execute(insert(audit_heads), {**vars(head), "signature": key.sign(head.content).hex()})
