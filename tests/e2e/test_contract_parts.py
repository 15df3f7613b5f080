"""Single processes on PostgreSQL and a Redis of their own: migration, secrets in files, roles, orders, and ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from support.alert_bodies import firing, group
from support.databases import database
from support.installation import Parts, until
from support.ledger import running_ledger
from support.redis_servers import redis_server
from support.written_config import WAYS, policy, write_config

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

OLD, NEW = "the-old-hook-secret", "the-new-hook-secret"


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    folder = tmp_path_factory.mktemp("parts")
    secrets = folder / "hook-secrets"
    secrets.write_text(f"{NEW},{OLD}\n")
    with (
        running_ledger(folder) as ledger,
        database("postgresql", folder) as address,
        redis_server(folder / "elsewhere") as redis,
    ):
        policies = [policy("scores", ledger.url), policy("asked", ledger.url, authority="rollback_authority")]
        config = write_config(folder / "config", policies, WAYS.values())
        parts = Parts(folder, config, address, redis.url, {"ANDON_WEBHOOK_SECRET_ALERTMANAGER_FILE": str(secrets)})
        try:
            yield parts
        finally:
            parts.close()


def env_of(parts: Parts, **values: str) -> dict[str, str]:
    """With the secrets of the source from a file only."""
    found = parts.env(**values)
    found.pop("ANDON_WEBHOOK_SECRET_ALERTMANAGER")
    return found


def andon(parts: Parts, *words: str, **values: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot", *words]
    return subprocess.run(command, env=env_of(parts, **values), capture_output=True, text=True, check=False, timeout=60)


def begin(parts: Parts, *words: str) -> None:
    with (parts.folder / f"{words[-1]}.log").open("ab") as log:
        command = [sys.executable, "-m", "bot", *words]
        parts.started.append(subprocess.Popen(command, env=env_of(parts), stdout=log, stderr=log))


def post(parts: Parts, secret: str, *alerts: dict[str, object]) -> tuple[int, dict[str, object]]:
    headers = {"Authorization": f"Bearer {secret}"}
    address = f"{parts.api.address}/webhooks/alertmanager"
    answer = parts.api.http.post(address, json=group(*alerts), headers=headers)
    return answer.status_code, answer.json()


def test_before_the_migration_senders_are_asked_to_come_back_and_people_are_told_what_to_do(parts: Parts) -> None:
    begin(parts, "web", "--port", str(parts.port))

    def ready() -> dict[str, object] | None:
        try:
            return dict(parts.api.http.get(f"{parts.api.address}/readyz").json())
        except Exception:
            return None

    assert until("the web process answers", ready)["status"] == "not_ready"
    answer = parts.api.http.post(
        f"{parts.api.address}/webhooks/alertmanager",
        json=group(firing("scores")),
        headers={"Authorization": f"Bearer {NEW}"},
    )
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert "andon db upgrade" in answer.json()["detail"]
    said = andon(parts, "incident", "list")
    assert (said.returncode, said.stdout) == (1, "")
    assert "andon db upgrade" in said.stderr
    for _ in range(2):
        assert andon(parts, "db", "upgrade").returncode == 0
    assert until("it is ready", parts.api.is_ready)


def test_each_secret_of_a_source_opens_it_and_every_other_source_stays_closed(parts: Parts) -> None:
    assert post(parts, "wrong", firing("scores"))[0] == 401
    code, first = post(parts, OLD, firing("scores"))
    assert (code, first["disposition"]) == (202, "accepted")
    assert post(parts, NEW, firing("scores"))[1]["runs"] == first["runs"]
    headers = {"Authorization": f"Bearer {NEW}"}
    closed = parts.api.http.post(f"{parts.api.address}/webhooks/generic", json={"title": "x"}, headers=headers)
    assert closed.status_code == 401


def test_parts_started_one_by_one_finish_what_was_taken_before_them(parts: Parts) -> None:
    run_id = str(parts.api.get("/runs")["items"][0]["id"])
    assert parts.api.run(run_id)["status"] == "queued"
    for words in (("clock",), ("worker", "--queue", "rollbacks"), ("worker", "--queue", "notices")):
        begin(parts, *words)
    assert parts.api.settled(run_id, seconds=60)["status"] == "succeeded"

    def told() -> bool:
        incident = parts.api.get(f"/incidents/{parts.api.run(run_id)['incident_id']}")
        return [one["status"] for one in incident["notices"]] == ["sent"] * 2

    until("people are told", told)


def test_each_role_may_do_what_it_is_for_and_the_answer_names_what_is_missing(parts: Parts) -> None:
    orders = parts.api.order
    halt, lift = "/services/scores/halt", "/services/scores/lift"
    vera = {"Authorization": "Bearer viewer-secret-of-vera"}
    assert parts.api.http.get(f"{parts.api.address}/api/v1/services", headers=vera).status_code == 200
    refused = parts.api.http.post(f"{parts.api.address}/api/v1{halt}", json={"reason": "x"}, headers=vera)
    assert (refused.status_code, refused.json()["needs"]) == (403, "operator")
    assert refused.headers["content-type"] == "application/problem+json"
    assert orders(halt, {"reason": "wrong labels"}, by="olga").status_code == 200
    assert (orders(lift, {}, by="olga").status_code, orders(lift, {}, by="ada").status_code) == (403, 200)


def test_a_command_acts_as_the_holder_of_its_token_and_without_one_reads_and_halts(parts: Parts) -> None:
    run_id = str(post(parts, NEW, firing("asked"))[1]["runs"][0])  # type: ignore[index]
    assert andon(parts, "incident", "list").returncode == 0
    assert andon(parts, "halt", "asked", "--reason", "to be safe").returncode == 0
    assert "no token was given" in andon(parts, "approve", run_id).stderr
    assert "not a member" in andon(parts, "approve", run_id, ANDON_TOKEN="admin-secret-of-ada").stderr
    token = parts.folder / "token"
    token.write_text("operator-secret-of-olga\n")
    assert andon(parts, "approve", run_id, ANDON_TOKEN_FILE=str(token)).returncode == 0
    assert parts.api.settled(run_id)["approved_by"] == "olga"
    assert "both set" in andon(parts, "service", ANDON_TOKEN="x", ANDON_TOKEN_FILE=str(token)).stderr


def test_every_part_ends_well_when_it_is_asked_to(parts: Parts) -> None:
    assert [parts.stop(process) for process in parts.started] == [0] * len(parts.started)
