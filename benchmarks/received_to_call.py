"""From the first byte of an alert to the rollback call at the deployer: real processes against the raw limit."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import uvloop
from sqlalchemy import create_engine, text

from benchmarks import installation
from benchmarks.figures import Spread, in_blocks
from benchmarks.load import Caller, Outcome, call, connect, open_loop, request
from benchmarks.reports import Goal, Report, Table, spread_table
from benchmarks.sink import Sink, listening
from bot.adapters.sql.engines import parse_address

NAMES = {"sqlite": "SQLite (WAL, synchronous=FULL)", "postgresql": "PostgreSQL (fsync on)"}
MOST_P50 = {"sqlite": 4.0, "postgresql": 6.0}
MOST_P99 = 8.0
BLOCK = 20
PAUSE_SECONDS = 0.05
"""Between two alerts of the idle part, for both sides: whatever follows a call is over by then."""
ALERTS_PER_SECOND = 100
ONE_RUN_IN = 100
OTHER_SERVICES = 20

METHOD = f"""
A distinct Alertmanager body is posted to a web process; the time runs from just before its first byte is written to
the moment at which the last byte of the call that it causes has come in at the deployer. Both ends are in the measuring
process, on one monotonic clock.

**Andon**: `web`, `clock`, two rollback workers, one for notices and one for the rest, as `andon up` starts them. One
policy for each run, so that every alert starts a run of its own by an automatic criterion; the playbook is one
`http_request`. Event, decision, incident, run, audit and notices are committed before the 202, and the lease and the
intent of the step before the call.

**Raw limit**: one ASGI function (uvicorn, uvloop, httptools), one Redis script (dedupe and RPUSH), one worker that
waits in BLMOVE, one `httpx.Client` POST. No SQL, no authentication, nothing is kept.

