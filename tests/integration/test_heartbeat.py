"""The outbound heartbeat is given only while the house is well, and people hear when the Watchdog alert stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.alert_bodies import firing
from support.cli import andon_by
from support.crowds import at_once
from support.databases import KINDS
from support.driven_engine import AWAY, DrivenEngine, MovableClock, builder
from support.ledger import Ledger
from support.scripted_server import Answer, ScriptedServer, scripted_server

from bot.adapters.identity import SystemClock
from bot.adapters.rq_queue import RqQueue
from bot.adapters.sql import open_store
from bot.domain.pulses import WORKERS, Part, Pulse
from bot.domain.records import Notice
from bot.flow.due import DueWork
from bot.flow.sweep import Sweep
from bot.web.metrics import WebMetrics

MINUTE = timedelta(minutes=1)
SECRET_PATH = "/ping/8f14e45f-secret"


@pytest.fixture
def switch() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture(params=KINDS)
def engine(
    request: pytest.FixtureRequest, tmp_path: Path, ledger: Ledger, switch: ScriptedServer
) -> Iterator[DrivenEngine]:
    with builder(tmp_path, ledger, request.param) as build:
        yield build(
            clock=MovableClock(-timedelta(hours=3)),
            ANDON_HEARTBEAT_URL=f"{switch.url}{SECRET_PATH}",
            ANDON_HEARTBEAT_METHOD="POST",
            ANDON_HEARTBEAT_EVERY="1m",
            ANDON_WATCHDOG_WITHIN="10m",
        )


def live(engine: DrivenEngine, *but: Part) -> None:
    """Every process does its work now, those that are named excepted."""
    for part in (Part.SWEEP, *WORKERS):
        if part not in but:
            engine.app.beating.beat(part)


def pulse(engine: DrivenEngine, part: Part) -> Pulse:
    with engine.app.store.read() as tx:
        return tx.pulses()[part]


def test_the_switch_hears_of_a_house_that_is_well_once_each_minute_whatever_the_number_of_clocks(
    engine: DrivenEngine, switch: ScriptedServer
) -> None:
    clocks = [engine, *(engine.twin() for _ in range(4))]
    for minute in range(1, 4):
        live(engine)
        at_once([one.app.sweep.look for one in clocks])
        engine.clock.turn(timedelta(seconds=20))
        at_once([one.app.sweep.look for one in clocks])
        assert len(switch.received) == minute
        engine.clock.turn(timedelta(seconds=41))
    assert {(one.method, one.path) for one in switch.received} == {("POST", SECRET_PATH)}


@pytest.mark.parametrize("missing", [Part.SWEEP, *WORKERS])
def test_nothing_is_sent_while_a_part_is_missing_and_it_goes_on_once_that_is_back(
    engine: DrivenEngine, switch: ScriptedServer, missing: Part
) -> None:
    live(engine)
    engine.app.sweep.look()
    assert len(switch.received) == 1
    for _ in range(4):
        engine.clock.turn(MINUTE)
        live(engine, missing)
        engine.app.sweep.look()
    seen = pulse(engine, Part.HEARTBEAT)
    assert len(switch.received) <= 2  # the part counts as there for a minute after its last sign
    assert missing.removeprefix("worker:") in seen.problem
    live(engine)
    engine.clock.turn(timedelta(seconds=11))
    engine.app.sweep.look()
    after = pulse(engine, Part.HEARTBEAT)
    assert (after.problem, after.at) != (seen.problem, seen.at)
    assert after.problem == ""


def test_a_switch_that_does_not_answer_is_tried_again_soon_and_its_address_stays_secret(
    engine: DrivenEngine, switch: ScriptedServer, capfd: pytest.CaptureFixture[str]
) -> None:
    switch.will(Answer(500), Answer(0), Answer(200))
    for sent in (1, 2, 3):
        live(engine)
        engine.app.sweep.look()
        assert len(switch.received) == sent
        problem = pulse(engine, Part.HEARTBEAT).problem
        assert bool(problem) is (sent < 3)
        assert "secret" not in problem
        engine.clock.turn(timedelta(seconds=11))
    assert "secret" not in "".join(capfd.readouterr())


def test_each_sweep_of_a_clock_is_a_sign_of_life(engine: DrivenEngine) -> None:
    engine.app.sweep.wake()
    first = pulse(engine, Part.SWEEP).at
    assert first is not None
    engine.clock.turn(MINUTE)
    engine.app.sweep.wake()
    second = pulse(engine, Part.SWEEP).at
    assert second is not None
    assert second - first >= MINUTE


def test_a_sweep_that_breaks_off_is_no_sign_of_life(tmp_path: Path) -> None:
    beats: list[str] = []
    store = open_store(f"sqlite:///{tmp_path / 'andon.db'}")
    store.upgrade()

    def break_off() -> None:
        raise RuntimeError("this chore cannot be done")

    def sweep(*chores: Callable[[], None]) -> Sweep:
        queue = RqQueue(AWAY)
        parts: Any = {
            "queue": queue,
            "due": DueWork(store, queue),
            "endings": None,
            "again": MINUTE,
            "keep_head": print,
        }
        return Sweep(store=store, clock=SystemClock(), chores=chores, beat=lambda: beats.append("beat"), **parts)

    with pytest.raises(RuntimeError, match="cannot be done"):
        sweep(break_off).wake()
    assert beats == []
    sweep().wake()
    store.close()
    assert beats == ["beat"]


def test_prometheus_reads_when_each_part_was_seen(engine: DrivenEngine) -> None:
    page = WebMetrics(engine.app).page().decode()
    assert "andon_heartbeat_timestamp_seconds" not in page
    live(engine)
    engine.app.sweep.look()
    page = WebMetrics(engine.app).page().decode()
    beat = float(next(line.split()[1] for line in page.splitlines() if line.startswith("andon_heartbeat_t")))
    assert abs(beat - engine.clock.now().timestamp()) < 60
    for lane in ("rollbacks", "notices", "other"):
        assert f'andon_worker_last_seen_timestamp_seconds{{lane="{lane}"}}' in page
    assert "andon_clock_last_sweep_timestamp_seconds" in page
    assert "andon_watchdog" not in page


def barked(engine: DrivenEngine, at: datetime, status: str = "firing") -> None:
    alert: dict[str, Any] = {
        "status": status,
        "labels": {"alertname": "Watchdog", "severity": "none"},
        "annotations": {},
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": at.isoformat() if status == "resolved" else "0001-01-01T00:00:00Z",
        "fingerprint": "feedbeefcafe0001",
    }
    assert engine.alert(alert).runs == ()


def told(engine: DrivenEngine) -> list[Notice]:
    with engine.app.store.read() as tx:
        return [one for one in tx.notices() if one.name == "watchdog_silent"]


def test_engineers_hear_once_that_the_watchdog_is_silent_and_again_after_its_next_silence(
    engine: DrivenEngine,
) -> None:
    clocks = [engine, *(engine.twin() for _ in range(4))]

    def pass_(minutes: int) -> None:
        for _ in range(minutes):
            engine.clock.turn(MINUTE)
            at_once([one.app.sweep.wake for one in clocks])

    for _ in range(3):
        barked(engine, engine.clock.now())
        pass_(9)
    assert told(engine) == []
    seen = pulse(engine, Part.WATCHDOG).at
    barked(engine, engine.clock.now(), "resolved")
    assert pulse(engine, Part.WATCHDOG).at == seen
    pass_(5)
    assert len(told(engine)) == 1
    assert told(engine)[0].facts["within"] == "10m"
    assert [action for action, _, _ in engine.audit() if action.startswith("watchdog.")] == ["watchdog.silent"]
    barked(engine, engine.clock.now())
    pass_(5)
    assert len(told(engine)) == 1
    pass_(8)
    assert len(told(engine)) == 2
    engine.work()
    assert "monitoring" in told(engine)[0].subject


def test_a_watchdog_that_never_came_is_noticed_too(engine: DrivenEngine) -> None:
    engine.app.sweep.wake()
    engine.clock.turn(9 * MINUTE)
    engine.app.sweep.wake()
    assert told(engine) == []
    engine.clock.turn(2 * MINUTE)
    engine.app.sweep.wake()
    assert len(told(engine)) == 1


def test_the_watchdog_of_another_sender_or_service_does_not_count(engine: DrivenEngine) -> None:
    engine.generic(title="Watchdog", status="firing", labels={"alertname": "Watchdog"})
    engine.alert(firing("unrelated", "WatchdogOfSomethingElse"))
    with engine.app.store.read() as tx:
        assert Part.WATCHDOG not in tx.pulses()


def test_the_doctor_says_when_each_part_was_seen(
    engine: DrivenEngine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    address = str(engine.settings.database)
    monkeypatch.setenv("ANDON_DATABASE_URL", address)
    monkeypatch.setenv("ANDON_WATCHDOG_WITHIN", "10m")
    andon = andon_by(engine, monkeypatch, capfd)
    found = {one["name"]: one for one in andon("doctor", "--json").json["checks"]}
    assert "never seen" in found["heartbeat"]["found"]
    assert found["heartbeat"]["ok"]  # nobody asked for a heartbeat outside
    engine.clock.turn(timedelta(hours=3))
    live(engine)
    engine.app.sweep.look()
    barked(engine, engine.clock.now())
    monkeypatch.setenv("ANDON_HEARTBEAT_URL", f"http://127.0.0.1:9{SECRET_PATH}")
    said = andon("doctor", "--json")
    found = {one["name"]: one for one in said.json["checks"]}
    assert found["heartbeat"]["ok"]
    assert "withheld" not in found["heartbeat"]["found"]
    assert "ago" in found["watchdog"]["found"]
    assert "brought up to date" in found["runbooks"]["found"]
    assert "secret" not in said.out
