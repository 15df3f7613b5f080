"""Redis is a doorbell: flushed, killed or away, every run that was accepted finishes, each with one effect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from redis import Redis
from support.alert_bodies import firing, group
from support.chaos import House, deployers, running_house
from support.installation import until

MANY, FEW = 200, 25
QUEUED = [f"queued-{number}" for number in range(MANY)]
AWAY = [f"away-{number}" for number in range(FEW)]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("redis")
    with deployers(folder) as both:
        policies = [both.policy(name, "repeat") for name in (*QUEUED, *AWAY, "back-again")]
        with running_house(folder, both, policies) as house:
            house.parts.clock()
            yield house


def effects(house: House, names: list[str]) -> Counter[str]:
    wanted = set(names)
    return Counter(one["what"] for one in house.deployers.keyed.effects() if one["what"] in wanted)


def unsettled(house: House) -> int:
    page, left = house.parts.api.get("/runs?limit=200"), 0
    while True:
        left += sum(run["status"] != "succeeded" for run in page["items"])
        if page["next"] is None:
            return left
        page = house.parts.api.get(f"/runs?limit=200&cursor={page['next']}")


def test_runs_finish_though_redis_forgets_them_and_dies_half_way_and_stays_away(house: House) -> None:
    receipt = house.parts.api.alert(group(*[firing(name) for name in QUEUED]))
    assert len(receipt["runs"]) == MANY
    with Redis.from_url(house.redis.url) as link:
        until("all bells are rung", lambda: link.llen("rq:queue:rollbacks") >= MANY)
        link.flushall()
        assert link.llen("rq:queue:rollbacks") < MANY
    for _ in range(2):
        house.parts.worker()
    until("half of the runs acted", lambda: effects(house, QUEUED).total() > MANY // 2, seconds=120)
    house.kill_redis()

    late = house.parts.api.alert(group(*[firing(name) for name in AWAY]))
    assert len(late["runs"]) == FEW
    until("every run succeeded", lambda: unsettled(house) == 0, seconds=120, every=0.5)
    assert effects(house, QUEUED) == Counter(QUEUED)
    assert effects(house, AWAY) == Counter(AWAY)
    assert house.parts.api.http.get(f"{house.parts.api.address}/readyz").json()["status"] == "degraded"

    house.redis.start()
    back = house.parts.api.alert(group(firing("back-again")))
    assert house.parts.api.settled(back["runs"][0])["status"] == "succeeded"
    assert effects(house, ["back-again"]) == Counter(["back-again"])
