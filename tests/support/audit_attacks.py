"""What somebody with full rights on the database does to the audit trail, who does not have the key."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text

from bot.adapters.keyring import Keyring
from bot.domain.audit_trail import START, SignedHead

TABLES = ("audit", "audit_seals", "audit_heads", "audit_erasures")
_FORGED_DIGEST = "f" * 64


def drop_triggers(connection: Connection, kind: str) -> None:
    """Everything that the database refuses by itself, out of the way."""
    if kind == "sqlite":
        triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit%'"
        for (name,) in connection.execute(text(triggers)).fetchall():
            connection.execute(text(f"DROP TRIGGER {name}"))
        return
    for table in TABLES:
        connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))


def canonical(row: Sequence[Any]) -> str:
    """A row of the trail as the documentation says that it is written down for its digest."""
    number, at, *words = row
    moment = at if isinstance(at, str) else at.astimezone(UTC).isoformat(timespec="microseconds")
    return json.dumps([number, moment, *words], separators=(",", ":"))


def sha256(content: str) -> str:
    """In hex."""
    return hashlib.sha256(content.encode()).hexdigest()


def rows_of(connection: Connection, after: int = 0) -> list[Any]:
    """Rows of the trail, as they are stored."""
    columns = "id, at, actor, action, subject, data"
    return list(
        connection.execute(text(f"SELECT {columns} FROM audit WHERE id > :after ORDER BY id"), {"after": after})
    )


def chain_as_before(connection: Connection) -> None:
    """Chain all rows in the way of before digests were kept and heads were signed."""
    previous = START
    for position, row in enumerate(rows_of(connection), 1):
        link = sha256(f"{previous}\n{canonical(row)}")
        values = {"p": position, "id": row[0], "hash": link, "previous": previous}
        connection.execute(
            text("INSERT INTO audit_seals (position, audit_id, hash, previous) VALUES (:p, :id, :hash, :previous)"),
            values,
        )
        previous = link


@dataclass(frozen=True)
class Attack:
    """One kind of attack. It returns the first position that is bad, None where that is not said exactly."""

    name: str
    perform: Callable[[Forger], int | None]
    needs_anchor: bool = False
    """Nothing inside the database can tell."""


class Forger:
    """Somebody on one connection, in a transaction that the caller rolls back. Numbers of rows are their positions."""

    def __init__(self, connection: Connection, rng: random.Random, heads: Sequence[int], keys: Keyring) -> None:
        self.connection = connection
        self.rng = rng
        self.heads = list(heads)
        self.length = self.heads[-1]
        self.keys = keys
        """Of somebody else: the forger's own, made for the purpose."""

    def run(self, statement: str, **values: Any) -> None:
        """One statement."""
        self.connection.execute(text(statement), values)

    def any_row(self, first: int = 1, last: int | None = None) -> int:
        """The position of some row."""
        return self.rng.randint(first, last or self.length)

    def renumber(self, table: str, column: str, moves: dict[int, int]) -> None:
        """Give rows other numbers, all at once."""
        for old in moves:
            self.run(f"UPDATE {table} SET {column} = -:old WHERE {column} = :old", old=old)
        for old, new in moves.items():
            self.run(f"UPDATE {table} SET {column} = :new WHERE {column} = -:old", old=old, new=new)

    def add_row(self, number: int) -> None:
        """A row that never was."""
        moment = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
        at = moment.isoformat(timespec="microseconds") if self.connection.dialect.name == "sqlite" else moment
        self.run(
            "INSERT INTO audit (id, at, actor, action, subject, data) VALUES (:id, :at, 'mallory', 'run.approve', "
            "'run:run-1', '{}')",
            id=number,
            at=at,
        )

    def chain_anew(self, first: int) -> None:
        """Links from this position on, as if they had always been so."""
        self.run("DELETE FROM audit_seals WHERE position >= :first", first=first)
        found = self.connection.execute(
            text("SELECT hash FROM audit_seals WHERE position = :last"), {"last": first - 1}
        ).scalar()
        previous = found or START
        for position, row in enumerate(rows_of(self.connection, first - 1), first):
            digest = sha256(canonical(row))
            link = sha256(f"{previous}\n{digest}")
            self.run(
                "INSERT INTO audit_seals (position, audit_id, hash, previous, row_digest) "
                "VALUES (:position, :id, :hash, :previous, :digest)",
                position=position,
                id=row[0],
                hash=link,
                previous=previous,
                digest=digest,
            )
            previous = link

    def cut(self, last: int) -> None:
        """Nothing after this position is left."""
        for table, column in (("audit_heads", "position"), ("audit_seals", "position"), ("audit", "id")):
            self.run(f"DELETE FROM {table} WHERE {column} > :last", last=last)

    def last_head(self) -> SignedHead:
        """The newest one that is there."""
        found = self.connection.execute(text("SELECT * FROM audit_heads ORDER BY position DESC LIMIT 1")).one()
        return SignedHead(*found)

    def sign_end(self, key_id: str | None = None, signature: str | None = None) -> None:
        """A head for the end of the chain, by a key of the forger's; it may claim to be another's."""
        before = self.last_head()
        end = self.connection.execute(
            text("SELECT position, hash FROM audit_seals ORDER BY position DESC LIMIT 1")
        ).one()
        head = SignedHead(*end, at=before.at, key_id=key_id or self.keys.own().id, previous=before.digest)
        self.run(
            "INSERT INTO audit_heads VALUES (:position, :hash, :at, :key_id, :previous, :signature)",
            **{**vars(head), "signature": signature or self.keys.own().sign(head.content).hex()},
        )


