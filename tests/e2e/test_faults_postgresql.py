"""PostgreSQL is restarted as by a crash while runs are under way: they go on, each with one effect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.alert_bodies import firing, group
from support.chaos import House, deployers
from support.installation import running_parts, until
from support.own_postgresql import OwnPostgresql, own_postgresql
from support.redis_servers import redis_server
from support.written_config import write_config

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

WAITING = [f"waiting-{number}" for number in range(6)]


@pytest.fixture(scope="module")
def database() -> Iterator[OwnPostgresql]:
    with own_postgresql() as server:
        yield server


@pytest.fixture(scope="module")
def house(database: OwnPostgresql, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("postgres")
    with deployers(folder) as both:
        config = write_config(folder / "config", [both.policy(name, "repeat") for name in ("in-flight", *WAITING)])
        (folder / "redis").mkdir()
        with (
            redis_server(folder / "redis") as redis,
            running_parts(folder, config, database.address, redis.url) as parts,
        ):
            parts.clock()
            yield House(parts, redis, both)


def test_a_run_goes_on_after_the_database_was_restarted_under_it(house: House, database: OwnPostgresql) -> None:
    house.deployers.keyed.fault("slow", path="/effects/in-flight", seconds=2.5)
    for _ in range(2):
        house.parts.worker()
    first = house.parts.api.alert(group(firing("in-flight")))["runs"]
    until("its call arrives", lambda: house.deployers.keyed.calls("in-flight"))
    others = house.parts.api.alert(group(*[firing(name) for name in WAITING]))["runs"]
    database.restart()
    until("the web process has the database back", house.parts.api.is_ready)
    runs = [house.parts.api.settled(run_id, seconds=60) for run_id in (*first, *others)]
    assert [run["status"] for run in runs] == ["succeeded"] * len(runs)
    effects = Counter(effect["what"] for effect in house.deployers.keyed.effects())
    assert effects == Counter(["in-flight", *WAITING])
    assert all(process.poll() is None for process in house.parts.started)
    assert house.parts.api.get("/audit/verify")["ok"]


def test_a_delivery_is_refused_while_the_database_is_away_and_taken_when_it_is_sent_again(
    house: House, database: OwnPostgresql
) -> None:
    database.control("-w", "-m", "immediate", "stop")
    try:
        away = house.parts.api.post(group(firing("in-flight", "Other")))
        assert away.status_code == 503
        assert int(away.headers["retry-after"]) > 0
        assert house.parts.api.http.get(f"{house.parts.api.address}/readyz").status_code == 503
    finally:
        database.server.ensure_postgres_running()
    until("the web process has the database back", house.parts.api.is_ready)
    again = house.parts.api.alert(group(firing("in-flight", "Other")))
    assert again["disposition"] == "accepted"
