"""Observations over HTTP into a verdict: pairs a second that are stored and folded, and from the pair to the call."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx
import uvloop

from benchmarks import installation
from benchmarks.figures import Spread
from benchmarks.load import call, closed_loop, connect, request
from benchmarks.reports import Goal, Report, Table
from benchmarks.sink import Sink, listening
from tests.support.installation import SECRETS
from tests.support.written_config import Tree, policy, write_config

NAMES = {"sqlite": "SQLite (WAL, synchronous=FULL)", "postgresql": "PostgreSQL (fsync on)"}
LEAST_PER_SECOND = 50_000
MOST_P50_MS = 1000.0
BEFORE, LAST = 25, 30
"""Pairs that are folded before, and those of the batch that is timed: of one in five the 50th pair decides."""
EVERY = 5
CONNECTIONS = 4

METHOD = f"""
Everything that `andon up` starts (web, clock, two workers for rollbacks, one for notices, one for the rest) on a fresh
database and one Redis server; load generator and all processes share the machine's cores.

**Taking in**: batches of whole pairs, NDJSON without gzip, over {CONNECTIONS} connections that each send their next
when their last was answered. A batch is committed before its 202. *Stored* is the rate of the answers; *compared* is
the rate until the last pair is in the standing that the API shows, so that storing, parsing, joining and folding are
all in it.

**From the pair to the call**: one release for each measurement, {BEFORE} pairs folded before of which each {EVERY}th
differs, which is not enough; then a batch of {LAST} more, in which the test crosses its bound. The time runs from just
before the first byte of that batch is written to the moment at which the last byte of the rollback call has come in at
the deployer; both ends are in the measuring process, on one monotonic clock. One at a time.
"""


@dataclass
class Taken:
    """One series of batches."""

    size: int
    batches: int
    megabytes: float = 0.0
    stored: float = 0.0
    compared: float = 0.0
    failures: int = 0
    answers: list[float] = field(default_factory=list)


def measure(*, quick: bool, seed: int) -> Report:
    """Both databases."""
    report = Report("canary_path", "From observations to a verdict and a rollback", METHOD, seed)
    for kind in NAMES:
        uvloop.run(_measure_one(report, kind, quick))
    return report


async def _measure_one(report: Report, kind: str, quick: bool) -> None:
    series = [Taken(10_000, 4), Taken(500, 20)] if quick else [Taken(10_000, 30), Taken(500, 200)]
    many = 4 if quick else 30
    async with listening() as sink:
        with ExitStack() as stack:
            place = stack.enter_context(installation.folder())
            timed = [f"timed-{number:02}" for number in range(many + 1)]
            config = _configuration(place, [f"wide-{at}" for at in range(len(series))], timed, sink.address)
            redis_url = stack.enter_context(installation.redis(place))
            parts = stack.enter_context(installation.parts(place, config, kind, redis_url))
            await asyncio.sleep(3)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{parts.port}", trust_env=False) as client:
                client.headers["Authorization"] = f"Bearer {SECRETS['olga']}"
                called = [await _to_call(client, sink, parts.port, one) for one in timed][1:]
                for at, taken in enumerate(series):
                    await _take_in(client, parts.port, f"wide-{at}", taken)
    _report(report, NAMES[kind], series, called)


def _configuration(place: object, wide: list[str], timed: list[str], deployer: str) -> object:
    rule: Tree = {"output": "classes", "tolerance": 0.02}
    acts = {**rule, "on_divergence": {"playbook": "one_call"}}
    policies = [
        *(policy(one, deployer, rollback=[], canary=rule) for one in wide),
        *(policy(one, deployer, rollback=[], canary=acts) for one in timed),
    ]
    return write_config(place / "config", policies, [installation.ONE_CALL])  # type: ignore[operator]


def _lines(count: int, start: int, every: int) -> bytes:
    made = []
    for number in range(start, start + count):
        differs = every and number % every == every - 1
        line = {
            "key": f"req-{number:09}",
            "incumbent": "approve",
            "candidate": "review" if differs else "approve",
            "incumbent_ms": 12.5,
            "candidate_ms": 13.25,
        }
        made.append(json.dumps(line))
    return ("\n".join(made) + "\n").encode()


def _request(port: int, service: str, body: bytes) -> bytes:
    path = f"/api/v1/canaries/{service}/observations"
    return request(path, body, port=port, token=SECRETS["olga"], kind="application/x-ndjson")


async def _take_in(client: httpx.AsyncClient, port: int, service: str, taken: Taken) -> None:
    bodies = [_lines(taken.size, at * taken.size, 400) for at in range(taken.batches)]
    requests = [_request(port, service, one) for one in bodies]
    started = time.monotonic()
    outcome = await closed_loop(port, requests, CONNECTIONS)
    total = taken.size * taken.batches
    taken.stored = total / outcome.elapsed
    await _pairs(client, service, total)
    taken.compared = total / (time.monotonic() - started)
    taken.megabytes = sum(map(len, bodies)) / 1e6
    taken.failures = outcome.failures
    taken.answers = outcome.seconds


async def _pairs(client: httpx.AsyncClient, service: str, wanted: int) -> None:
    """Wait until so many pairs are compared."""
    for _ in range(3000):
        answer = await client.get(f"/api/v1/canaries/{service}")
        if answer.status_code == 200 and answer.json()["pairs"] >= wanted:
            return
        await asyncio.sleep(0.02)
    raise TimeoutError(f"{service}: {wanted} pairs were not compared in time")


async def _to_call(client: httpx.AsyncClient, sink: Sink, port: int, service: str) -> float:
    await closed_loop(port, [_request(port, service, _lines(BEFORE, 0, EVERY))], 1)
    await _pairs(client, service, BEFORE)
    await asyncio.sleep(0.1)
    caller, data = await connect(port), _request(port, service, _lines(LAST, BEFORE, EVERY))
    try:
        started = time.monotonic()
        status, _ = await call(caller, data)
        assert status == 202, status
        return (await sink.call_number(f"/{service}")).at - started
    finally:
        caller.close()


def _report(report: Report, name: str, series: list[Taken], called: list[float]) -> None:
    to_call = Spread.of_seconds(called)
    report.goals += [
        Goal(f"{name}: pairs stored a second", max(one.stored for one in series), LEAST_PER_SECOND, "/s", False),
        Goal(f"{name}: pairs compared a second", max(one.compared for one in series), LEAST_PER_SECOND, "/s", False),
        Goal(f"{name}: answers that are not 2xx", sum(one.failures for one in series), 0, "answers"),
        Goal(f"{name}: from the pair to the call, p50", to_call.p50, MOST_P50_MS, "ms"),
    ]
    rows = []
    for one in series:
        answers = Spread.of_seconds(one.answers)
        rows.append(
            (one.size, one.batches, round(one.megabytes, 1), round(one.stored), round(one.compared),
             round(answers.p50, 1), round(answers.p99, 1))
        )  # fmt: skip
    columns = ("pairs in a batch", "batches", "MB", "stored /s", "compared /s", "answer p50 ms", "answer p99 ms")
    spread = (to_call.count, *(round(one, 1) for one in (to_call.p50, to_call.p90, to_call.p99, to_call.most)))
    report.tables += [
        Table(f"{name}: taking in", columns, tuple(rows)),
        Table(f"{name}: from the pair to the call", ("n", "p50 ms", "p90 ms", "p99 ms", "most ms"), (spread,)),
    ]
