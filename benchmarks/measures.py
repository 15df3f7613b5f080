"""How long the measures of the process take over a long record, on both databases."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import timedelta

import psycopg
from sqlalchemy import func, select

from benchmarks import measures_record as record
from benchmarks.figures import Spread
from benchmarks.installation import folder
from benchmarks.reports import Cell, Goal, Report, Table
from bot.adapters.sql import SqlStore, open_store
from bot.adapters.sql.table_shapes import metadata
from bot.cli.serving import collect_seldom
from bot.domain.measures import Measured, Scope
from bot.domain.months import Period
from bot.flow.measure_views import Wanted, measured
from bot.ports import Record
from tests.support.databases import KINDS, database

LIMIT_SECONDS = 2.0
METHOD = f"""
{record.SERVICES} services in 20 teams at {len(record.ENVIRONMENTS)} environments each, one year: 100,000 incidents
(60 % accepted before they were resolved, 30 % halted, 70 % with a run, 40 % of those with an approval, 30 % with an
action item, two decisions and seven to nine lines of timeline each), 5,000 releases with 16 verdicts each,
and 2,400 drills.
Measured: everything behind `GET /api/v1/measures` for the whole year over everything, from the first statement to the
finished answer, in one process, which reads with two connections, after one call that warms the caches.
On PostgreSQL the tables were analysed before, as autovacuum does; SQLite got no such help. Garbage is collected as
seldom as in the web process. `--quick` takes a fiftieth of it.
"""


def measure(*, quick: bool, seed: int) -> Report:
    """Both databases, one after the other."""
    collect_seldom()
    report = Report("measures", "Measures of the process over a long record", METHOD, seed)
    turns = 3 if quick else 12
    for kind in KINDS:
        with folder() as place, database(kind, place) as address:
            store = open_store(address)
            try:
                _measure(report, store, address, kind, turns, quick=quick, seed=seed)
            finally:
                store.close()
    return report


def _measure(report: Report, store: SqlStore, address: str, kind: str, turns: int, *, quick: bool, seed: int) -> None:
    store.upgrade()
    started = time.monotonic()
    for records in _records(random.Random(seed), 0.02 if quick else 1.0):
        with store.write() as tx:
            tx.add(*records)
    if kind == "postgresql":
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
    report.notes.append(f"{kind}: {_sizes(store)}, written in {time.monotonic() - started:.0f} s")
    spread = Spread.of_seconds(_whole(store, turns))
    report.goals += [
        Goal(f"{kind}: median", round(spread.p50 / 1000, 3), LIMIT_SECONDS, "s"),
        Goal(f"{kind}: p99", round(spread.p99 / 1000, 3), LIMIT_SECONDS, "s"),
    ]
    report.tables.append(
        Table(f"{kind}: milliseconds", ("what", "n", "p50", "p99", "most"), tuple(_rows(store, spread, turns)))
    )


def _records(seeded: random.Random, share: float) -> Iterator[list[Record]]:
    for part in (
        record.releases(seeded, max(2, round(25 * share))),
        record.incidents(seeded, max(2, round(100 * share))),
        record.drills(seeded, max(2, round(12 * share))),
    ):
        yield from part


def _sizes(store: SqlStore) -> str:
    names = ("incidents", "decisions", "timeline", "runs", "gate_results")
    with store.engine.connect() as connection:
        counts = {
            name: connection.execute(select(func.count()).select_from(metadata.tables[name])).scalar_one()
            for name in names
        }
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())


def _whole(store: SqlStore, turns: int) -> list[float]:
    teams = {service: f"team-{number % 20:02}" for number, service in enumerate(record.names())}
    last = record.BEGIN + timedelta(days=record.DAYS)
    wanted, seconds = Wanted(first="2026-01", last="2026-12"), []
    for _ in range(turns + 1):
        started = time.perf_counter()
        measured(store, teams, wanted, last)
        seconds.append(time.perf_counter() - started)
    return seconds[1:]


def _rows(store: SqlStore, whole: Spread, turns: int) -> Iterator[tuple[Cell, ...]]:
    yield "everything", whole.count, *(round(one, 1) for one in (whole.p50, whole.p99, whole.most))
    last = record.BEGIN + timedelta(days=record.DAYS)
    scope = Scope(Period.read("2026-01", "2026-12", last), last)
    for kind in Measured:
        seconds = []
        for _ in range(max(3, turns // 8)):
            started = time.perf_counter()
            with store.read() as tx:
                tx.tallies(scope, [kind])
            seconds.append(time.perf_counter() - started)
        one = Spread.of_seconds(seconds)
        yield f"facts: {kind}", one.count, *(round(ms, 1) for ms in (one.p50, one.p99, one.most))
