"""Long runs of an installation under random kills: alerts come in all the time, and every effect is counted."""

from __future__ import annotations

import random
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bot.adapters.process_names import owner_of
from support.alert_bodies import firing, group
from support.chaos import Deployers, House, deployers
from support.installation import SETTLED, running_parts, until
from support.redis_servers import redis_server
from support.written_config import Tree, acting, playbook, policy, write_config

WAYS = ("repeat", "check", "ask")
PLACES = 40
"""Environments of each service; each has one run."""

SERVICES = 8
"""Of each way."""

URL = "{{ target.ledger }}/effects/{{ service }}.{{ environment }}."


def act(name: str, way: str) -> Tree:
    """A step that acts on a name of its own; where it looks first, it looks for just that."""
    look = {"url": URL + name, "expect": {"status": 200, "condition": "body.count > 0"}}
    more = {"check": {"use": "http_request", "with": look}} if way == "check" else {}
    call = {"method": "POST", "url": URL + name, "json": {"step": name}}
    return {**acting(way, **more), "id": name, "with": call, **({"tries": 20} if way != "ask" else {})}


def playbooks() -> list[Tree]:
    """One for each way: two steps that act, so that there is something between them."""
    return [playbook(f"soak_{way}", act("one", way), act("two", way)) for way in WAYS]


def policies(both: Deployers) -> list[Tree]:
    """Services with many environments and no release: each place is rolled back once, by itself."""
    made = []
    for way in WAYS:
        target = {"ledger": both.of(way).url, "allow_hosts": ["127.0.0.1"]}
        for number in range(SERVICES):
            one = policy(f"{way}-{number}", both.of(way).url, playbook=f"soak_{way}")
            del one["release"]
            one["targets"] = {f"e{place}": dict(target) for place in range(PLACES)}
            made.append(one)
    return made


@dataclass
class Soak:
    """What happens to the installation, and what came of it."""

    house: House
    rng: random.Random
    alerts: Iterator[tuple[str, str]]
    posted: dict[str, str] = field(default_factory=dict)
    """Run ids by place."""
    kills: Counter[str] = field(default_factory=Counter)
    resent: int = 0

    def post(self, count: int) -> None:
        """Alerts for that many fresh places; sent again until they are taken."""
        places = [next(self.alerts) for _ in range(count)]
        body = group(*[firing(name, environment=at, fingerprint=f"{name}.{at}") for name, at in places])
        receipt = until("a delivery is taken", lambda: self._try(body), seconds=60)
        assert len(receipt["runs"]) == count, receipt
        for (name, at), run_id in zip(places, receipt["runs"], strict=True):
            self.posted[f"{name}.{at}"] = run_id

    def _try(self, body: dict[str, Any]) -> dict[str, Any] | None:
        try:
            answer = self.house.parts.api.post(body)
        except httpx.TransportError:
            self.resent += 1
            return None
        return dict(answer.json()) if answer.status_code == 202 else None

    def waiting(self) -> int:
        """How many runs have not acted for the last time; without those that may have stopped to ask."""
        both = self.house.deployers
        acted = {effect["what"] for ledger in (both.keyed, both.plain) for effect in ledger.effects()}
        return sum(f"{place}.two" not in acted for place in self.posted if not place.startswith("ask"))

    def victim(self, workers: list[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        """Mostly one that is at work; now and then one that waits, or that is only starting."""
        if self.rng.random() < 0.15:
            return self.rng.choice(workers)

        def busy() -> list[subprocess.Popen[bytes]]:
            held = self.leases()
            return [worker for worker in workers if owner_of(worker.pid) in held]

        return self.rng.choice(until("a worker is at work", busy, seconds=60))

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """Kill a worker and note whether it was at work."""
        owner = owner_of(worker.pid)
        worker.kill()
        worker.wait(10)
        held = self.leases()
        self.kills["at work" if owner in held else "idle"] += 1

    def kill_after(self, web: subprocess.Popen[bytes], seconds: float) -> threading.Thread:
        """Kill a web process while something is on its way to it, and put another in its place."""

        def strike() -> None:
            pause(seconds)
            web.kill()
            web.wait(10)
            self.kills["web"] += 1
            self.house.parts.web()

        alarm = threading.Thread(target=strike)
        alarm.start()
        return alarm

    def all_runs(self) -> Iterator[dict[str, Any]]:
        """Every run that there is, whoever knows of it."""
        page = self.house.parts.api.get("/runs?limit=200")
        while True:
            yield from page["items"]
            if page["next"] is None:
                return
            page = self.house.parts.api.get(f"/runs?limit=200&cursor={page['next']}")

    def leases(self) -> set[str]:
        """Who holds a run; a lease outlives its owner until its time is over."""
        runs = self.house.parts.api.get("/runs?limit=60")["items"]
        return {run["lease"]["owner"] for run in runs if run["lease"]}

    def settled(self, *, seconds: float = 120.0) -> dict[str, dict[str, Any]]:
        """Every run by place, once all ended or need a person."""
        done: dict[str, dict[str, Any]] = {}

        def look() -> bool:
            for place, run_id in self.posted.items():
                if place not in done and (run := self.house.parts.api.run(run_id))["status"] in SETTLED:
                    done[place] = run
            return len(done) == len(self.posted)

        until("all runs are settled", look, seconds=seconds, every=0.5)
        return done

    def effects(self) -> Counter[str]:
        """How often each step of each place had its effect."""
        both = self.house.deployers
        return Counter(one["what"] for ledger in (both.keyed, both.plain) for one in ledger.effects())


@contextmanager
def soaking(folder: Path, database: str, rng: random.Random, *, call_seconds: float) -> Iterator[Soak]:
    """An installation without workers whose deployers take their time over each call."""
    (folder / "redis").mkdir()
    with deployers(folder) as both:
        for ledger in (both.keyed, both.plain):
            ledger.fault("slow", path="/effects", seconds=call_seconds, times=-1)
        config = write_config(folder / "config", policies(both), playbooks())
        with (
            redis_server(folder / "redis") as redis,
            running_parts(folder, config, database, redis.url) as parts,
        ):
            parts.clock()
            places = [
                (f"{way}-{number}", f"e{at}") for at in range(PLACES) for number in range(SERVICES) for way in WAYS
            ]
            yield Soak(House(parts, redis, both), rng, iter(places))


def pause(seconds: float) -> None:
    """Let some time go by, as chance wanted it."""
    threading.Event().wait(seconds)
