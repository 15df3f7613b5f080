"""Bundles replayed by the command: nothing differs in a good one, and what an edited one says differently is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.alert_bodies import firing
from support.bundles import Forger, bundling, exported, files_of, key_of, label_of, lines_of, released, rolled_back
from support.cli import Andon, andon_by
from support.databases import KINDS
from support.drill_records import drill
from support.driven_engine import DrivenEngine, builder
from support.installation import TOKENS, Parts, until
from support.ledger import Ledger, running_ledger
from support.redis_servers import redis_server

from bot.adapters.signing import open_signing_key
from bot.domain.drills import DrillState
from bot.domain.events import Word

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("replays")
    with running_ledger(folder) as ledger, builder(folder, ledger, request.param) as build:
        yield bundling(build, ledger, ANDON_API_TOKENS=TOKENS)


@pytest.fixture
def andon(engine: DrivenEngine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Andon:
    assert engine.settings.database_url is not None
    monkeypatch.setenv("ANDON_DATABASE_URL", engine.settings.database_url.get_secret_value())
    monkeypatch.setenv("ANDON_REDIS_URL", "unix:///nonexistent/redis.sock")
    return andon_by(engine, monkeypatch, capfd)


@pytest.fixture(scope="module")
def staging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with running_ledger(tmp_path_factory.mktemp("staging")) as ledger:
        yield ledger


@pytest.fixture(scope="module")
def incident(engine: DrivenEngine, staging: Ledger) -> bytes:
    return exported(engine, "incident", rolled_back(engine, staging=staging.url))


@pytest.fixture(scope="module")
def release(engine: DrivenEngine) -> bytes:
    return exported(engine, "release", released(engine))


def edited(engine: DrivenEngine, bundle: bytes, name: str, edit: Edit) -> bytes:
    """The same bundle with other records, signed again with the very key: the forger is one of the house."""
    files = files_of(bundle)
    records = lines_of(files, name)
    for one in records:
        edit(one)
    files[f"{name}.jsonl"] = b"".join(json.dumps(one, sort_keys=True).encode() + b"\n" for one in records)
    return Forger(key_of(engine)).write(label_of(bundle), files)


def at(folder: Path, bundle: bytes) -> str:
    path = folder / "bundle.zip"
    path.write_bytes(bundle)
    return str(path)


def test_a_good_bundle_of_an_incident_runs_in_staging_as_a_drill_and_nothing_differs(
    engine: DrivenEngine, andon: Andon, staging: Ledger, incident: bytes, tmp_path: Path
) -> None:
    said = andon("bundle", "replay", at(tmp_path, incident), "--environment", "staging", "--yes", "--json")
    assert said.code == 0, said.out + said.err
    view = said.json
    assert view["counts"] == {"same": 5, "differs": 0, "not told": 0}
    assert {one["kind"] for one in view["findings"]} == {"decision", "run", "step"}
    run = engine.found(view["run"]["id"])
    assert (run.drill, run.environment, run.incident_id, run.release_id) == (True, "staging", None, None)
    (recorded,) = lines_of(files_of(incident), "runs")
    assert run.playbook.plain == recorded["playbook"]
    assert run.facts["target"]["ledger"] == staging.url
    assert [step.output["status"] for step in run.steps] == [200, 200]
    audited = [subject for action, subject, _ in engine.audit() if action == "bundle.replayed"]
    assert f"run:{run.id}" in audited


def test_it_shows_the_plan_and_asks_before_anything_is_run(
    engine: DrivenEngine, andon: Andon, staging: Ledger, incident: bytes, tmp_path: Path
) -> None:
    before = len(engine.runs(label_of(incident).service))
    asked = andon("bundle", "replay", at(tmp_path, incident), "--environment", "staging")
    assert asked.code == 1
    assert f"POST {staging.url}" in asked.out
    assert "Run this in staging? Say --yes" in asked.err
    dry = andon("bundle", "replay", at(tmp_path, incident), "--environment", "staging", "--dry-run")
    assert dry.code == 0, dry.out + dry.err
    assert f"POST {staging.url}" in dry.out
    assert "2 same, 0 differs, 0 not told" in dry.out
    assert len(engine.runs(label_of(incident).service)) == before


def test_production_and_what_shares_its_hosts_are_refused(
    engine: DrivenEngine, andon: Andon, incident: bytes, tmp_path: Path
) -> None:
    path, service = at(tmp_path, incident), label_of(incident).service
    before = len(engine.ledger.calls(service))
    for name in ("production", " Prod", "LIVE"):
        assert andon("bundle", "replay", path, "--environment", name, "--yes").is_problem("is production")
    assert andon("bundle", "replay", path, "--environment", "nowhere", "--yes").is_problem(
        "has no environment 'nowhere'"
    )
    assert andon("bundle", "replay", path, "--environment", "staging", "--yes", by=None).is_problem("for operators")
    shared = rolled_back(engine, staging=engine.ledger.url)
    path = at(tmp_path, exported(engine, "incident", shared))
    assert andon("bundle", "replay", path, "--environment", "staging", "--yes").is_problem(
        f"shares {engine.ledger.host} with"
    )
    assert len(engine.ledger.calls(service)) == before


def test_it_is_refused_while_a_drill_goes_on_there(
    engine: DrivenEngine, andon: Andon, incident: bytes, tmp_path: Path
) -> None:
    there = drill(None, service=label_of(incident).service, state=DrillState.RESTORING)
    there = replace(there, environment="staging")
    with engine.app.store.write() as tx:
        tx.add(there)
    try:
        said = andon("bundle", "replay", at(tmp_path, incident), "--environment", "staging", "--yes")
        assert said.is_problem(f"Drill {there.id} goes on in staging")
    finally:
        with engine.app.store.write() as tx:
            tx.save(replace(there, state=DrillState.ABORTED))


def test_a_step_that_goes_another_way_than_it_did_is_named(
    engine: DrivenEngine, andon: Andon, staging: Ledger, incident: bytes, tmp_path: Path
) -> None:
    staging.fault("status", status=400, path=f"/effects/{label_of(incident).service}")
    try:
        said = andon("bundle", "replay", at(tmp_path, incident), "--environment", "staging", "--yes", "--json")
    finally:
        staging.control(fault=None)
    assert said.code == 1
    differs = {one["id"]: one for one in said.json["findings"] if one["same"] == "differs"}
    assert differs["act"]["recorded"] == "done (200)"
    assert differs["act"]["again"].startswith("failed")
    run = said.json["run"]["id"]
    engine.order(Word.TAKE_OVER, run)


def test_a_good_bundle_of_a_release_is_judged_again_from_facts_and_raw_evidence(
    andon: Andon, release: bytes, tmp_path: Path
) -> None:
    said = andon("bundle", "replay", at(tmp_path, release), "--decisions-only", "--json")
    assert said.code == 0, said.out + said.err
    assert {one["kind"] for one in said.json["findings"]} == {"gate"}
    assert said.json["counts"]["same"] == len(lines_of(files_of(release), "gate_results")) > 3


def differing(said: Any) -> list[tuple[str, str]]:
    assert said.code == 1, said.out + said.err
    return [(one["id"], one["why"]) for one in said.json["findings"] if one["same"] == "differs"]


def test_edited_decisions_are_found_though_the_bundle_is_signed_again(
    engine: DrivenEngine, andon: Andon, incident: bytes, tmp_path: Path
) -> None:
    def judged(name: str, edit: Edit) -> list[tuple[str, str]]:
        path = at(tmp_path, edited(engine, incident, name, edit))
        assert andon("bundle", "verify", path).code == 0, "its signature is in order"
        return differing(andon("bundle", "replay", path, "--decisions-only", "--json"))

    first = lines_of(files_of(incident), "decisions")[0]["id"]
    assert judged("decisions", lambda one: one.update(verdict="ask") if one["verdict"] == "run" else None) == [
        (first, "the audit trail says run")
    ]
    (found,) = judged("decisions", lambda one: one.update(criterion="nothing") if one["verdict"] == "run" else None)
    assert found[1].startswith("another criterion: criterion 'divergence' holds")
    (found,) = judged(
        "decisions", lambda one: one["alert"]["labels"].update(alertname="Other") if one["id"] == first else None
    )
    assert "another verdict" in found[1]


def test_an_edited_policy_is_not_the_one_that_decided(
    engine: DrivenEngine, andon: Andon, incident: bytes, tmp_path: Path
) -> None:
    files = files_of(incident)
    name = next(one for one in files if one.startswith("policies/") and b"rollback_authority" in files[one])
    files[name] = files[name].replace(b"Divergence", b"Convergence")
    path = at(tmp_path, Forger(key_of(engine)).write(label_of(incident), files))
    found = differing(andon("bundle", "replay", path, "--decisions-only", "--json"))
    assert {why for _, why in found} == {"the text of the policy is not the one that this digest was made of"}


def test_edited_verdicts_facts_and_evidence_of_gates_are_found(
    engine: DrivenEngine, andon: Andon, release: bytes, tmp_path: Path
) -> None:
    def judged(bundle: bytes) -> list[str]:
        path = at(tmp_path, bundle)
        return [why for _, why in differing(andon("bundle", "replay", path, "--decisions-only", "--json"))]

    def failed(one: dict[str, Any]) -> None:
        if one["use"] == "metric" and one["verdict"] == "pass":
            one["verdict"] = "fail"

    assert set(judged(edited(engine, release, "gate_results", failed))) == {
        "the verdict is not the one that the audit trail has"
    }
    files = files_of(edited(engine, release, "gate_results", failed))
    files["audit.jsonl"] = b""
    forged = Forger(key_of(engine)).write(label_of(release), files)
    assert all(why.startswith("from the facts that were measured: ") for why in judged(forged))
    files = files_of(release)
    pushed = next(one for one in lines_of(files, "evidence") if one["source"] == "push")
    raw = files[f"files/{pushed['sha256']}"]
    files[f"files/{pushed['sha256']}"] = raw.replace(b"0.95", b"0.15")
    why = judged(Forger(key_of(engine)).write(label_of(release), files))
    assert set(why) == {"the content of evidence evaluation is not what came in: it does not fit its SHA-256"}


def test_what_is_not_in_the_bundle_cannot_be_told_and_that_is_no_success(
    engine: DrivenEngine, andon: Andon, incident: bytes, tmp_path: Path
) -> None:
    files = {name: content for name, content in files_of(incident).items() if not name.startswith("policies/")}
    path = at(tmp_path, Forger(key_of(engine)).write(label_of(incident), files))
    said = andon("bundle", "replay", path, "--decisions-only")
    assert said.code == 3
    assert "the policy that decided is not in the bundle" in said.out


def test_a_playbook_that_nobody_vouches_for_is_never_run(
    engine: DrivenEngine, andon: Andon, incident: bytes, tmp_path: Path
) -> None:
    stranger = open_signing_key(tmp_path, None)
    forged = at(tmp_path, Forger(stranger).write(label_of(incident), files_of(incident)))
    refused = andon("bundle", "replay", forged, "--environment", "staging", "--yes")
    assert refused.code == 1
    assert "it is not replayed" in refused.err
    empty = tmp_path / "empty"
    empty.mkdir()
    alone = andon("bundle", "verify", forged, "--data", str(empty))
    assert alone.code == 3
    assert "NOBODY VOUCHES FOR THIS BUNDLE" in alone.err
    key = tmp_path / "key.pem"
    key.write_text(stranger.public_pem)
    assert andon("bundle", "verify", forged, "--key", str(key), "--data", str(empty)).code == 0


def test_alerts_that_joined_were_held_or_asked_are_decided_the_same_again(
    engine: DrivenEngine, andon: Andon, tmp_path: Path
) -> None:
    """What else was known then, out of the record alone: runs under way, a pause, an earlier rollback."""
    incident = rolled_back(
        engine,
        also=lambda service: [
            engine.alert(firing(service, fingerprint=f"{service}-second")),
            engine.order(Word.HANDS_OFF, service, by="ada", **{"for": "1h"}),
            engine.alert(firing(service, fingerprint=f"{service}-third")),
            engine.order(Word.HANDS_OFF, service, by="ada", **{"for": "0s"}),
            engine.alert(firing(service, fingerprint=f"{service}-fourth")),
            engine.alert(firing(service, fingerprint=f"{service}-fifth")),
        ],
    )
    bundle = exported(engine, "incident", incident)
    verdicts = [one["verdict"] for one in lines_of(files_of(bundle), "decisions") if one["alert"]]
    assert {"run", "held", "ask", "join"} <= set(verdicts), verdicts
    said = andon("bundle", "replay", at(tmp_path, bundle), "--decisions-only", "--json")
    assert said.code == 0, said.out
    assert said.json["counts"]["same"] == len(verdicts)


def test_workers_that_are_up_do_the_replay(
    staging: Ledger,
    tmp_path: Path,
    short_tmp: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Real processes: the command only plans, rings and waits."""
    with running_ledger(tmp_path) as ledger, redis_server(short_tmp) as redis, builder(tmp_path, ledger) as build:
        engine = bundling(build, ledger, ANDON_API_TOKENS=TOKENS)
        andon = andon_by(engine, monkeypatch, capfd)
        address = engine.settings.database
        path = at(tmp_path, exported(engine, "incident", rolled_back(engine, staging=staging.url)))
        parts = Parts(tmp_path, engine.config, address, redis.url)
        monkeypatch.setenv("ANDON_DATABASE_URL", address)
        monkeypatch.setenv("ANDON_REDIS_URL", redis.url)
        try:
            worker = parts.worker("rollbacks")
            until("the worker listens", lambda: "rollbacks" in parts.log("worker-queue-rollbacks"))
            capfd.readouterr()  # what the engine logged
            said = andon("bundle", "replay", path, "--environment", "staging", "--yes", "--json")
        finally:
            parts.kill_all("worker")
        assert said.code == 0, said.out + said.err
        run = said.json["run"]["id"]
        owners = {
            data["owner"]
            for action, about, data in engine.audit()
            if about == f"run:{run}" and action == "step.intended"
        }
    assert len(owners) == 1
    assert str(worker.pid) in owners.pop()
