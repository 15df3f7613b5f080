"""A worker that is stopped beyond its lease and goes on later: nothing is written or called with its old fence."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from tempfile import mkdtemp
from typing import Any

import pytest
from support.alert_bodies import firing, group
from support.chaos import House, deployers, paused, running_house
from support.installation import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("pause")
    with deployers(folder) as both:
        both.keyed.control(fences=True)
        policies = [
            both.policy("in-flight", "repeat"),
            both.policy("not-sent", "repeat"),
            both.policy("next", "repeat"),
        ]
        with running_house(folder, both, policies) as house:
            house.parts.clock()
            yield house


@pytest.fixture(autouse=True)
def no_worker_is_left(house: House) -> Iterator[None]:
    yield
    house.parts.kill_all("worker")


def goes_on_elsewhere(house: House, sleeper: subprocess.Popen[bytes], run_id: str) -> dict[str, Any]:
    """Let another worker finish the run of the paused one, wake that one, and see that it changes nothing."""
    first = house.parts.api.run(run_id)
    other = house.parts.worker()
    finished = house.parts.api.settled(run_id)
    assert finished["status"] == "succeeded"
    assert finished["steps"][0]["interruptions"] == 1
    before = house.parts.api.get(f"/incidents/{finished['incident_id']}")
    until("no call is open", lambda: "open" not in [call["outcome"] for call in calls_of(house, finished)])
    calls = calls_of(house, finished)
    house.parts.stop(other)

    os.kill(sleeper.pid, signal.SIGCONT)
    # It works through the next run, so whatever it still wanted to do about the old one is done by now.
    if house.deployers.keyed.effects("next"):
        until("the woken worker listens", lambda: house.listening([sleeper]))
    else:
        receipt = house.parts.api.alert(group(firing("next")))
        assert house.parts.api.settled(receipt["runs"][0])["status"] == "succeeded"
    after = house.parts.api.get(f"/incidents/{finished['incident_id']}")
    assert without_sending(after) == without_sending(before)
    assert calls_of(house, finished) == calls
    assert "run left to another worker" in house.parts.log("worker-queue-rollbacks")
    assert sleeper.poll() is None
    house.parts.stop(sleeper)
    assert first["status"] == "running"
    return finished


def calls_of(house: House, run: dict[str, Any]) -> list[dict[str, Any]]:
    return house.deployers.keyed.calls(run["service"])


def without_sending(incident: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in incident.items() if key != "notices"}


def fences_of(house: House, service: str) -> list[int]:
    return [call["fence"] for call in house.deployers.keyed.calls(service)]


def test_a_worker_paused_during_a_call_writes_nothing_of_its_answer(house: House) -> None:
    house.deployers.keyed.fault("slow", path="/effects/in-flight", seconds=3.0)
    sleeper = house.parts.worker()
    house.ready(sleeper)
    receipt = house.parts.api.alert(group(firing("in-flight")))
    until("its call arrives", lambda: house.deployers.keyed.calls("in-flight"))
    os.kill(sleeper.pid, signal.SIGSTOP)
    until("it is stopped", lambda: paused(sleeper))
    until("the lease ends", lambda: house.parts.api.run(receipt["runs"][0])["lease"] is None)
    goes_on_elsewhere(house, sleeper, receipt["runs"][0])
    assert len(house.deployers.keyed.effects("in-flight")) == 1
    first, second = fences_of(house, "in-flight")
    assert first < second


def test_a_worker_paused_before_its_call_does_not_make_it_any_more(house: House) -> None:
    sleeper = house.parts.worker(ANDON_CRASH_AT="pause:before_effect", ANDON_DATA=mkdtemp(dir=house.parts.folder))
    house.ready(sleeper)
    receipt = house.parts.api.alert(group(firing("not-sent")))
    until("it is stopped", lambda: paused(sleeper))
    until("the lease ends", lambda: house.parts.api.run(receipt["runs"][0])["lease"] is None)
    assert house.deployers.keyed.calls("not-sent") == []
    goes_on_elsewhere(house, sleeper, receipt["runs"][0])
    assert len(house.deployers.keyed.effects("not-sent")) == 1
    assert len(fences_of(house, "not-sent")) == 1
