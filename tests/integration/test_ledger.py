"""The ledger keeps what the fault tests rely on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.ledger import Ledger, running_ledger

from bot.adapters.http import HttpxHttp
from bot.plugins import Call

ANY = ["127.0.0.1"]


@pytest.fixture(scope="module")
def http() -> Iterator[HttpxHttp]:
    adapter = HttpxHttp()
    yield adapter
    adapter.close()


def test_the_ledger_carries_on_where_a_crash_left_it(tmp_path: Path, http: HttpxHttp) -> None:
    call = {"headers": {"Idempotency-Key": "k"}, "json": {"n": 1}}
    with running_ledger(tmp_path) as before:
        http.request(Call("POST", before.url + "/effects/kept", **call), allow_hosts=ANY)  # type: ignore[arg-type]
    with (tmp_path / "ledger.jsonl").open("ab") as torn:
        torn.write(b'{"kind": "eff')
    with running_ledger(tmp_path) as after:
        reply = http.request(Call("POST", after.url + "/effects/kept", **call), allow_hosts=ANY)  # type: ignore[arg-type]
        assert (reply.status, reply.body["applied"]) == (200, False)
        assert len(after.effects("kept")) == 1
        assert len(after.calls("kept")) == 2


def test_the_ledger_without_dedup_shows_doubles_and_with_fences_refuses_old_ones(
    tmp_path: Path, http: HttpxHttp
) -> None:
    def act(running: Ledger, fence: int) -> int | None:
        headers = {"Idempotency-Key": "same", "Andon-Fence": str(fence)}
        return http.request(Call("POST", running.url + "/effects/x", headers=headers), allow_hosts=ANY).status

    with running_ledger(tmp_path, dedup=False, fences=True) as running:
        assert [act(running, 5), act(running, 5), act(running, 4), act(running, 6)] == [200, 200, 409, 200]
        assert len(running.effects("x")) == 3
        assert [one["outcome"] for one in running.calls("x")] == ["applied", "applied", "stale", "applied"]


def test_the_ledger_plays_a_deployer_with_models(tmp_path: Path, http: HttpxHttp) -> None:
    models = {"fraud": {"serving": "42", "versions": ["41", "42"]}}
    with running_ledger(tmp_path, models=models, bad_versions=["42"]) as running:
        page = http.request(Call("GET", running.url + "/metrics"), allow_hosts=ANY).text
        assert 'model_error_ratio{model="fraud"} 0.2\n' in page
        url = running.url + "/models/fraud/rollback"
        done = http.request(Call("POST", url, json={"from": "42", "to": "41"}), allow_hosts=ANY)
        assert (done.status, done.body["serving"], running.model("fraud")["serving"]) == (200, "41", "41")
        again = http.request(Call("POST", url, json={"from": "42", "to": "41"}), allow_hosts=ANY)
        assert again.status == 409
        page = http.request(Call("GET", running.url + "/metrics"), allow_hosts=ANY).text
        assert 'model_error_ratio{model="fraud"} 0.002\n' in page


def test_what_was_received_is_on_disk_before_the_answer(tmp_path: Path, http: HttpxHttp) -> None:
    with running_ledger(tmp_path) as running:
        http.request(Call("POST", running.url + "/effects/x", json=1), allow_hosts=ANY)
        kinds = [json.loads(line)["kind"] for line in (tmp_path / "ledger.jsonl").read_bytes().splitlines()]
    assert kinds == ["call", "effect"]
