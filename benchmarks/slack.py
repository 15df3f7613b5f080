"""From a signed `/halt-release` to its acknowledgement, and to the first notice in Slack; and halts that collide."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode

import uvloop
from sqlalchemy import create_engine, text

from benchmarks import installation
from benchmarks.figures import Spread
from benchmarks.load import Outcome, call, closed_loop, connect, request
from benchmarks.reports import Goal, Report, Table, spread_table
from bot.adapters.sql.engines import parse_address
from tests.support.fake_slack import Channel, FakeSlack, fake_slack, signature
from tests.support.written_config import playbook, policy, write_config

NAMES = {"sqlite": "SQLite (WAL, synchronous=FULL)", "postgresql": "PostgreSQL (fsync on)"}
IN_FLIGHT = 20
MOST_P99_MS = 500.0
MOST_NOTICE_MS = 1000.0
PATH = "/slack/events"
STOP = playbook("stop_it", {"id": "wait", "use": "pause", "with": {"for": "1h"}}, kind="halt")

METHOD = f"""
**Acknowledgement.** Signed slash commands `/halt-release model-0001 F1 down 15 % …`, each of a service of its own, are
posted to one web process over {IN_FLIGHT} connections that each send their next command when their last was answered.
Event, decision, incident, facts, notices and audit of the halt are committed before the answer; afterwards the halted
services are counted in the database. Who the person is was asked of Slack once, before the series; the form
is opened by a call to Slack that goes on beside the answer. Slack is a fake in the measuring process, so that its work
shares the machine with what is measured. The floor, in turns with it: the same requests to a bare ASGI function that
checks the signature and answers, on the same server (uvicorn, uvloop, httptools).

**First notice.** Everything that `andon up` starts; one command at a time, with a channel for each service. The time
runs from just before the first byte of the command is written until `chat.postMessage` for that service's channel comes
in at the fake.

