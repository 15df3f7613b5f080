"""What people rely on while `andon up` runs: nobody waits for a sweep, and orders need no explanation."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.alert_bodies import firing, group
from support.installation import Up, environment, running_up, until
from support.ledger import Ledger
from support.written_config import COUNT, WAYS, playbook, policy, write_config

MEASURING = playbook(
    "measuring", {"id": "watch", "use": "wait_for_http", "with": {**COUNT, "timeout": "5m", "every": "100ms"}}
)
"""Waits for an effect that nobody makes."""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, ledger: Ledger) -> Iterator[Up]:
    """A whole Andon that sweeps once a minute: what happens within seconds is not the sweep's doing."""
    folder = tmp_path_factory.mktemp("up")
    policies = [policy("scores", ledger.url), policy("shown", ledger.url)]
    policies.append(policy("measured", ledger.url, playbook="measuring"))
    config = write_config(folder / "config", policies, [*WAYS.values(), MEASURING])
    more = {"ANDON_SWEEP_SECONDS": "60", "ANDON_LEASE_SECONDS": "6", "ANDON_WEBHOOK_SECRET_GENERIC": "its-own-secret"}
    with running_up(folder, config, **more) as up:
        yield up


def test_people_are_told_how_a_run_ended_without_waiting_for_a_sweep(up: Up, tmp_path: Path) -> None:
    receipt = up.api.alert(group(firing("scores")))
    assert up.api.settled(receipt["runs"][0])["status"] == "succeeded"

    def told() -> bool:
        notices = up.api.get(f"/incidents/{receipt['incidents'][0]}")["notices"]
        return {one["name"] for one in notices if one["status"] == "sent"} >= {"rollback_started", "restored"}

    until("the notices of the end are sent", told, seconds=15)


def test_an_incident_page_says_first_what_is_to_be_done(up: Up) -> None:
    receipt = up.api.alert(group(firing("shown")))
    up.api.settled(receipt["runs"][0])
    path = f"/incidents/{receipt['incidents'][0]}"
    with httpx.Client(trust_env=False, base_url=up.api.address, follow_redirects=True) as browser:
        browser.post("/login", data={"token": up.api.token, "next": "/"}).raise_for_status()
        assert "Restored and being watched." in browser.get(path).text
        asked = up.api.alert(group(firing("shown", fingerprint="again")))
        page = browser.get(path).text
        assert "An answer is needed." in page
        assert "waits for rollback_authority" in page
        assert page.index("An answer is needed.") < page.index("Approve this plan") < page.index("Freeze promotion")
        up.api.order(f"/runs/{asked['runs'][0]}/cancel", {}).raise_for_status()
        up.api.order("/services/shown/halt", {"reason": "wrong labels"}).raise_for_status()
        assert "Promotion is frozen." in browser.get(path).text
        up.api.order(f"{path}/resolve", {"reason": "was a test"}).raise_for_status()
        assert '<p class="banner bad" role="status">' not in browser.get(path).text
    up.api.order("/services/shown/lift", {}).raise_for_status()


def test_a_page_follows_a_run_that_measures_but_never_takes_away_what_is_being_written(up: Up) -> None:
    receipt = up.api.alert(group(firing("measured")))
    run_id, path = receipt["runs"][0], f"/incidents/{receipt['incidents'][0]}"
    until("it measures", lambda: up.api.run(run_id)["waiting_for"] == "window")
    with httpx.Client(trust_env=False, base_url=up.api.address, follow_redirects=True) as browser:
        browser.post("/login", data={"token": up.api.token, "next": "/"}).raise_for_status()
        following, still = browser.get(path).text, browser.get(f"{path}?refresh=off").text
    assert 'http-equiv="refresh"' in following
    assert 'name="reason"' not in following
    assert f'href="{path}?refresh=off#orders"' in following
    assert 'http-equiv="refresh"' not in still
    assert 'name="reason"' in still
    up.api.order(f"/runs/{run_id}/cancel", {}).raise_for_status()


def test_the_token_made_at_first_start_opens_every_source_and_a_sources_own_secret_only_that_one(up: Up) -> None:
    def code(source: str, secret: str) -> int:
        headers = {"Authorization": f"Bearer {secret}"}
        return up.api.http.post(f"{up.api.address}/webhooks/{source}", json={"title": "x"}, headers=headers).status_code

    made = up.api.webhook_secret
    assert [code(source, made) for source in ("generic", "alertmanager", "grafana", "cloudevents")] == [202] * 4
    assert [code(source, "its-own-secret") for source in ("generic", "alertmanager")] == [202, 401]


def test_a_token_that_is_not_known_is_told_apart_from_none(up: Up) -> None:
    with httpx.Client(trust_env=False, base_url=up.api.address) as client:
        said = client.get("/api/v1/runs", headers={"Authorization": "Bearer wrong-one"})
        assert (said.status_code, said.json()["detail"].split(".")[0]) == (401, "This token is not known")
        assert client.get("/api/v1/runs").json()["detail"].startswith("Nobody is logged in.")


def test_a_halt_says_why_but_its_end_and_a_pause_need_no_reason(up: Up) -> None:
    assert up.api.order("/services/scores/halt", {}).status_code == 422
    assert up.api.order("/services/scores/halt", {"reason": "wrong labels"}).status_code == 200
    lifted = up.api.order("/services/scores/lift", {})
    assert (lifted.status_code, lifted.json()["halted"]) == (200, None)
    paused = up.api.order("/services/scores/hands-off", {"for": "2h"}).json()
    assert (paused["hands_off"]["by"], paused["hands_off"]["reason"]) == ("owner", "no reason given")
    assert up.api.order("/services/scores/hands-off", {"for": "0s"}).json()["hands_off"] is None
    assert up.api.order("/automation", {"on": False}).json()["on"] is False
    assert up.api.order("/automation", {"on": True}).json()["on"] is True


def test_commands_beside_it_know_where_it_listens(up: Up) -> None:
    command = [sys.executable, "-m", "bot", "login", "--data", str(up.data), "--config", str(up.data.parent / "config")]
    said = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    assert said.stdout.startswith(f"{up.api.address}/login/")
    with httpx.Client(trust_env=False) as browser:
        page = browser.get(said.stdout.strip())
        assert page.status_code == 200


def test_a_second_one_on_the_same_folder_says_so_and_stops(up: Up, tmp_path: Path) -> None:
    port = up.api.address.rsplit(":", 1)[1]
    for wanted in ("0", port):
        command = [sys.executable, "-m", "bot", "up", "--port", wanted, "--data", str(up.data)]
        env = environment(ANDON_CONFIG=str(up.data.parent / "config"))
        said = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=30)
        assert (said.returncode, said.stdout) == (1, "")
        assert f"Andon already runs on {up.data}" in said.stderr
        assert said.stderr.count("\n") == 1
    assert up.api.is_ready()
