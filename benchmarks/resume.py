"""How long a run stands still when the worker at it is killed."""

from __future__ import annotations

import asyncio
import os
import random
import time
from contextlib import ExitStack

import psutil
import uvloop
from sqlalchemy import create_engine, text

from benchmarks import installation
from benchmarks.figures import Spread
from benchmarks.load import call, connect, request
from benchmarks.reports import Cell, Goal, Report, Table
from benchmarks.sink import Arrival, Sink, listening
from bot.adapters.process_names import owner_of
from bot.adapters.sql.engines import parse_address
from tests.support.installation import Parts, running_up

LEASE_SECONDS = 6.0
SLACK_SECONDS = 2.0

METHOD = f"""
A run is in the middle of an HTTP call to a deployer that does not answer when its worker gets SIGKILL. Measured: from
the kill to the arrival of the same call (same idempotency key, higher fence) from another worker. Lease
{LEASE_SECONDS:g} s, sweep 5 s. Once under `andon up`, whose supervisor sees the death; once with single processes on
nobody's watch, as on two machines, where the lease has to end first. Real processes, one kill at a time; the killed
worker is replaced before the next.
"""


def measure(*, quick: bool, seed: int) -> Report:
    """With and without a supervisor."""
    report = Report("resume", "A killed worker's run goes on elsewhere", METHOD, seed)
    many = 2 if quick else 12
    supervised, repeats = uvloop.run(_supervised(many, random.Random(seed)))
    alone, more = uvloop.run(_alone(many, random.Random(seed)))
    rows: list[tuple[Cell, ...]] = []
    for name, seconds in (("under `andon up`", supervised), ("single processes", alone)):
        spread = Spread.of_seconds(seconds)
        rows.append((name, spread.count, *(round(ms / 1000, 2) for ms in (spread.least, spread.p50, spread.most))))
        limit = LEASE_SECONDS + SLACK_SECONDS
        report.goals.append(
            Goal(f"{name}: slowest from kill to the call from elsewhere", spread.most / 1000, limit, "s")
        )
    report.goals.append(Goal("calls with another idempotency key or no higher fence", repeats + more, 0, "calls"))
    report.tables.append(Table("Seconds from the kill", ("how", "n", "least", "p50", "most"), tuple(rows)))
    return report


async def _supervised(many: int, seeded: random.Random) -> tuple[list[float], int]:
    seconds, strange = [], 0
    async with listening() as sink:
        with ExitStack() as stack:
            place = stack.enter_context(installation.folder())
            services = [f"model-{number:02}" for number in range(many)]
            config = installation.configuration(place / "config", services, sink.address)
            up = stack.enter_context(
                running_up(place, config, ANDON_LEASE_SECONDS="6", ANDON_SWEEP_SECONDS="5", ANDON_LOG_LEVEL="WARNING")
            )
            port = int(up.api.address.rsplit(":", 1)[1])
            await asyncio.sleep(3)
            for service in services:
                sink.held.add(f"/{service}")
                await _post(port, up.api.webhook_secret, service, seeded)
                first = await sink.call_number(f"/{service}")
                killed = _kill(f"sqlite:///{up.data / 'andon.db'}", [one.pid for one in up.children("worker")])
                second = await _again(sink, service)
                seconds.append(second.at - killed)
                strange += _is_strange(first, second)
                await asyncio.sleep(3)
    return seconds, strange


async def _alone(many: int, seeded: random.Random) -> tuple[list[float], int]:
    seconds, strange = [], 0
    async with listening() as sink:
        with ExitStack() as stack:
            place = stack.enter_context(installation.folder())
            services = [f"model-{number:02}" for number in range(many)]
            config = installation.configuration(place / "config", services, sink.address)
            redis_url = stack.enter_context(installation.redis(place))
            parts = stack.enter_context(installation.parts(place, config, "sqlite", redis_url))
            await asyncio.sleep(4)
            for service in services:
                sink.held.add(f"/{service}")
                await _post(parts.port, installation.WEBHOOK_SECRET, service, seeded)
                first = await sink.call_number(f"/{service}")
                killed = _kill(parts.database, _workers(parts))
                second = await _again(sink, service)
                seconds.append(second.at - killed)
                strange += _is_strange(first, second)
                parts.worker()
                await asyncio.sleep(3)
    return seconds, strange


async def _post(port: int, secret: str, service: str, seeded: random.Random) -> None:
    caller = await connect(port)
    data = request("/webhooks/alertmanager", installation.body(seeded, service), port=port, token=secret)
    status, _ = await call(caller, data)
    assert status == 202, status
    caller.close()


async def _again(sink: Sink, service: str) -> Arrival:
    # The second call is answered, so that the run ends and its worker is free.
    sink.held.discard(f"/{service}")
    return await sink.call_number(f"/{service}", 2, seconds=60)


def _is_strange(first: Arrival, second: Arrival) -> bool:
    return first.key != second.key or not int(second.fence) > int(first.fence)


def _workers(parts: Parts) -> list[int]:
    return [one.pid for one in parts.started if one.poll() is None and "worker" in one.args]  # type: ignore[operator]


def _kill(database: str, workers: list[int]) -> float:
    """Kill the worker that holds the only lease; when (seconds, monotonic)."""
    engine = create_engine(parse_address(database))
    with engine.connect() as connection:
        owner = connection.execute(text("SELECT owner FROM leases")).scalar_one()
    engine.dispose()
    (pid,) = [one for one in workers if owner_of(one) == owner]
    assert pid != os.getpid()
    killed = time.monotonic()
    psutil.Process(pid).kill()
    return killed