def _changed(forger: Forger, table: str, key: str, at: int, column: str, value: str) -> None:
    forger.run(f"UPDATE {table} SET {column} = {value} WHERE {key} = :at", at=at)


def _edit_row(column: str, value: str) -> Attack:
    def perform(forger: Forger) -> int:
        at = forger.any_row()
        _changed(forger, "audit", "id", at, column, value)
        return at

    return Attack(f"edit audit.{column}", perform)


def _edit_link(column: str, value: str) -> Attack:
    def perform(forger: Forger) -> int:
        at = forger.any_row()
        _changed(forger, "audit_seals", "position", at, column, value)
        return at

    return Attack(f"edit audit_seals.{column}", perform)


def _edit_head(column: str, value: str) -> Attack:
    def perform(forger: Forger) -> int | None:
        at = forger.rng.choice(forger.heads)
        _changed(forger, "audit_heads", "position", at, column, value)
        return None if column == "position" else at

    return Attack(f"edit audit_heads.{column}", perform)


def _delete(*tables: str) -> Attack:
    def perform(forger: Forger) -> int:
        at = forger.any_row()
        for table in tables:
            forger.run(f"DELETE FROM {table} WHERE {'id' if table == 'audit' else 'position'} = :at", at=at)
        return at

    return Attack(f"delete from {' and '.join(tables)}", perform)


def _delete_head(forger: Forger) -> None:
    forger.run("DELETE FROM audit_heads WHERE position = :at", at=forger.rng.choice(forger.heads))


def _delete_and_close_up(forger: Forger) -> int:
    at = forger.any_row(2, forger.length - 1)
    forger.run("DELETE FROM audit WHERE id = :at", at=at)
    forger.run("DELETE FROM audit_seals WHERE position = :at", at=at)
    forger.renumber("audit_seals", "position", {one: one - 1 for one in range(at + 1, forger.length + 1)})
    return at


def _insert_before_all(forger: Forger) -> int:
    forger.add_row(-forger.rng.randint(0, 1000))
    return 1


def _insert_between(forger: Forger) -> int:
    at = forger.any_row()
    forger.renumber("audit", "id", {one: one + 1 for one in range(forger.length, at - 1, -1)})
    forger.add_row(at)
    return at


def _insert_with_link(forger: Forger) -> int | None:
    at = _insert_between(forger)
    forger.chain_anew(at)
    return None


def _swap(table: str, column: str, many: int) -> Attack:
    def perform(forger: Forger) -> int | None:
        spots = forger.heads if table == "audit_heads" else range(1, forger.length + 1)
        chosen = forger.rng.sample(list(spots), many)
        forger.renumber(table, column, dict(zip(chosen, [*chosen[1:], chosen[0]], strict=True)))
        return None if table == "audit_heads" else min(chosen)

    return Attack(f"{'swap' if many == 2 else 'reorder'} rows of {table}", perform)


def _cut_anywhere(forger: Forger) -> int:
    last = forger.rng.choice([one for one in range(1, forger.length) if one not in forger.heads])
    forger.run("DELETE FROM audit_seals WHERE position > :last", last=last)
    forger.run("DELETE FROM audit WHERE id > :last", last=last)
    return last + 1


def _cut_at_head(forger: Forger) -> int:
    last = forger.rng.choice(forger.heads[:-1])
    forger.cut(last)
    return last + 1


def _append_again(forger: Forger) -> int:
    last = _cut_at_head(forger) - 1
    for number in range(last + 1, last + 1 + forger.rng.randint(1, 30)):
        forger.add_row(number)
    forger.chain_anew(last + 1)
    return last + 1


def _append_and_sign(forger: Forger) -> None:
    _append_again(forger)
    forger.sign_end()


def _append_and_pretend(forger: Forger) -> None:
    ours = forger.last_head().key_id
    _append_again(forger)
    forger.sign_end(key_id=ours)


def _replay_head(forger: Forger) -> None:
    old = forger.last_head()
    _append_again(forger)
    forger.sign_end(key_id=old.key_id, signature=old.signature)


def _replay_whole_head(forger: Forger) -> int | None:
    """An old head is put back at the end in place of the newer ones."""
    old = forger.rng.choice(forger.heads[:-1])
    found = forger.connection.execute(text("SELECT * FROM audit_heads WHERE position = :old"), {"old": old}).one()
    forger.run("DELETE FROM audit_heads WHERE position >= :old", old=old)
    forger.run(
        "INSERT INTO audit_heads VALUES (:position, :hash, :at, :key_id, :previous, :signature)", **found._mapping
    )
    return old + 1


