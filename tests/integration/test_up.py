"""`andon up` as people start it: nothing is left behind, everything is found again, and bad files change nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from support.alert_bodies import firing, group
from support.installation import Up, alive, environment, running_up, start_up, until
from support.ledger import Ledger, running_ledger
from support.written_config import policy, write_config

pytestmark = pytest.mark.timeout(180)


@dataclass
class Stage:
    """One installation for all tests of this file; each but the one that stops it leaves it running."""

    up: Up
    folder: Path
    config: Path
    ledger: Ledger

    def restart(self) -> None:
        """Start it again on the same data."""
        self.up = start_up(self.folder, self.config)
        self.up.connect()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("up")
    with running_ledger(folder) as ledger:
        names = ("first", "killed", "after-stop", "after-kill", "reloaded", "at-once", "halted-at-once")
        config = write_config(folder / "config", [policy(name, ledger.url) for name in names])
        with running_up(folder, config) as up:
            made = Stage(up, folder, config, ledger)
            yield made
            made.up.close()


def roles(up: Up) -> set[str]:
    found = set()
    for process in up.family():
        with suppress(psutil.NoSuchProcess):
            line = process.cmdline()
            found.update({"web", "worker", "clock"} & set(line))
            # The server writes its state behind its name, all in the first argument.
            found.update({"server"} if line and "-server" in line[0] else set())
    return found


def nothing_left(up: Up) -> bool:
    return not any(alive(process) for process in up.seen.values())


def run_of(stage: Stage, service: str) -> dict[str, object]:
    return stage.up.api.settled(stage.up.api.alert(group(firing(service)))["runs"][0])


def test_its_parts_can_be_told_by_their_arguments_and_share_its_session(stage: Stage) -> None:
    assert roles(stage.up) == {"web", "worker", "clock", "server"}
    assert len(stage.up.children("worker", "rollbacks")) == 2
    assert len(stage.up.children("worker", "notices")) == 1
    assert {os.getsid(child.pid) for child in stage.up.family()} == {os.getsid(stage.up.process.pid)}


def test_an_alert_becomes_a_run_with_one_effect_and_notices(stage: Stage) -> None:
    run = run_of(stage, "first")
    assert run["status"] == "succeeded"
    assert len(stage.ledger.effects("first")) == 1

    def sent() -> bool:
        notices = stage.up.api.get(f"/incidents/{run['incident_id']}")["notices"]
        return bool(notices) and all(notice["status"] == "sent" for notice in notices)

    until("the notices are sent", sent)


@pytest.mark.parametrize("words", [("web",), ("clock",), ("worker", "notices")])
def test_a_part_that_dies_is_back(stage: Stage, words: tuple[str, ...]) -> None:
    dead = set(stage.up.kill(*words))
    assert dead
    until("a new one runs", lambda: [one for one in stage.up.children(*words) if one.pid not in dead], seconds=10)
    until("it is ready", stage.up.api.is_ready)


def test_a_worker_killed_in_a_call_is_replaced_and_the_run_goes_on(stage: Stage) -> None:
    stage.ledger.fault("slow", path="/effects/killed", seconds=2.0)
    run_id = stage.up.api.alert(group(firing("killed")))["runs"][0]
    until("the call arrives", lambda: stage.ledger.calls("killed"))
    lease = stage.up.api.run(run_id)["lease"]
    psutil.Process(int(lease["owner"].split("-")[-2])).kill()
    assert stage.up.api.settled(run_id)["status"] == "succeeded"
    assert stage.up.api.step(run_id, "act")["interruptions"] == 1
    assert len(stage.ledger.effects("killed")) == 1


def test_the_embedded_server_comes_back_after_it_was_killed(stage: Stage) -> None:
    [server] = [one for one in stage.up.family() if "-server" in " ".join(one.cmdline()[:1])]
    server.kill()
    until("it is gone", lambda: not alive(server))
    until("it is back", lambda: "server" in roles(stage.up), seconds=10)

    def is_whole() -> bool:
        return bool(stage.up.api.http.get(f"{stage.up.api.address}/readyz").json()["status"] == "ready")

    until("the door has it back", is_whole)


def test_a_second_start_on_the_same_folder_says_who_holds_it_and_stops(stage: Stage) -> None:
    second = start_up(stage.folder, stage.config)
    try:
        assert second.process.wait(60) == 1
    finally:
        second.close()
    assert f"process {stage.up.process.pid}" in (stage.folder / "andon.log").read_text()
    assert stage.up.api.is_ready()


def test_fifty_identical_deliveries_at_once_are_one_run(stage: Stage) -> None:
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: stage.up.api.post(group(firing("at-once"))), range(50)))
    assert {answer.status_code for answer in answers} == {202}
    receipts = [answer.json() for answer in answers]
    assert Counter(receipt["disposition"] for receipt in receipts) == {"accepted": 1, "duplicate": 49}
    assert len({run for receipt in receipts for run in receipt["runs"]}) == 1
    assert stage.up.api.settled(receipts[0]["runs"][0])["status"] == "succeeded"
    assert len(stage.ledger.effects("at-once")) == 1


def test_fifty_halts_at_once_are_one_halt(stage: Stage) -> None:
    def halt(_: int) -> httpx.Response:
        return stage.up.api.order("/services/halted-at-once/halt", {"reason": "it looks wrong"})

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(halt, range(50)))
    assert {answer.status_code for answer in answers} == {200}
    [incident] = {answer.json()["id"] for answer in answers}
    timeline = stage.up.api.get(f"/incidents/{incident}")["timeline"]
    assert sum("halted the release" in line["text"] for line in timeline) == 1
    assert sum("halts too" in line["text"] for line in timeline) == 49
    assert stage.up.api.get("/services/halted-at-once")["state"] == "halted"


def test_a_reload_refuses_a_broken_policy_and_takes_a_mended_one(stage: Stage) -> None:
    broken = policy("reloaded", stage.ledger.url, playbook="no_such_playbook")
    write_config(stage.config, [broken], [])
    stage.up.process.send_signal(signal.SIGHUP)
    until("it says so", lambda: stage.up.has_said("refused"))
    assert stage.up.has_said("reloaded.yaml")
    assert run_of(stage, "reloaded")["playbook"] == "by_key"

    write_config(stage.config, [policy("reloaded", stage.ledger.url), policy("new-one", stage.ledger.url)], [])
    stage.up.process.send_signal(signal.SIGHUP)
    until("it says so", lambda: stage.up.has_said("is read again"))

    def is_known() -> bool:
        return any(one["service"] == "new-one" for one in stage.up.api.get("/services")["items"])

    until("the new policy is in force", is_known)
    assert run_of(stage, "new-one")["status"] == "succeeded"


def test_a_kill_of_the_supervisor_leaves_nothing_and_a_new_start_finds_everything(stage: Stage) -> None:
    before = {run["id"] for run in stage.up.api.get("/runs?limit=200")["items"]}
    token = stage.up.api.token
    stage.ledger.fault("slow", path="/effects/after-kill", seconds=1.0)
    run_id = stage.up.api.alert(group(firing("after-kill")))["runs"][0]
    until("its call arrives", lambda: stage.ledger.calls("after-kill"))
    stage.up.stop(signal.SIGKILL)
    until("nothing is left", lambda: nothing_left(stage.up), seconds=15)
    stage.up.close()

    stage.restart()
    assert stage.up.api.token == token
    assert stage.up.api.settled(run_id)["status"] == "succeeded"
    assert len(stage.ledger.effects("after-kill")) == 1
    assert {run["id"] for run in stage.up.api.get("/runs?limit=200")["items"]} == before | {run_id}
    assert stage.up.api.get("/audit/verify")["ok"]


def test_a_stop_ends_well_and_leaves_nothing(stage: Stage) -> None:
    assert run_of(stage, "after-stop")["status"] == "succeeded"
    assert stage.up.stop(signal.SIGTERM) == 0
    until("nothing is left", lambda: nothing_left(stage.up), seconds=5)


def test_without_a_configuration_it_names_andon_init(tmp_path: Path) -> None:
    env = environment(ANDON_DATA=str(tmp_path / "var"), ANDON_CONFIG=str(tmp_path / "none"))
    command = [sys.executable, "-m", "bot", "up", "--port", "0"]
    ended = subprocess.run(command, check=False, env=env, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "andon init" in ended.stderr
    assert "Traceback" not in ended.stderr
