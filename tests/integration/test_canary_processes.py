"""The whole path between real processes: observations over HTTP, a worker that dies on the way, one rollback call."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from tempfile import mkdtemp
from typing import Any

import pytest
from support.canaries import RULE, ndjson, whole
from support.chaos import killed
from support.databases import KINDS, database
from support.installation import SECRETS, Parts, running_parts, until
from support.ledger import Ledger, running_ledger
from support.redis_servers import redis_server
from support.written_config import policy, write_config

POINTS = ("before_fold_commit", "after_fold_commit", "after_canary_event")
SERVICES = ("story", *(point.replace("_", "-") for point in POINTS))

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


class House:
    """Redis, a database, a web process, a clock and a worker for rollbacks; the other workers are the test's."""

    def __init__(self, parts: Parts, ledger: Ledger) -> None:
        self.parts = parts
        self.ledger = ledger

    def send(self, service: str, body: bytes) -> str:
        """The release that took the batch."""
        headers = {"Authorization": f"Bearer {SECRETS['olga']}"}
        path = f"{self.parts.api.address}/api/v1/canaries/{service}/observations"
        answer = self.parts.api.http.post(path, content=body, headers=headers)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["release"])

    def canary(self, release: str) -> dict[str, Any]:
        """As the API shows it."""
        return self.parts.api.get(f"/canaries/{release}")

    def runs(self, service: str) -> list[dict[str, Any]]:
        """All runs of a service."""
        return list(self.parts.api.get(f"/runs?service={service}")["items"])

    def folder(self, **values: str) -> subprocess.Popen[bytes]:
        """A worker that folds; its data folder is its own, so that it dies once where it is told to."""
        return self.parts.worker("other", ANDON_DATA=mkdtemp(dir=self.parts.folder), **values)


@pytest.fixture(scope="module", params=KINDS)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("canary")
    (folder / "redis").mkdir()
    with running_ledger(folder) as ledger, database(request.param, folder) as address:
        policies = [policy(name, ledger.url, rollback=[], canary=RULE) for name in SERVICES]
        config = write_config(folder / "config", policies)
        with redis_server(folder / "redis") as redis, running_parts(folder, config, address, redis.url) as parts:
            parts.clock()
            parts.worker()
            yield House(parts, ledger)


@pytest.fixture(autouse=True)
def nobody_folds_for_another_test(house: House) -> Iterator[None]:
    yield
    for process in house.parts.started:
        if process.poll() is None and "other" in process.args:  # type: ignore[operator]
            house.parts.stop(process)


def test_observations_become_a_rollback_with_its_figures_between_real_processes(house: House) -> None:
    house.folder()
    release = house.send("story", ndjson(whole(300, 0)))
    until("the first batch is folded", lambda: house.canary(release)["pairs"] == 300)
    house.send(release, ndjson(whole(600, 4, start=1000)))
    run = until("a rollback is planned", lambda: next(iter(house.runs("story")), None))
    settled = house.parts.api.settled(run["id"])
    assert settled["status"] == "succeeded"
    assert len(house.ledger.effects("story")) == 1
    view = house.canary(release)
    assert (view["verdict"], view["pairs"], view["affected"]) == ("diverged", 900, 150)
    incident = house.parts.api.get(f"/incidents/{settled['incident_id']}")
    assert incident["report"]["metric"]["source"] == "canary"
    assert incident["report"]["confidence_interval"]["value"]["threshold"] == 0.02


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_on_the_way_neither_loses_nor_doubles_the_rollback(house: House, point: str) -> None:
    service = point.replace("_", "-")
    dying = house.folder(ANDON_CRASH_AT=point)
    release = house.send(service, ndjson(whole(600, 4)))
    assert killed(dying)
    house.folder()
    run = until("a rollback is planned", lambda: next(iter(house.runs(service)), None))
    assert house.parts.api.settled(run["id"])["status"] == "succeeded"
    view = until("it was told", lambda: house.canary(release) if house.canary(release)["told"] else None)
    assert (view["told"], view["pairs"]) == ("canary:diverged", 600)
    assert len(house.runs(service)) == 1
    assert len(house.ledger.effects(service)) == 1