def _rewrite(forger: Forger) -> None:
    at = forger.any_row()
    forger.run("UPDATE audit SET actor = 'nobody' WHERE id = :at", at=at)
    forger.chain_anew(at)


def _rewrite_without_heads(forger: Forger) -> None:
    at = forger.any_row()
    forger.run("UPDATE audit SET data = '{}', actor = 'nobody' WHERE id = :at", at=at)
    forger.run("DELETE FROM audit_heads WHERE position >= :at", at=at)
    forger.chain_anew(at)


def _erase_links(forger: Forger) -> int:
    forger.run("DELETE FROM audit_seals WHERE position >= :at", at=(at := forger.any_row()))
    return at


def _erase_heads(forger: Forger) -> int:
    forger.run("DELETE FROM audit_heads")
    return 1


def _unchain(forger: Forger) -> int:
    """As if nothing had ever been chained; rows may be edited at will then."""
    forger.run("DELETE FROM audit_seals")
    forger.run("DELETE FROM audit_heads")
    forger.run("UPDATE audit SET actor = 'nobody' WHERE id = :at", at=forger.any_row())
    return 1


def _chain_in_the_old_way(forger: Forger) -> None:
    forger.run("DELETE FROM audit_seals")
    forger.run("DELETE FROM audit_heads")
    forger.run("UPDATE audit SET actor = 'nobody' WHERE id = :at", at=forger.any_row())
    chain_as_before(forger.connection)


def _erase_unseen(forger: Forger) -> int:
    """A row is emptied like one of a person who was erased, with a list but no entry that says so."""
    at = forger.any_row()
    before = sha256(canonical(next(row for row in rows_of(forger.connection) if row[0] == at)))
    forger.run("UPDATE audit SET actor = 'erased-0000', erased = 1 WHERE id = :at", at=at)
    after = sha256(canonical(next(row for row in rows_of(forger.connection) if row[0] == at)))
    forger.run(
        'INSERT INTO audit_erasures (audit_id, entry_id, before, "after") VALUES (:at, :entry, :before, :after)',
        at=at,
        entry=forger.any_row(),
        before=before,
        after=after,
    )
    return at


ATTACKS: Sequence[Attack] = (
    _edit_row("id", "id + 5000"),
    _edit_row("at", "'2026-11-20T11:33:31.000000+00:00'"),
    _edit_row("actor", "'nobody'"),
    _edit_row("action", "'run.reject'"),
    _edit_row("subject", "subject || '0'"),
    _edit_row("data", "'{\"number\": 1000}'"),
    _edit_row("erased", "1"),
    _edit_link("position", "position + 5000"),
    _edit_link("audit_id", "audit_id + 5000"),
    _edit_link("hash", f"'{_FORGED_DIGEST}'"),
    _edit_link("previous", f"'{_FORGED_DIGEST}'"),
    _edit_link("row_digest", f"'{_FORGED_DIGEST}'"),
    _edit_link("row_digest", "NULL"),
    _edit_head("position", "position + 5000"),
    _edit_head("hash", f"'{_FORGED_DIGEST}'"),
    _edit_head("at", "'2026-11-20T11:33:31.000000+00:00'"),
    _edit_head("key_id", f"'{_FORGED_DIGEST}'"),
    _edit_head("previous", f"'{_FORGED_DIGEST}'"),
    _edit_head("signature", f"'{_FORGED_DIGEST * 2}'"),
    _delete("audit"),
    _delete("audit_seals"),
    _delete("audit", "audit_seals"),
    Attack("delete a head", _delete_head, needs_anchor=False),
    Attack("delete a row with its link and close up", _delete_and_close_up),
    Attack("insert a row before all", _insert_before_all),
    Attack("insert a row between", _insert_between),
    Attack("insert a row with its link", _insert_with_link),
    _swap("audit", "id", 2),
    _swap("audit", "id", 5),
    _swap("audit_seals", "position", 2),
    _swap("audit_seals", "position", 5),
    _swap("audit_heads", "position", 2),
    Attack("cut the tail anywhere", _cut_anywhere),
    Attack("cut the tail at a signed head", _cut_at_head, needs_anchor=True),
    Attack("append again, chained", _append_again),
    Attack("append again, signed by another key", _append_and_sign),
    Attack("append again, signed in our name", _append_and_pretend),
    Attack("append again, with an old signature", _replay_head),
    Attack("put an old head in place of newer ones", _replay_whole_head),
    Attack("rewrite a row and all links after it", _rewrite),
    Attack("rewrite, and take the heads after it away", _rewrite_without_heads),
    Attack("erase links", _erase_links),
    Attack("erase all heads", _erase_heads),
    Attack("erase all links and heads, and edit", _unchain, needs_anchor=True),
    Attack("chain all in the old way, and edit", _chain_in_the_old_way, needs_anchor=True),
    Attack("empty a row as if a person had been erased", _erase_unseen),
)
