"""How many distinct alerts a second one web process commits and answers, and what duplicates cost."""

from __future__ import annotations

import asyncio
import random
from contextlib import ExitStack

import uvloop
from redis import Redis
from sqlalchemy import create_engine, text

from benchmarks import installation
from benchmarks.figures import Spread
from benchmarks.load import Outcome, closed_loop, request
from benchmarks.reports import Goal, Report, Table
from bot.adapters.sql.engines import parse_address

NAMES = {"sqlite": "SQLite (WAL, synchronous=FULL)", "postgresql": "PostgreSQL (fsync on)"}
LEAST_PER_SECOND = 1000
SERVICES = 20
CONNECTIONS = (16, 32, 64)

METHOD = f"""
One web process takes Alertmanager bodies that nobody sent before, one alert each, with a bearer secret, over 16, 32 and
64 connections that each send their next request when their last was answered. Every event, alert state, decision,
timeline entry and audit row is committed before its 202 (the commits of requests that wait together are grouped). The
alerts are about {SERVICES} services and join their incidents; a second series is about no service (decided: ignored).
Duplicates are the last bodies of the first series once more.

The floor, in turns with it: the same requests to a bare ASGI function and to a minimal FastAPI route that only read the
body, on the same server (uvicorn, uvloop, httptools). Load generator and server share the machine's cores.
"""


def measure(*, quick: bool, seed: int) -> Report:
    """Both databases."""
    report = Report("ingest", "Taking in distinct alerts", METHOD, seed)
    for kind in NAMES:
        uvloop.run(_measure_one(report, kind, random.Random(seed), 300 if quick else 4000, rounds=1 if quick else 3))
    return report


async def _measure_one(report: Report, kind: str, seeded: random.Random, many: int, rounds: int) -> None:
    with ExitStack() as stack:
        place = stack.enter_context(installation.folder())
        services = [f"model-{number:02}" for number in range(SERVICES)]
        config = installation.configuration(place / "config", services, "http://127.0.0.1:9")
        redis_url = stack.enter_context(installation.redis(place))
        ports = {name: installation.free_port() for name in ("bare", "fastapi")}
        for name, port in ports.items():
            stack.enter_context(installation.floor("floor_web", name, str(port), redis_url))
        parts = stack.enter_context(installation.parts(place, config, kind, redis_url, whole=False))
        await asyncio.sleep(1.5)
        series = Series(parts.port, ports, parts.database, redis_url, seeded)
        await series.warm_up(services)
        for _ in range(rounds):
            for connections in CONNECTIONS:
                await series.round(services, connections, many)
        _report(report, NAMES[kind], series, await series.duplicates(16))


class Series:
    """Rounds against the three servers, and what came of them."""

    def __init__(self, port: int, floors: dict[str, int], database: str, redis_url: str, seeded: random.Random) -> None:
        self.port = port
        self.floors = floors
        self.database = database
        self.redis_url = redis_url
        self.seeded = seeded
        self.outcomes: dict[tuple[str, int], list[Outcome]] = {}
        self.sent = 0
        self.last: list[bytes] = []

    async def warm_up(self, services: list[str]) -> None:
        """The first alert of each service opens its incident."""
        requests = [self._request(self.port, service) for service in services for _ in range(5)]
        self.sent += len(requests)
        await closed_loop(self.port, requests, 4)

    async def round(self, services: list[str], connections: int, many: int) -> None:
        """Each server in turn, with as many connections."""
        for name, port in self.floors.items():
            data = self._request(port, "model-00")
            await self._drive(name, port, [data] * many, connections)
        accepted = [self._request(self.port, self.seeded.choice(services)) for _ in range(many)]
        await self._drive("Andon, accepted", self.port, accepted, connections)
        ignored = [self._request(self.port, "nobody's") for _ in range(many)]
        await self._drive("Andon, ignored", self.port, ignored, connections)
        self.sent += 2 * many
        self.last = accepted[:1000]

    async def duplicates(self, connections: int) -> tuple[Outcome, int, int]:
        """The last bodies once more: what came of it, commands that Redis got meanwhile, and events before."""
        await asyncio.sleep(2)
        kept = self.events()
        before = self._commands()
        outcome = await closed_loop(self.port, self.last, connections)
        await asyncio.sleep(1)
        return outcome, self._commands() - before, kept

    def events(self) -> int:
        """Events in the database."""
        engine = create_engine(parse_address(self.database))
        with engine.connect() as connection:
            found: int = connection.execute(text("SELECT count(*) FROM events")).scalar_one()
        engine.dispose()
        return found

    async def _drive(self, name: str, port: int, requests: list[bytes], connections: int) -> None:
        outcome = await closed_loop(port, requests, connections)
        self.outcomes.setdefault((name, connections), []).append(outcome)

    def _request(self, port: int, service: str) -> bytes:
        data = installation.body(self.seeded, service, "Slow")
        return request("/webhooks/alertmanager", data, port=port, token=installation.WEBHOOK_SECRET)

    def _commands(self) -> int:
        with Redis.from_url(self.redis_url) as link:
            stats = link.info("commandstats")
        asking = ("cmdstat_info", "cmdstat_client", "cmdstat_hello")
        return sum(one["calls"] for name, one in stats.items() if not name.startswith(asking))


def _report(report: Report, name: str, series: Series, repeated: tuple[Outcome, int, int]) -> None:
    again, commands, kept = repeated
    rows = []
    best, failures = 0.0, 0
    for (side, connections), outcomes in series.outcomes.items():
        rate = sorted(one.rate for one in outcomes)[len(outcomes) // 2]
        floor = sorted(one.rate for one in series.outcomes["fastapi", connections])[len(outcomes) // 2]
        spread = Spread.of_seconds([second for one in outcomes for second in one.seconds])
        bad = sum(one.failures for one in outcomes)
        rows.append(
            (side, connections, round(rate), round(spread.p50, 2), round(spread.p99, 2), bad, _share(rate, floor))
        )
        failures += bad
        best = max(best, rate) if side == "Andon, accepted" else best
    columns = ("side", "connections", "requests/s (median round)", "p50 ms", "p99 ms", "not 2xx", "of minimal FastAPI")
    report.tables.append(Table(name, columns, tuple(rows)))
    report.tables.append(
        Table(
            f"{name}: what was kept, and duplicates",
            ("alerts sent", "events kept", "duplicates sent", "duplicates/s", "not 2xx", "Redis commands meanwhile"),
            ((series.sent, kept, len(again.seconds), round(again.rate), again.failures, commands),),
        )
    )
    report.goals += [
        Goal(f"{name}: distinct alerts accepted per second", best, LEAST_PER_SECOND, "/s", at_most=False),
        Goal(f"{name}: answers that are not 2xx", failures + again.failures, 0, "answers"),
        Goal(f"{name}: alerts lost", series.sent - kept, 0, "alerts"),
        Goal(f"{name}: Redis commands for duplicates", commands, 0, "commands"),
    ]


def _share(rate: float, floor: float) -> str:
    return f"{rate / floor:.2f}x"
