"""500 random attacks on the audit trail by somebody with full rights on the database who lacks the key: all found."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection
from support.audit_attacks import ATTACKS, Attack, Forger, drop_triggers
from support.store_records import audit_entry

from bot.adapters.keyring import Keyring
from bot.adapters.sql import SqlStore
from bot.adapters.sql.audit_walk import walk
from bot.domain.audit_trail import Head

ATTACKS_EACH = 250
"""On each database; every kind of attack is among them."""
BATCHES = 12


@pytest.fixture
def heads(store: SqlStore, rng: random.Random) -> list[Head]:
    """A trail that was sealed in batches of different sizes; the heads as they were kept elsewhere."""
    kept = list[Head]()
    numbers = iter(rng.sample(range(1000), 14 * BATCHES))  # two equal rows that are swapped would be no attack
    for _ in range(BATCHES):
        with store.write() as tx:
            tx.add(*(audit_entry(next(numbers)) for _ in range(rng.randint(2, 14))))
        head = store.seal()
        assert head is not None
        kept.append(head)
    return kept


@pytest.fixture
def connection(store: SqlStore, kind: str, heads: list[Head]) -> Iterator[Connection]:
    """Somebody's connection, with the triggers out of the way."""
    assert heads
    with store.engine.connect() as connection:
        with connection.begin():
            drop_triggers(connection, kind)
        yield connection


def test_500_attacks_are_all_found_and_an_untouched_trail_verifies(
    connection: Connection, heads: list[Head], keys: Keyring, rng: random.Random, tmp_path: Path, seed: int
) -> None:
    """What is inside the database finds all but cuts at a signed head and a trail begun anew; an anchor finds those."""
    stranger = Keyring(tmp_path / "stranger")
    missed, misplaced, blind = list[str](), list[str](), set[str]()
    for number in range(ATTACKS_EACH):
        attack: Attack = ATTACKS[number % len(ATTACKS)]
        undone = connection.begin()
        first = attack.perform(Forger(connection, rng, [position for position, _ in heads], stranger))
        fault = walk(connection, heads[-1:], keys).fault
        inside = walk(connection, (), keys).fault
        undone.rollback()
        if fault is None:
            missed.append(attack.name)
        elif first is not None and not attack.needs_anchor and fault.position != first:
            misplaced.append(f"{attack.name}: {first} is bad, {fault}")
        if inside is None:
            blind.add(attack.name)
    print(f"seed {seed}: {ATTACKS_EACH} attacks of {len(ATTACKS)} kinds, only an anchor finds {sorted(blind)}")
    assert missed == []
    assert misplaced == []
    assert blind == {attack.name for attack in ATTACKS if attack.needs_anchor}
    with connection.begin():
        report = walk(connection, heads, keys)
    assert (report.fault, report.heads, report.anchors) == (None, BATCHES, BATCHES)
