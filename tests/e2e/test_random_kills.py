"""Workers are killed at random while runs are under way: nothing is lost, nothing is done twice."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from support.databases import database
from support.soak import Soak, pause, soaking

KILLS = {"sqlite": 200, "postgresql": 80}
WORKERS = 4
CALL_SECONDS = 0.25

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.mark.parametrize("kind", KILLS)
def test_random_kills_of_workers_lose_and_double_nothing(
    kind: str, tmp_path: Path, rng: random.Random, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with database(kind, tmp_path) as address, soaking(tmp_path, address, rng, call_seconds=CALL_SECONDS) as soak:
        house = soak.house
        workers = [house.parts.worker() for _ in range(WORKERS)]
        house.parts.worker("notices")
        house.ready(*workers)
        while soak.kills.total() < KILLS[kind]:
            if soak.waiting() < 2 * WORKERS:
                soak.post(12)
            victim = soak.victim(workers)
            pause(rng.uniform(0, 1.5 * CALL_SECONDS))
            soak.kill(victim)
            workers[workers.index(victim)] = house.parts.worker()
        runs = soak.settled()
        verify(soak, runs)
        report(soak, runs, kind, seed, capsys)
        assert soak.kills["at work"] > KILLS[kind] // 3, "too few kills hit a worker at work"
        assert house.parts.api.get("/audit/verify")["ok"]


def verify(soak: Soak, runs: dict[str, dict[str, object]]) -> None:
    effects = soak.effects()
    assert max(effects.values()) == 1, [what for what, count in effects.items() if count > 1]
    for place, run in runs.items():
        way = place.split("-")[0]
        if way != "ask":
            assert run["status"] == "succeeded", (place, run["status"], run["error"])
        elif run["status"] == "needs_human":
            assert "interrupted" in str(run["error"]), (place, run["error"])
            continue
        assert (effects[f"{place}.one"], effects[f"{place}.two"]) == (1, 1), place


def report(
    soak: Soak, runs: dict[str, dict[str, object]], kind: str, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was done, for whoever reads the log of the suite."""
    ends = Counter(f"{place.split('-')[0]} {run['status']}" for place, run in runs.items())
    hits: Counter[str] = Counter()
    for run in runs.values():
        steps = run["steps"]
        assert isinstance(steps, list)
        hits.update(f"{step['id']} interrupted {step['interruptions']}x" for step in steps if step["interruptions"])
    with capsys.disabled():
        print(f"\n{kind}: seed {seed}, {soak.kills.total()} kills {dict(soak.kills)}, {len(runs)} runs")
        print(f"  ends {dict(sorted(ends.items()))}")
        print(f"  steps {dict(sorted(hits.items()))}; lost 0, doubled 0")


def test_a_web_process_killed_at_random_takes_each_alert_once(
    tmp_path: Path, rng: random.Random, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with database("sqlite", tmp_path) as address, soaking(tmp_path, address, rng, call_seconds=0.0) as soak:
        house = soak.house
        workers = [house.parts.worker() for _ in range(2)]
        house.ready(*workers)
        for _ in range(15):
            web = next(one for one in house.parts.started if "web" in list(one.args) and one.poll() is None)
            alarm = soak.kill_after(web, rng.uniform(0, 0.06))
            soak.post(6)
            alarm.join(60)
        runs = soak.settled()
        assert {run["status"] for run in runs.values()} == {"succeeded"}
        assert set(soak.effects().values()) == {1}
        assert len(soak.effects()) == 2 * len(runs)
        counted = sum(1 for _ in soak.all_runs())
        with capsys.disabled():
            print(
                f"\nweb: seed {seed}, {soak.kills['web']} kills, {soak.resent} deliveries sent again, {len(runs)} runs"
            )
        assert counted == len(runs)
