"""Rows of the audit trail straight from the driver, and the digests that they are chained by."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from json.encoder import encode_basestring_ascii
from typing import Any

from sqlalchemy import Connection

from bot.domain.audit_trail import SignedHead

Raw = Sequence[Any]
PART = 500
"""Rows that are fetched, and looked at, together: so few that they stay in the cache of a processor."""

_encode = json.JSONEncoder(separators=(",", ":")).encode
_sha256 = hashlib.sha256

RAW_COLUMNS = "a.id, a.at, a.actor, a.action, a.subject, a.data"
_CHAIN = (
    f"SELECT s.position, s.audit_id, s.hash, s.previous, s.row_digest, a.erased, {RAW_COLUMNS} "  # noqa: S608
    "FROM audit_seals s LEFT JOIN audit a ON a.id = s.audit_id ORDER BY s.position"
)
_HEADS = "SELECT position, hash, at, key_id, previous, signature FROM audit_heads ORDER BY position"


def body_of(row: Raw) -> bytes:
    """A row as a canonical JSON list: number, time, actor, action, subject, and its data exactly as they are stored,
    because parsing and writing again must not decide about a digest. TypeError where a value is of another kind."""
    number, at, *words = row
    return _encode([number, at if isinstance(at, str) else _text_of(at), *words]).encode()


def _text_of(at: datetime) -> str:
    if not isinstance(at, datetime):
        raise TypeError(f"a time of type {type(at).__name__}")
    return at.isoformat(timespec="microseconds")


def digest_of(row: Raw) -> str:
    """SHA-256, in hex, of the row."""
    return _sha256(body_of(row)).hexdigest()


def link_hash(previous: str, row_digest: str) -> str:
    """SHA-256, in hex, of the hash before and the digest of the row."""
    return _sha256(f"{previous}\n{row_digest}".encode()).hexdigest()


def plain_digests(links: Sequence[Raw]) -> Sequence[str]:
    """`digest_of` the row of each link of `chain_parts`, in half the time; "" for each where one is not plain.

    Every row that was ever written has a number and five texts, and of those this is the same JSON, to the letter. The
    walk comes by here with each row, so nothing is called that need not be."""
    quote, sha256 = encode_basestring_ascii, _sha256
    try:
        if links and isinstance(links[0][7], str):
            return [
                sha256(
                    f"[{number},{quote(at)},{quote(who)},{quote(what)},{quote(to)},{quote(data)}]".encode()
                ).hexdigest()
                for _, _, _, _, _, _, number, at, who, what, to, data in links
            ]
        return [
            sha256(
                f'[{number},"{at.isoformat("T", "microseconds")}",'
                f"{quote(who)},{quote(what)},{quote(to)},{quote(data)}]".encode()
            ).hexdigest()
            for _, _, _, _, _, _, number, at, who, what, to, data in links
        ]
    except (TypeError, ValueError, AttributeError):
        return [""] * len(links)


def old_link_hash(previous: str, row: Raw) -> str:
    """How rows were chained before their digests were kept: over the row itself."""
    return _sha256(previous.encode() + b"\n" + body_of(row)).hexdigest()


def chain_parts(connection: Connection) -> Iterator[Sequence[Raw]]:
    """Every link with its row, in the order of the chain: position, audit_id, hash, previous, row_digest, erased, then
    the row as `body_of` takes it."""
    return fetched(connection, _CHAIN)


def signed_heads(connection: Connection) -> Iterator[SignedHead]:
    """Every signed head, oldest first."""
    for part in fetched(connection, _HEADS):
        for row in part:
            yield SignedHead(*row)


def fetched(
    connection: Connection, statement: str, values: Sequence[Any] = (), *, most: int = PART
) -> Iterator[Sequence[Raw]]:
    """Rows in parts of `most`, from a cursor that stays open: memory does not grow with the trail. Values are `?` or
    `%s`."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        cursor = driver.execute(statement, values)
    else:
        cursor = driver.cursor(name=f"andon_{secrets.token_hex(8)}")
        cursor.itersize = most
        cursor.execute(statement.replace("?", "%s"), values or None, binary=True)
    try:
        while part := cursor.fetchmany(most):
            yield part
    finally:
        cursor.close()


@contextmanager
def any_bytes_read(connection: Connection) -> Iterator[None]:
    """Inside, SQLite gives text that is none with a surrogate for each wrong byte, as no text of ours ever has."""
    driver: Any = connection.connection.driver_connection
    before, driver.text_factory = driver.text_factory, lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = before
