"""The audit trail: what a row of it adds to a commit, and how many rows a second are verified."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks import installation
from benchmarks.figures import Spread, in_blocks
from benchmarks.reports import Goal, Report, Table, spread_table
from bot.adapters.identity import UlidIds
from bot.adapters.keyring import Keyring
from bot.adapters.sql import SqlStore, open_store
from bot.domain.events import Disposition, Event
from bot.domain.records import AuditEntry

NAMES = {"sqlite": "SQLite (WAL, synchronous=FULL)", "postgresql": "PostgreSQL (fsync on)"}
LEAST = 50_000
ROWS, BATCH = 200_000, 500
AT = datetime(2026, 11, 20, 11, 33, 30, 396_123, tzinfo=UTC)

METHOD = f"""
**Appending.** The floor is one event inserted by the store and committed; beside it the same with one row of the audit
in the same commit, in turns, in blocks of 25. Rows are chained and signed later and together, so that is told apart:
seconds that the sealer takes for {BATCH} rows with their signed head, shared out over the rows.

**Verifying.** {ROWS:,} rows with about 200 bytes of data, chained in batches of {BATCH}, each with a signed head. The
whole walk of `andon audit verify`: every row's digest, every link, every head, the signature of the last, rows put in
between, erasures. One process, best of five. It reads the rows through the driver; the database runs beside it.
"Rows per processor second" counts only the time that this process had a processor, which other work on the machine
changes little; on PostgreSQL the server's own work comes on top.
"""


def measure(*, quick: bool, seed: int) -> Report:
    """Both databases."""
    report = Report("audit", "The audit trail", METHOD, seed)
    verified: list[tuple[str | int | float, ...]] = []
    for kind, name in NAMES.items():
        with installation.folder() as place, installation.database(kind, place) as address:
            store = open_store(address, keys=Keyring(place))
            store.upgrade()
            try:
                _appended(report, store, name, 50 if quick else 1_000)
                verified.append(_verified(report, store, name, ROWS // 20 if quick else ROWS, random.Random(seed)))
            finally:
                store.close()
    columns = (
        "database",
        "rows",
        "heads",
        "seconds, best of 5",
        "rows/s",
        "rows per processor second",
        "chained and signed, us a row",
    )
    report.tables.append(Table("Verifying", columns, tuple(verified)))
    report.notes.append("The ratio of appending is the price that each event pays for standing in the trail.")
    return report


def _appended(report: Report, store: SqlStore, name: str, times: int) -> None:
    ids = UlidIds()

    def bare() -> None:
        with store.write() as tx:
            tx.add(_event(ids.new("evt")))

    def audited() -> None:
        with store.write() as tx:
            one = _event(ids.new("evt"))
            tx.add(
                one, AuditEntry(AT, "token-lead", "run.approve", f"event:{one.id}", {"verdict": "order", "why": "x"})
            )

    sides: list[tuple[str, Callable[[], None], list[float]]] = [
        ("one event, committed", bare, []),
        ("with its row of the audit", audited, []),
    ]
    for block in in_blocks(times, 25):
        for _, work, seconds in sides:
            work()  # what the other side left behind is not this one's price
            for _ in range(block):
                started = time.perf_counter()
                work()
                seconds.append(time.perf_counter() - started)
    spreads = [(side, Spread.of_seconds(seconds)) for side, _, seconds in sides]
    report.tables.append(spread_table(f"Appending, {name}", spreads))
    report.goals.append(
        Goal(f"{name}: a commit with an audit row over a bare one, p50", spreads[1][1].p50 / spreads[0][1].p50, 1.5)
    )


def _event(name: str) -> Event:
    return Event(
        id=name,
        source="alertmanager",
        dedup_key=name,
        accepted_at=AT,
        disposition=Disposition.ACCEPTED,
        alerts=1,
        body=b'{"alerts": []}' * 20,
        headers={"content-type": "application/json"},
    )


def _verified(report: Report, store: SqlStore, name: str, rows: int, chance: random.Random) -> tuple[Any, ...]:
    while store.seal():
        pass
    sealing = _filled(store, rows, chance)
    seconds, own = [], []
    for _ in range(5):
        started, worked = time.perf_counter(), time.process_time()
        found = store.audit_report()
        seconds.append(time.perf_counter() - started)
        own.append(time.process_time() - worked)
        assert found.fault is None, found
    speed = found.rows / min(seconds)
    report.goals.append(Goal(f"{name}: verified", speed, LEAST, "rows/s", at_most=False))
    chained = round(sealing / rows * 1e6, 1)
    return (
        name,
        found.rows,
        found.heads,
        round(min(seconds), 2),
        f"{speed:,.0f}",
        f"{found.rows / min(own):,.0f}",
        chained,
    )


def _filled(store: SqlStore, rows: int, chance: random.Random) -> float:
    """Seconds that sealing took."""
    sealing = 0.0
    for start in range(0, rows, BATCH):
        with store.write() as tx:
            tx.add(*(_entry(number, chance) for number in range(start, start + BATCH)))
        started = time.perf_counter()
        store.seal()
        sealing += time.perf_counter() - started
    return sealing


def _entry(number: int, chance: random.Random) -> AuditEntry:
    data = {"verdict": "order", "reason": f"p95 latency {chance.random():.6f} s – über dem Ziel", "digest": "c0de" * 16}
    at = AT + timedelta(milliseconds=number)
    return AuditEntry(at, f"U0{chance.randrange(40):06}", "run.approve", f"run:run-{number:026}", data)
