"""Walks the audit trail: every row against its link, every link against the one before, heads, anchors, erasures."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, text

from bot.adapters.keyring import Keyring
from bot.adapters.sql.audit_erasures import bad_erasure, kept_digests
from bot.adapters.sql.audit_rows import (
    Raw,
    any_bytes_read,
    chain_parts,
    digest_of,
    link_hash,
    old_link_hash,
    plain_digests,
    signed_heads,
)
from bot.domain.audit_trail import START, AuditReport, Head, SignedHead
from bot.domain.records import AuditFault


def walk(connection: Connection, anchors: Sequence[Head], keys: Keyring | None) -> AuditReport:
    """From the first row to the last. `anchors` are heads kept elsewhere; without `keys` no signature is looked at."""
    try:
        return _walked(connection, anchors, keys)
    except sqlite3.OperationalError as error:
        if "decode" not in str(error):
            raise
    # Somebody put bytes into the file that are no text. Reading on costs more then, but tells where.
    with any_bytes_read(connection):
        return _walked(connection, anchors, keys)


def _walked(connection: Connection, anchors: Sequence[Head], keys: Keyring | None) -> AuditReport:
    heads = _Heads(signed_heads(connection), keys)
    chain = _Chain(connection, anchors, heads)
    faults = [chain.walk(), heads.problem(), _inserted(connection)]
    if keys is not None:
        faults.append(bad_erasure(connection, keys))
    found = [fault for fault in faults if fault is not None]
    worst = min(found, key=lambda fault: fault.position) if found else None
    return AuditReport(chain.length, heads.count, heads.last, len(anchors), chain.erased, worst)


class _Heads:
    """Signed heads, met one after the other as the chain comes to them."""

    def __init__(self, heads: Iterator[SignedHead], keys: Keyring | None) -> None:
        self._heads = heads
        self._keys = keys
        self._met: list[SignedHead] = []
        self._previous = START
        self._fault: AuditFault | None = None
        self.count = 0
        self.last: SignedHead | None = None
        self.next = next(heads, None)

    def take(self) -> None:
        """Go on to the next one. Each carries the digest of the one before, so one good signature vouches for all."""
        head = self.next
        if head is None:
            return
        if self._fault is None:
            self._fault = self._oddity(head)
        self.count, self.last, self._previous = self.count + 1, head, head.digest
        self.next = next(self._heads, None)

    def _oddity(self, head: SignedHead) -> AuditFault | None:
        if head.previous != self._previous:
            if self.last is not None and not self._is_signed(self.last):
                return AuditFault(self.last.position, "its head is not signed by its key: it was altered")
            return AuditFault(head.position, "its head does not follow the one before: a head was put in or taken away")
        if self._keys is not None and head.key_id not in self._keys.known():
            problem = f"its head is signed by key {head.key_id[:16]}, which is not known here (ANDON_TRUSTED_KEYS)"
            return AuditFault(head.position, problem)
        return None

    def _is_signed(self, head: SignedHead) -> bool:
        return self._keys is None or self._keys.vouches(head.key_id, head.content, head.signature)

    def problem(self) -> AuditFault | None:
        """What is wrong with the heads themselves: the first of them, once all were taken."""
        while self.next is not None:
            self.take()
        if self._fault is None and self.last is not None and not self._is_signed(self.last):
            return AuditFault(self.last.position, "its head is not signed by its key: it was altered")
        return self._fault


class _Chain:
    """The links, in their order."""

    def __init__(self, connection: Connection, anchors: Sequence[Head], heads: _Heads) -> None:
        self._connection = connection
        self._heads = heads
        self._anchors: dict[int, set[str]] = {}
        for position, known in anchors:
            self._anchors.setdefault(position, set()).add(known)
        self._kept: Mapping[int, Sequence[tuple[str, str]]] = {}
        self._previous = START
        self.length = 0
        self.erased = 0

    def walk(self) -> AuditFault | None:
        """The first position that does not verify."""
        for part in chain_parts(self._connection):
            self._kept = kept_digests(self._connection, [row[1] for row in part if row[5]])
            digests, start = plain_digests(part), 0
            while (start := self._pass_plain(part, digests, start)) < len(part):
                link = part[start]
                if problem := self._problem(link) or self._head_problem(link):
                    return AuditFault(self.length + 1, problem)
                self.length, self._previous, start = self.length + 1, link[2], start + 1
        return self._end_problem()

    def _pass_plain(self, part: Sequence[Raw], digests: Sequence[str], start: int) -> int:
        """Walk over links that are good beyond doubt, and where the next other one is. Nearly all are, so the speed of
        the walk rests on this. What is not plain (erased, anchored, signed, of old, or bad) is for `_problem`."""
        end, anchors, hashed = self._heads.next.position if self._heads.next else 0, self._anchors, link_hash
        position, before = self.length, self._previous
        for index in range(start, len(part)):
            number, audit_id, known, previous, row_digest, erased, of_row, *_ = part[index]
            if number != position + 1 or number >= end or number in anchors or previous != before:
                break
            if erased or of_row != audit_id or not row_digest or digests[index] != row_digest:
                break
            if known != hashed(before, row_digest):
                break
            position, before = number, known
        passed, self.length, self._previous = position - self.length, position, before
        return start + passed

    def _problem(self, link: Raw) -> str:
        position, audit_id, known, previous, row_digest, erased, *row = link
        if position != self.length + 1:
            return "this position of the chain is missing"
        if previous != self._previous:
            return "it does not follow the position before: rows were moved or chained anew"
        if row[0] is None:
            return f"row {audit_id} was deleted"
        if problem := self._link_problem(known, previous, row_digest):
            return problem
        return "" if self._is_whole(known, previous, row_digest, erased, row) else f"row {audit_id} was altered"

    def _link_problem(self, known: str, previous: str, row_digest: str | None) -> str:
        if row_digest is None:
            is_late = self._heads.last is not None
            return "it was chained anew, in the way of before heads were signed" if is_late else ""
        return "" if known == link_hash(previous, row_digest) else "its link was altered"

    def _is_whole(self, known: str, previous: str, row_digest: str | None, erased: int, row: Raw) -> bool:
        try:
            digest = digest_of(row)
            if not erased:
                return digest == row_digest if row_digest else known == old_link_hash(previous, row)
        except (TypeError, ValueError):
            return False  # a value of another kind than was ever written
        self.erased += 1
        steps = self._kept.get(row[0], ())
        afters = [after for _, after in steps]
        befores = [before for before, _ in steps]
        # Each erasure names the digest that it found and the one that it left; the first found what is sealed.
        return len(steps) == erased and [*befores, digest] == [row_digest or known, *afters]

    def _head_problem(self, link: Raw) -> str:
        position, known = link[0], link[2]
        if any(anchor != known for anchor in self._anchors.get(position, ())):
            return "it is not what was anchored: the chain was written anew"
        head = self._heads.next
        if head is None:
            is_signed_later = self._heads.last is None and link[4] is None
            return "" if is_signed_later else "it is not signed: heads were taken away, or it was chained by another"
        if head.position < position:
            return "a head was put in before it"
        if head.position == position:
            if head.hash != known:
                return "it is not what was signed: the chain was written anew"
            self._heads.take()
        return ""

    def _end_problem(self) -> AuditFault | None:
        beyond = [position for position in self._anchors if position > self.length]
        head = self._heads.next
        if head is not None:
            problem = f"the chain ends here, but position {head.position} was signed"
        elif beyond:
            problem = f"the chain ends here, but position {max(beyond)} was anchored"
        else:
            return None
        return AuditFault(self.length + 1, problem)


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