Both use one Redis server (append-only file on) over its socket. Idle: one alert at a time,
{PAUSE_SECONDS * 1000:.0f} ms after the call of the one before, the sides taking turns in blocks of {BLOCK}.
Under load: {ALERTS_PER_SECOND} alerts a second at fixed moments, one in {ONE_RUN_IN} starts a run and the others join
incidents; the sides take turns.
"""


@dataclass
class Side:
    """One of the two: where to post, and the times that it took."""

    port: int
    path: str
    prefix: str
    """Before the service in the path of the call."""
    caller: Caller | None = None
    called: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    loaded: list[float] = field(default_factory=list)
    load: Outcome = field(default_factory=Outcome)

    def request(self, body: bytes) -> bytes:
        """The body as a request to this side."""
        return request(self.path, body, port=self.port, token=installation.WEBHOOK_SECRET)


def measure(*, quick: bool, seed: int) -> Report:
    """Both databases, idle and under load."""
    report = Report("received_to_call", "From an alert to the rollback call", METHOD, seed)
    for kind in NAMES:
        uvloop.run(_measure_one(report, kind, random.Random(seed), quick))
    return report


async def _measure_one(report: Report, kind: str, seeded: random.Random, quick: bool) -> None:
    idle, loaded = (20, 4) if quick else (240, 40)
    async with listening() as sink:
        with ExitStack() as stack:
            place = stack.enter_context(installation.folder())
            services = [f"model-{number:03}" for number in range(idle + 10 + loaded)]
            others = [f"other-{number:02}" for number in range(OTHER_SERVICES)]
            config = installation.configuration(place / "config", [*services, *others], sink.address)
            redis_url = stack.enter_context(installation.redis(place))
            port = installation.free_port()
            stack.enter_context(installation.floor("floor_web", "raw", str(port), redis_url))
            stack.enter_context(installation.floor("floor_worker", redis_url))
            parts = stack.enter_context(installation.parts(place, config, kind, redis_url))
            await asyncio.sleep(4)
            ours = Side(parts.port, "/webhooks/alertmanager", "/")
            limit = Side(port, "/", "/limit/")
            await _idle(sink, (limit, ours), services[: idle + 10], seeded)
            rest = services[idle + 10 :]
            await _under_load(sink, (limit, ours), rest, others, seeded)
            lost = await _lost(parts.database, sent=idle + 10 + len(ours.load.seconds), runs=services)
            _report(report, kind, limit, ours, lost)


async def _idle(sink: Sink, sides: Sequence[Side], services: Sequence[str], seeded: random.Random) -> None:
    for side in sides:
        side.caller = await connect(side.port)
        await _rounds(sink, side, services[:10], seeded)
        side.called.clear()
        side.answered.clear()
    rest = iter(services[10:])
    for size in in_blocks(len(services) - 10, BLOCK):
        block = [next(rest) for _ in range(size)]
        for side in sides:
            await _rounds(sink, side, block, seeded)


async def _rounds(sink: Sink, side: Side, services: Sequence[str], seeded: random.Random) -> None:
    assert side.caller is not None
    for service in services:
        path = side.prefix + service
        data = side.request(installation.body(seeded, service, call=f"{sink.address}{path}"))
        started = time.monotonic()
        status, seconds = await call(side.caller, data)
        arrival = await sink.call_number(path)
        assert status == 202, f"{path}: {status}"
        side.called.append(arrival.at - started)
        side.answered.append(seconds)
        await asyncio.sleep(PAUSE_SECONDS)


async def _under_load(
    sink: Sink, sides: Sequence[Side], services: Sequence[str], others: Sequence[str], seeded: random.Random
) -> None:
    for block in range(0, len(services), 10):
        for side in sides:
            part = services[block : block + 10]
            await _loaded_block(sink, side, part, others, seeded)


async def _loaded_block(
    sink: Sink, side: Side, services: Sequence[str], others: Sequence[str], seeded: random.Random
) -> None:
    bodies, began, starts = [], {}, {}
    for number in range(len(services) * ONE_RUN_IN):
        if number % ONE_RUN_IN == ONE_RUN_IN // 2:
            service = services[number // ONE_RUN_IN]
            starts[number] = side.prefix + service
            bodies.append(installation.body(seeded, service, call=f"{sink.address}{starts[number]}"))
        else:
            bodies.append(installation.body(seeded, seeded.choice(others), "Slow"))

    def note(number: int) -> None:
        if number in starts:
            began[number] = time.monotonic()

    outcome = await open_loop(side.port, [side.request(one) for one in bodies], ALERTS_PER_SECOND, note)
    for number, path in starts.items():
        side.loaded.append((await sink.call_number(path)).at - began[number])
    side.load.statuses += outcome.statuses
    side.load.seconds += outcome.seconds
    side.load.elapsed += outcome.elapsed


@dataclass(frozen=True)
class Kept:
    """What the database holds in the end, beside what was sent."""

    sent: int
    events: int
    expected_runs: int
    succeeded: int


async def _lost(database: str, *, sent: int, runs: Sequence[str]) -> Kept:
    engine = create_engine(parse_address(database))
    try:
        for _ in range(300):
            with engine.connect() as connection:
                events = connection.execute(text("SELECT count(*) FROM events")).scalar_one()
                done = connection.execute(text("SELECT count(*) FROM runs WHERE status = 'succeeded'")).scalar_one()
            if done >= len(runs):
                break
            await asyncio.sleep(0.1)
    finally:
        engine.dispose()
    return Kept(sent, events, len(runs), done)


def _report(report: Report, kind: str, limit: Side, ours: Side, kept: Kept) -> None:
    name = NAMES[kind]
    idle, floor = Spread.of_seconds(ours.called), Spread.of_seconds(limit.called)
    report.goals += [
        Goal(f"{name}: idle p50 over the raw limit", idle.p50 / floor.p50, MOST_P50[kind]),
        Goal(f"{name}: idle p99 over the raw limit", idle.p99 / floor.p99, MOST_P99),
        Goal(f"{name}: alerts lost under load", kept.sent - kept.events, 0, "alerts"),
        Goal(f"{name}: runs not finished", kept.expected_runs - kept.succeeded, 0, "runs"),
        Goal(f"{name}: answers that are not 2xx under load", ours.load.failures, 0, "answers"),
    ]
    report.tables += [
        spread_table(f"{name}, idle: alert to call", [("raw limit", floor), ("Andon", idle)]),
        spread_table(
            f"{name}, idle: alert to answer",
            [("raw limit", Spread.of_seconds(limit.answered)), ("Andon", Spread.of_seconds(ours.answered))],
        ),
        spread_table(
            f"{name}, {ALERTS_PER_SECOND} alerts/s: alert to call",
            [("raw limit", Spread.of_seconds(limit.loaded)), ("Andon", Spread.of_seconds(ours.loaded))],
        ),
        spread_table(
            f"{name}, {ALERTS_PER_SECOND} alerts/s: alert to answer",
            [("raw limit", Spread.of_seconds(limit.load.seconds)), ("Andon", Spread.of_seconds(ours.load.seconds))],
        ),
        Table(
            f"{name}: what was kept",
            ("alerts sent", "events kept", "runs expected", "runs succeeded", "policies loaded"),
            ((kept.sent, kept.events, kept.expected_runs, kept.succeeded, kept.expected_runs + OTHER_SERVICES),),
        ),
    ]
