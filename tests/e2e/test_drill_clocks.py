"""Five clocks on one database, killed at random, over hundreds of slots: each slot once, none missed silently."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from support.databases import KINDS, database
from support.drill_clocks import Nursery, SharedClock, nursery
from support.drills import BACK, rehearsed
from support.installation import until
from support.ledger import Ledger, running_ledger
from support.written_config import Tree, write_config

from bot.adapters.sql import SqlStore, open_store
from bot.domain.drills import Drill, DrillState
from bot.domain.records import Notice

CLOCKS, WORKERS, OFTEN = 5, 2, 5
EVERY, A_BIT = timedelta(minutes=5), timedelta(seconds=5)
BERLIN = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2024, 10, 26, 22, 58, tzinfo=UTC)
"""Two hours before 3 o'clock becomes 2 in Berlin: the night of 27 October 2024."""
FIRED = frozenset(DrillState) - {DrillState.PLANNED, DrillState.MISSED, DrillState.WITHDRAWN}

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@dataclass
class World:
    """What the test sees of it all."""

    store: SqlStore
    clock: SharedClock
    processes: Nursery
    services: list[str]

    def drills(self, service: str | None = None) -> list[Drill]:
        """By slot."""
        with self.store.read() as tx:
            return sorted(tx.drills(limit=100_000, service=service), key=lambda one: one.slot)

    def turn(self, by: timedelta) -> None:
        """Turn the clock while somebody dies, and go on once everybody saw what is to come and did what was due."""
        now = self.clock.now()
        slot = now.replace(minute=now.minute // 5 * 5, second=0, microsecond=0)
        self.clock.set(slot + by + A_BIT)
        self.processes.kill_one("clock")
        if self.processes.rng.random() < 0.3:
            self.processes.kill_one("worker")
        if by > timedelta(0):
            until("all is planned and nothing is due", self._is_settled, seconds=30, every=0.05)

    def _is_settled(self) -> bool:
        now = self.clock.now()
        with self.store.read() as tx:
            planned = tx.planned_drills()
            is_busy = any(tx.running_drill(service, "staging") for service in self.services)
        ahead = {one.service for one in planned if one.slot > now}
        return len(ahead) == len(self.services) and not is_busy and all(one.due_at > now for one in planned)


def policies(ledger: Ledger) -> list[Tree]:
    """Services with a drill every five minutes, and one each hour by the clocks of Berlin."""
    every = {f"often-{number}": {"cron": "*/5 * * * *", "grace": "30m"} for number in range(OFTEN)}
    rules = {**every, "hourly": {"cron": "30 * * * *", "timezone": str(BERLIN), "grace": "45m"}}
    drill = {"inject": [], "alert": {}, "objective": "1m"}
    return [
        rehearsed(
            name, "http://production.invalid", ledger.url, drill={**drill, **rule},
            targets={
                "production": {"ledger": "http://production.invalid", "allow_hosts": ["production.invalid"]},
                "staging": {"ledger": ledger.url, "allow_hosts": [ledger.host]},
            },
            roles={"rollback_authority": ["olga"], "endorser": ["olga"]}, audiences={"engineering": {}},
        )
        for name, rule in rules.items()
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_five_clocks_with_kills_jumps_and_a_gap_carry_each_slot_out_once(
    kind: str, tmp_path: Path, rng: random.Random, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_ledger(tmp_path) as ledger, database(kind, tmp_path) as address:
        made = policies(ledger)
        services = [str(one["service"]) for one in made]
        ledger.control(models={one: {"serving": "42", "versions": ["41", "42"]} for one in services})
        config = write_config(tmp_path / "config", made, [BACK])
        store = open_store(address)
        store.upgrade()
        clock = SharedClock(tmp_path / "offset")
        clock.set(BEGIN)
        values = {
            "ANDON_CONFIG": str(config), "ANDON_DATA": str(tmp_path / "var"), "ANDON_DATABASE_URL": address,
            "ANDON_REDIS_URL": "unix:///nonexistent/redis.sock",
        }  # fmt: skip
        with nursery(clock, rng, **values) as processes:
            world = World(store, clock, processes, services)
            for what in ["clock"] * CLOCKS + ["worker"] * WORKERS:
                processes.start(what)
            until("the first slots are planned", lambda: len(world.drills()) == len(services), seconds=60)
            live_through(world)
        verify(world, ledger)
        report(world, kind, seed, capsys)
        store.close()


def live_through(world: World) -> None:
    """A night with steps of five minutes, clocks that jump, and three hours in which nothing runs."""
    for _ in range(9):
        world.turn(EVERY)
    world.turn(timedelta(minutes=-40))
    world.turn(timedelta(minutes=40))
    for _ in range(6):
        world.turn(EVERY)
    world.turn(timedelta(minutes=20))
    world.turn(timedelta(hours=3))
    for _ in range(8):
        world.turn(EVERY)


def verify(world: World, ledger: Ledger) -> None:
    """Against what the calendar says, and against what the deployer saw."""
    end = world.clock.now()
    fired = 0
    for service in world.services:
        found = world.drills(service)
        slots = [one.slot for one in found]
        assert len(slots) == len(set(slots)), f"{service}: a slot has two rows"
        assert slots == [slot for slot in calendar(service) if slots[0] <= slot <= slots[-1]], (
            f"{service}: one is absent"
        )
        assert slots[0] < BEGIN + timedelta(hours=1)
        assert slots[-1] > end
        assert {one.state for one in found} <= {DrillState.PASSED, DrillState.MISSED, DrillState.PLANNED}
        carried_out = [one for one in found if one.state in FIRED]
        effects = ledger.effects(f"model:{service}")
        assert len(effects) == len(carried_out), f"{service}: fired more or less often than carried out"
        assert len({one.run_id for one in carried_out}) == len(carried_out)
        fired += len(carried_out)
    assert fired >= 100
    assert sum(len(world.drills(service)) for service in world.services) >= 250
    assert_told(world)


def calendar(service: str) -> list[datetime]:
    """The slots of that night by plain arithmetic, not by the library."""
    minutes = [BEGIN + timedelta(minutes=count) for count in range(24 * 60)]
    if service == "hourly":
        return [one for one in minutes if one.astimezone(BERLIN).minute == 30]
    return [one for one in minutes if one.minute % 5 == 0]


def assert_told(world: World) -> None:
    """Whatever was missed was told, and counted."""
    missed = Counter(one.service for one in world.drills() if one.state is DrillState.MISSED)
    assert missed, "the gap left nothing to be missed"
    with world.store.read() as tx:
        notices: list[Notice] = [one for one in tx.notices(limit=100_000) if one.name == "drill_missed"]
    told = Counter[str]()
    for one in notices:
        told[one.service] += int(one.facts["slots"])
    assert told == missed


def report(world: World, kind: str, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    """What was done, for whoever reads the log of the suite."""
    states = Counter(str(one.state) for one in world.drills())
    with capsys.disabled():
        print(f"\n{kind}: seed {seed}, {len(world.drills())} slots, {world.processes.kills} kills, {dict(states)}")
        print("  two rows for a slot 0, carried out twice 0, missed silently 0")
