"""Workers and web processes die by SIGKILL at each named point: nothing is lost, nothing is done twice."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from tempfile import mkdtemp

import httpx
import pytest
from redis import Redis
from support.alert_bodies import firing, group
from support.chaos import House, deployers, killed, running_house
from support.installation import until
from support.written_config import WAYS

POINTS = ("before_intent", "after_intent", "before_effect", "after_effect", "before_outcome", "after_outcome")
OPEN_POINTS = ("after_intent", "before_effect", "after_effect", "before_outcome")
"""Between them a step has an intent and no outcome: a successor cannot know whether it acted."""

NOTICE_POINTS = ("before_notice", "after_notice")
WEB_POINTS = ("before_inbox_commit", "after_inbox_commit")

pytestmark = pytest.mark.timeout(180)


def service(point: str, way: str) -> str:
    return f"{point.replace('_', '-')}-{way}"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("crash")
    with deployers(folder) as both:
        policies = [both.policy(service(point, way), way) for point in POINTS for way in WAYS]
        policies += [both.policy(service(point, "repeat"), "repeat") for point in (*NOTICE_POINTS, *WEB_POINTS)]
        unsafe = both.policy("unsafe", "repeat")
        unsafe["targets"]["production"]["ledger"] = both.plain.url
        policies += [unsafe, both.policy("unswept", "repeat")]
        with running_house(folder, both, policies) as house:
            yield house


@pytest.fixture(scope="module")
def clock(house: House) -> None:
    house.parts.clock()


@pytest.fixture(autouse=True)
def no_worker_is_left(house: House) -> Iterator[None]:
    yield
    house.parts.kill_all("worker")


def workers_that_die(house: House, point: str, count: int, lane: str = "rollbacks") -> list[subprocess.Popen[bytes]]:
    """Start them and wait until they listen; each has a fresh data folder, so that each dies once."""
    made = [
        house.parts.worker(lane, ANDON_CRASH_AT=point, ANDON_DATA=mkdtemp(dir=house.parts.folder)) for _ in range(count)
    ]
    house.ready(*made)
    return made


def all_died(workers: list[subprocess.Popen[bytes]]) -> bool:
    return all(killed(worker) for worker in workers)


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_at_a_named_point_loses_and_doubles_nothing(house: House, clock: None, point: str) -> None:
    dying = workers_that_die(house, point, len(WAYS))
    receipt = house.parts.api.alert(group(*[firing(service(point, way)) for way in WAYS]))
    assert all_died(dying)
    survivor = house.parts.worker()
    runs = {run["service"]: run for run in map(house.parts.api.settled, receipt["runs"])}
    effects = {way: house.deployers.of(way).effects(service(point, way)) for way in WAYS}
    house.parts.stop(survivor)

    for way in ("repeat", "check"):
        assert runs[service(point, way)]["status"] == "succeeded"
        assert len(effects[way]) == 1, f"{way} at {point}"
    asked = runs[service(point, "ask")]
    if point in OPEN_POINTS:
        assert asked["status"] == "needs_human"
        assert "interrupted" in asked["error"]
        assert len(effects["ask"]) == (0 if point in ("after_intent", "before_effect") else 1)
        incident = house.parts.api.get(f"/incidents/{asked['incident_id']}")
        assert any("needs a person" in line["text"] for line in incident["timeline"])
        assert any(notice["name"] == "needs_human" for notice in incident["notices"])
    else:
        assert asked["status"] == "succeeded"
        assert len(effects["ask"]) == 1


def test_the_harness_sees_a_double_where_the_deployer_ignores_idempotency_keys(house: House, clock: None) -> None:
    dying = workers_that_die(house, "after_effect", 1)
    receipt = house.parts.api.alert(group(firing("unsafe")))
    assert all_died(dying)
    survivor = house.parts.worker()
    run = house.parts.api.settled(receipt["runs"][0])
    house.parts.stop(survivor)
    assert run["status"] == "succeeded"
    effects = house.deployers.plain.effects("unsafe")
    assert len(effects) == 2
    assert {effect["key"] for effect in effects} == {f"{run['id']}:act"}


@pytest.mark.parametrize("point", NOTICE_POINTS)
def test_a_notice_is_sent_at_least_once_though_its_worker_is_killed(house: House, clock: None, point: str) -> None:
    drain = house.parts.worker("notices")
    until("no older notice waits", lambda: all_sent(house) is not None)
    house.parts.stop(drain)
    dying = workers_that_die(house, point, 1, "notices")
    worker = house.parts.worker()
    receipt = house.parts.api.alert(group(firing(service(point, "repeat"))))
    house.parts.api.settled(receipt["runs"][0])
    assert all_died(dying)
    survivor = house.parts.worker("notices")
    sent = until("every notice is sent", lambda: all_sent(house))
    assert sorted(sent[receipt["incidents"][0]]) == ["restored", "rollback_started"]
    house.parts.stop(survivor)
    house.parts.stop(worker)


def all_sent(house: House) -> dict[str, list[str]] | None:
    """The names of the notices of each incident, once every one is sent."""
    sent = {}
    for incident in house.parts.api.get("/incidents?limit=200")["items"]:
        notices = house.parts.api.get(f"/incidents/{incident['id']}")["notices"]
        if any(one["status"] != "sent" for one in notices):
            return None
        sent[incident["id"]] = [one["name"] for one in notices]
    return sent


def test_a_web_process_killed_before_the_commit_has_taken_nothing(house: House, clock: None) -> None:
    name = service("before_inbox_commit", "repeat")
    resend(house, "before_inbox_commit", name)
    receipt = house.parts.api.alert(group(firing(name)))
    assert receipt["disposition"] == "accepted"
    finishes_once(house, receipt["runs"][0], name)


def test_a_resend_after_a_lost_answer_is_a_duplicate_of_the_same_run(house: House, clock: None) -> None:
    name = service("after_inbox_commit", "repeat")
    resend(house, "after_inbox_commit", name)
    stored = house.parts.api.get(f"/runs?service={name}")["items"]
    assert len(stored) == 1
    receipt = house.parts.api.alert(group(firing(name)))
    assert receipt["disposition"] == "duplicate"
    assert receipt["runs"] == [stored[0]["id"]]
    finishes_once(house, stored[0]["id"], name)


def resend(house: House, point: str, name: str) -> None:
    """Post to a web process that dies at the point, and put a sound one in its place."""
    house.parts.stop_all("web")
    web = house.parts.web(ANDON_CRASH_AT=point, ANDON_DATA=mkdtemp(dir=house.parts.folder))
    with pytest.raises(httpx.TransportError):
        house.parts.api.post(group(firing(name)))
    assert killed(web)
    house.parts.web()


def finishes_once(house: House, run_id: str, name: str) -> None:
    worker = house.parts.worker()
    assert house.parts.api.settled(run_id)["status"] == "succeeded"
    house.parts.stop(worker)
    assert len(house.deployers.keyed.effects(name)) == 1


def test_without_a_clock_a_run_that_redis_forgot_stays_unfinished(house: House) -> None:
    house.parts.stop_all("clock")
    dying = workers_that_die(house, "after_intent", 1)
    receipt = house.parts.api.alert(group(firing("unswept")))
    assert all_died(dying)
    # Living workers ring again for the job of a dead one; without it only the sweep knows of the run.
    with Redis.from_url(house.redis.url) as link:
        link.flushall()
    survivor = house.parts.worker()
    house.ready(survivor)
    with pytest.raises(AssertionError, match="in vain"):
        house.parts.api.settled(receipt["runs"][0], seconds=4)
    assert house.parts.api.run(receipt["runs"][0])["lease"] is None
    house.parts.clock()
    assert house.parts.api.settled(receipt["runs"][0])["status"] == "succeeded"
    house.parts.stop(survivor)
    assert len(house.deployers.keyed.effects("unswept")) == 1