**Collisions.** Two people halt the same service at the same moment, over two connections, again and again with another
service; a halt starts a run of a playbook here. Then incidents and runs are counted.
"""


def measure(*, quick: bool, seed: int) -> Report:
    """Both databases."""
    report = Report("slack", "From a halt in Slack to its acknowledgement and its first notice", METHOD, seed)
    for kind in NAMES:
        uvloop.run(_acknowledged(report, kind, 60 if quick else 600, rounds=1 if quick else 3))
        uvloop.run(_noticed(report, kind, 3 if quick else 30))
        uvloop.run(_collided(report, kind, 20 if quick else 500))
    return report


async def _acknowledged(report: Report, kind: str, many: int, rounds: int) -> None:
    services = [f"model-{number:04}" for number in range(many * rounds)]
    with ExitStack() as stack:
        slack = stack.enter_context(fake_slack())
        place = stack.enter_context(installation.folder())
        parts = stack.enter_context(_parts(place, kind, slack, services, whole=False))
        floor = installation.free_port()
        stack.enter_context(installation.floor("floor_web", "signed", str(floor), slack.workspace.signing_secret))
        await asyncio.sleep(1.5)
        await _warm(slack, parts.port)
        ours, bare = Outcome(), Outcome()
        for number in range(rounds):
            names = services[number * many : (number + 1) * many]
            _join(bare, await closed_loop(floor, _commands(slack, names, floor), IN_FLIGHT))
            _join(ours, await closed_loop(parts.port, _commands(slack, names, parts.port), IN_FLIGHT))
        halted = _count(parts.database, "SELECT count(*) FROM services WHERE halted_at IS NOT NULL")
    name = NAMES[kind]
    spread = Spread.of_seconds(ours.seconds)
    sides = [("signed answer (floor)", Spread.of_seconds(bare.seconds)), ("Andon, halt committed", spread)]
    report.tables.append(spread_table(f"{name}: command to acknowledgement, {IN_FLIGHT} in flight", sides))
    report.notes.append(f"{name}: {ours.rate:.0f} halts a second, {bare.rate:.0f} answers a second of the floor.")
    report.goals += [
        Goal(f"{name}: acknowledgement p99 with {IN_FLIGHT} in flight", spread.p99, MOST_P99_MS, "ms"),
        Goal(f"{name}: halts acknowledged but not kept", len(services) - halted, 0, "halts"),
        Goal(f"{name}: answers that are not 2xx", ours.failures + bare.failures, 0, "answers"),
    ]


async def _noticed(report: Report, kind: str, many: int) -> None:
    services = [f"model-{number:04}" for number in range(many + 1)]
    with ExitStack() as stack:
        slack = stack.enter_context(fake_slack())
        slack.workspace.add_channels(Channel(_channel(name), name, ["U0IDA", "U0ANDON"]) for name in services)
        place = stack.enter_context(installation.folder())
        parts = stack.enter_context(_parts(place, kind, slack, services, whole=True))
        await _warm(slack, parts.port)
        caller, taken, acknowledged = await connect(parts.port), [], []
        # The first one waits for the worker to be up, and is not counted.
        await call(caller, _commands(slack, services[:1], parts.port)[0])
        await _posted(slack, _channel(services[0]), 60)
        for name in services[1:]:
            data = _commands(slack, [name], parts.port)[0]
            began = time.time()
            status, seconds = await call(caller, data)
            assert status == 200, status
            acknowledged.append(seconds)
            taken.append(await _posted(slack, _channel(name)) - began)
            await asyncio.sleep(0.2)
        caller.close()
    sides = [
        ("acknowledged", Spread.of_seconds(acknowledged)),
        ("first notice at Slack", Spread.of_seconds(taken)),
    ]
    report.tables.append(spread_table(f"{NAMES[kind]}: one halt at a time", sides))
    report.goals.append(
        Goal(f"{NAMES[kind]}: halt to first notice, p50 idle", Spread.of_seconds(taken).p50, MOST_NOTICE_MS, "ms")
    )


async def _collided(report: Report, kind: str, pairs: int) -> None:
    services = [f"model-{number:04}" for number in range(pairs)]
    with ExitStack() as stack:
        slack = stack.enter_context(fake_slack())
        place = stack.enter_context(installation.folder())
        parts = stack.enter_context(_parts(place, kind, slack, services, whole=False))
        await _warm(slack, parts.port)
        one, other = await connect(parts.port), await connect(parts.port)
        bad = 0
        for name in services:
            first = _commands(slack, [name], parts.port, user="U0IDA")[0]
            second = _commands(slack, [name], parts.port, user="U0RAJ")[0]
            answers = await asyncio.gather(call(one, first), call(other, second))
            bad += sum(status != 200 for status, _ in answers)
        one.close()
        other.close()
        incidents = _count(parts.database, "SELECT count(*) FROM incidents")
        runs = _count(parts.database, "SELECT count(*) FROM runs")
    columns = ("pairs", "incidents", "runs", "not 2xx")
    report.tables.append(Table(f"{NAMES[kind]}: simultaneous halts", columns, ((pairs, incidents, runs, bad),)))
    report.goals += [
        Goal(f"{NAMES[kind]}: incidents besides one a pair", abs(incidents - pairs), 0, "incidents"),
        Goal(f"{NAMES[kind]}: runs besides one a pair", abs(runs - pairs), 0, "runs"),
    ]


@contextmanager
def _parts(
    place: Path, kind: str, slack: FakeSlack, services: Sequence[str], *, whole: bool
) -> Iterator[installation.Parts]:
    policies = [
        policy(
            name,
            "http://127.0.0.1:9",
            playbook="one_call",
            audiences={"engineering": {"slack": _channel(name)}},
            halt={"playbook": "stop_it"},
        )
        for name in services
    ]
    config = write_config(place / "config", policies, [installation.ONE_CALL, STOP])
    settings = {
        "ANDON_SLACK_BOT_TOKEN": slack.workspace.bot_token,
        "ANDON_SLACK_SIGNING_SECRET": slack.workspace.signing_secret,
        "ANDON_SLACK_API_URL": slack.api_url,
    }
    with (
        installation.redis(place) as redis_url,
        installation.parts(place, config, kind, redis_url, whole=whole, settings=settings) as parts,
    ):
        yield parts


def _channel(service: str) -> str:
    return f"C0{service.replace('-', '').upper()}"


def _commands(slack: FakeSlack, services: Sequence[str], port: int, user: str = "U0IDA") -> list[bytes]:
    """One signed halt of each service, as Slack sends them; none of them twice."""
    return [
        _command(slack, "/halt-release", f"{name} F1 down 15 % since the feature change", port, user)
        for name in services
    ]


def _command(slack: FakeSlack, word: str, words: str, port: int, user: str) -> bytes:
    fields = {
        "command": word,
        "text": words,
        "user_id": user,
        "team_id": slack.workspace.team_id,
        "channel_id": "C0MLREL",
        "trigger_id": slack.state.trigger(user),
        "response_url": "",
    }
    body, stamp = urlencode(fields).encode(), str(int(time.time()))
    headers = (
        f"X-Slack-Request-Timestamp: {stamp}",
        f"X-Slack-Signature: {signature(slack.workspace.signing_secret, stamp, body)}",
    )
    return request(PATH, body, port=port, kind="application/x-www-form-urlencoded", headers=headers)


async def _warm(slack: FakeSlack, port: int) -> None:
    """Who the people are is known, and what is loaded on need is loaded."""
    caller = await connect(port)
    for user in ("U0IDA", "U0RAJ"):
        status, _ = await call(caller, _command(slack, "/andon", "status", port, user))
        assert status == 200, status
    caller.close()


async def _posted(slack: FakeSlack, channel: str, seconds: float = 20.0) -> float:
    """When the first message for a channel came in at Slack, by the clock of the machine."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = [one for one in slack.calls_of("chat.postMessage") if one.args.get("channel") == channel]
        if found:
            return found[0].at
        await asyncio.sleep(0.002)
    raise TimeoutError(f"nothing was posted in {channel}")


def _join(whole: Outcome, part: Outcome) -> None:
    whole.statuses.update(part.statuses)
    whole.seconds += part.seconds
    whole.elapsed += part.elapsed


def _count(database: str, statement: str) -> int:
    engine = create_engine(parse_address(database))
    with engine.connect() as connection:
        found: int = connection.execute(text(statement)).scalar_one()
    engine.dispose()
    return found
