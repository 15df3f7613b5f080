"""Bundles of real incidents and releases: complete, the same every time, and free of secrets."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from support.alert_bodies import firing
from support.bundles import MANIFEST, Forger, exported, files_of, key_of, label_of, lines_of, released, rolled_back
from support.canaries import RULE, compared, ndjson, whole
from support.databases import KINDS
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.engine import ACTORS
from support.ledger import running_ledger
from support.written_config import acting, playbook

from bot.adapters.bundles.verifying import verify_bundle
from bot.adapters.signing import is_signed
from bot.domain.attachments import attached_as, kept_file
from bot.domain.bundles import BundleKind
from bot.domain.drills import Drill
from bot.domain.errors import NotFound
from bot.domain.events import Word
from bot.flow.evidence_desk import Pushed

CANARIES = {
    f"CANARY_{number}": f"canary-{number:02d}-{extra}-{hashlib.sha256(bytes([number])).hexdigest()[:12]}"
    for number, extra in enumerate(
        ('a"b', "c/d+e", "f=g&h", "plain", "i'j", "k<l>", "m\\n", "ü-umlaut", "p q", "r%s", "t:u@v", "w")
    )
}
"""Twelve secrets, with characters that each way of writing them down treats in another way."""


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("bundles")
    with running_ledger(folder) as ledger, builder(folder, ledger, request.param) as build:
        yield build(secrets=CANARIES)


def test_a_bundle_of_an_incident_has_everything_that_is_recorded_of_it(engine: DrivenEngine) -> None:
    incident = rolled_back(engine)
    files = files_of(exported(engine, "incident", incident))
    shown = engine.incident(incident)
    assert [one["id"] for one in lines_of(files, "incidents")] == [incident]
    assert [one["text"] for one in lines_of(files, "timeline")] == engine.lines(incident)
    assert [one["text"] for one in lines_of(files, "minutes")] == ["we stay on 41", "write the test"]
    assert [one["name"] for one in lines_of(files, "notices")] == engine.told(incident)
    assert {one["field"]: one["value"] for one in lines_of(files, "report")}["broken"] == "scores of large amounts"
    decisions = [one for one in lines_of(files, "decisions") if one["alert"]]
    assert [one["verdict"] for one in decisions] == ["run", "note"]
    assert decisions[0]["trace"] == [{"criterion": "divergence", "truth": "yes", "why": ""}]
    (run,) = lines_of(files, "runs")
    assert (run["status"], [step["status"] for step in run["steps"]]) == ("succeeded", ["done", "done"])
    assert run["playbook"]["steps"][0]["with"]["method"] == "POST"
    event = next(one for one in lines_of(files, "events") if one["id"] == decisions[0]["event_id"])
    assert json.loads(event["body"])["alerts"][0]["labels"]["alertname"] == "Divergence"
    assert event["headers"] == {"content-type": "application/json"}
    policies = {one["kind"]: one for one in lines_of(files, "policies")}
    assert policies["policy"]["digest"] == decisions[0]["policy_digest"]
    assert files[f"policies/{policies['playbook']['digest']}.yaml"].startswith(b"playbook: by_key")
    assert shown["runs"][0]["id"] == run["id"]


def test_a_bundle_of_a_release_has_its_digests_its_gates_and_their_evidence_raw(engine: DrivenEngine) -> None:
    release = released(engine)
    files = files_of(exported(engine, "release", release))
    assert [one["id"] for one in lines_of(files, "releases")] == [release]
    (manifest,) = lines_of(files, "manifests")
    assert {name: manifest["document"][name] for name in MANIFEST} == MANIFEST
    (pin,) = lines_of(files, "pins")
    assert pin["document"]["policy"]["service"] == manifest["document"].get(
        "service", pin["document"]["policy"]["service"]
    )
    results = {one["use"]: one for one in lines_of(files, "gate_results") if one["verdict"] == "pass"}
    assert results["metric"]["figures"][0]["value"] == 0.95
    assert set(results) == {"metric", "checklist"}
    evidence = {one["id"]: one for one in lines_of(files, "evidence")}
    for one in results["metric"]["evidence_ids"]:
        digest = evidence[one]["sha256"]
        assert hashlib.sha256(files[f"files/{digest}"]).hexdigest() == digest
    assert [one["by"] for one in lines_of(files, "signatures")] == ["olga"]
    (run,) = lines_of(files, "runs")
    assert run["playbook"]["playbook"] == "shift_it"
    assert {"release.started", "gate.judged", "evidence.kept"} <= {one["action"] for one in lines_of(files, "audit")}


def test_the_same_record_is_the_same_bundle_byte_for_byte_also_out_of_another_process(engine: DrivenEngine) -> None:
    incident, release = rolled_back(engine), released(engine)
    first = exported(engine, "incident", incident), exported(engine, "release", release)
    rolled_back(engine)  # life goes on elsewhere
    with engine.app.store.write() as tx:
        tx.lock_services(["somebody-else"])
    other = engine.twin()
    assert (exported(other, "incident", incident), exported(other, "release", release)) == first
    engine.order(Word.DECIDE, incident, text="one more", reason="")
    assert exported(engine, "incident", incident) != first[0]


def test_an_export_is_audited_and_is_in_no_bundle(engine: DrivenEngine) -> None:
    incident = rolled_back(engine)
    first = exported(engine, "incident", incident)
    assert exported(engine, "incident", incident) == first
    exports = [(action, subject) for action, subject, _ in engine.audit() if subject == f"incident:{incident}"]
    assert exports.count(("bundle.exported", f"incident:{incident}")) == 2
    rows = lines_of(files_of(first), "audit")
    assert {"order.decide", "incident.opened", "run.planned", "policy.in_force"} <= {row["action"] for row in rows}
    assert "bundle.exported" not in {row["action"] for row in rows}


def test_every_row_of_the_audit_slice_leads_to_a_head_that_this_installation_signed(engine: DrivenEngine) -> None:
    """By nothing but SHA-256 and Ed25519, out of the files alone."""
    incident = rolled_back(engine)
    engine.app.store.seal()
    engine.order(Word.DECIDE, incident, text="sealed apart", reason="")
    files = files_of(exported(engine, "incident", incident))
    links = {one["position"]: one for one in lines_of(files, "audit_chain")}
    heads = lines_of(files, "audit_heads")
    rows = lines_of(files, "audit")
    assert len(rows) > 5
    assert len(heads) > 1
    for row in rows:
        seal = row["seal"]
        body = json.dumps(row["row"], separators=(",", ":"))
        assert hashlib.sha256(body.encode()).hexdigest() == seal["row_digest"], row["action"]
        head = next(one for one in heads if one["position"] >= seal["position"])
        previous = seal["previous"]
        for position in range(seal["position"], head["position"] + 1):
            link = links[position]
            previous = hashlib.sha256(f"{previous}\n{link['row_digest']}".encode()).hexdigest()
        assert previous == head["hash"]
        parts = ("andon audit head", head["position"], head["hash"], head["at"], head["key_id"], head["previous"])
        content = "".join(f"{part}\n" for part in parts).encode()
        assert is_signed(key_of(engine).public_pem, content, bytes.fromhex(head["signature"]))


def test_a_trail_that_was_altered_before_the_export_does_not_verify(engine: DrivenEngine) -> None:
    """The signature is in order: the installation itself signed what somebody had put in."""
    bundle = exported(engine, "incident", rolled_back(engine))
    forger, label = Forger(key_of(engine)), label_of(bundle)

    def altered(name: str, old: bytes, new: bytes) -> list[str]:
        files = files_of(bundle)
        assert old in files[name]
        files[name] = files[name].replace(old, new, 1)
        return verified(forger.write(label, files), engine)

    assert verified(bundle, engine) == []
    (problem,) = altered("audit.jsonl", b'"incident.opened","incident:', b'"incident.closed","incident:')
    assert "is not the one that was chained" in problem
    assert any("is not that of its key" in one for one in altered("audit_heads.jsonl", b'"at":"20', b'"at":"19'))
    files = files_of(bundle)
    del files["audit_heads.jsonl"]
    problems = verified(forger.write(label, files), engine)
    assert problems
    assert all("nothing leads from row" in one for one in problems if "more" not in one)


def written(value: str) -> dict[str, str]:
    """One secret in every way in which it may be written down."""
    raw = value.encode()
    return {
        "plain": value,
        "quoted": quote(value, safe=""),
        "json": json.dumps(value)[1:-1],
        "base64": base64.b64encode(raw).decode(),
        "url-base64": base64.urlsafe_b64encode(raw).decode(),
        "basic": base64.b64encode(b"andon:" + raw).decode(),
    }


def test_twelve_secrets_planted_in_everything_that_comes_in_are_nowhere_in_a_bundle(engine: DrivenEngine) -> None:
    planted = [form for value in CANARIES.values() for form in written(value).values()]
    service = fresh_name("planted")
    text = " ".join(planted)
    headers = {"Authorization": "Bearer {{ secret('CANARY_3') }}"}
    leaky = playbook(
        "leaky",
        acting(
            "repeat",
            **{
                "with": {
                    "method": "POST",
                    "url": "{{ target.ledger }}/effects/{{ service }}",
                    "headers": headers,
                    "json": {"to": "{{ release.incumbent }}", "said": "{{ secret('CANARY_4') }}"},
                }
            },
        ),
    )
    engine.protect(service, leaky, playbook="leaky")
    alert = firing(service, note=text[:20_000])
    alert["annotations"] = {f"note {planted[0]}": text, "summary": planted[7]}
    incident = rolled_back_as(engine, alert)
    engine.order(Word.DECIDE, incident, text=text[:3000], reason=planted[2])
    engine.order(Word.REPORT, incident, fields={"broken": planted[5], "evidence": []}, reason=planted[9])
    engine.work()
    release = released(engine)
    content = json.dumps({"metrics": {"f1": 0.95}, "notes": planted}).encode()
    engine.app.evidence.keep(Pushed(release, "extra", "application/json", content), ACTORS["olga"])
    engine.work()
    for bundle in (exported(engine, "incident", incident), exported(engine, "release", release)):
        hits = [form for form in planted if form.encode() in bundle]
        assert hits == []
        assert b"***" in bundle
        assert verified(bundle, engine) == []


def rolled_back_as(engine: DrivenEngine, alert: dict[str, Any]) -> str:
    receipt = engine.alert(alert)
    engine.drive(receipt.runs[0])
    return receipt.incidents[0]


def verified(bundle: bytes, engine: DrivenEngine) -> list[str]:
    path = Path(engine.settings.data) / "looked-at.zip"
    path.write_bytes(bundle)
    return verify_bundle(path, [key_of(engine).public_pem]).problems


def test_a_secret_of_the_plain_environment_is_taken_out_by_a_process_that_never_used_it(engine: DrivenEngine) -> None:
    value = "only-the-environment-knows-me"
    service = fresh_name("plain")
    step = acting(
        "repeat",
        **{
            "with": {
                "method": "POST",
                "url": "{{ target.ledger }}/effects/{{ service }}",
                "headers": {"Authorization": "Bearer {{ secret('PLAIN_TOKEN') }}"},
                "json": {"to": "41"},
            }
        },
    )
    secrets = {**engine.settings.playbook_secrets, "PLAIN_TOKEN": value}
    knowing = engine.twin(playbook_secrets=secrets)
    knowing.protect(service, playbook("plainly", step), playbook="plainly")
    alert = firing(service)
    alert["annotations"]["summary"] = f"the deployer said: {value}"
    incident = rolled_back_as(replace(knowing), alert)
    bundle = exported(engine.twin(playbook_secrets=secrets), "incident", incident)
    assert value.encode() not in bundle
    assert b"the deployer said: ***" in bundle


def test_a_record_that_is_not_there_has_no_bundle_and_leaves_no_trace(engine: DrivenEngine) -> None:
    before = len(engine.audit())
    for kind in BundleKind:
        with pytest.raises(NotFound):
            exported(engine, kind, "inc-nobody")
    assert len(engine.audit()) == before


def test_a_canary_is_in_the_bundle_of_its_release_with_digests_of_what_was_observed(engine: DrivenEngine) -> None:
    service = fresh_name("compared")
    engine.protect(service, canary=RULE)
    engine.alert(firing(service, "Latency"))
    with engine.app.store.read() as tx:
        found = tx.latest_releases([service])[service].id
    for number in range(3):
        compared(engine, found, whole(400, 4, start=400 * number))
    engine.work()
    files = files_of(exported(engine, "release", found))
    (standing,) = lines_of(files, "canaries")
    assert standing["verdict"] == "diverged"
    assert standing["standing"]["pairs"] == 1200
    assert {"comparison", "joining"} & set(standing) == set()
    assert lines_of(files, "canary_points")[-1]["verdict"] == "diverged"
    batches = lines_of(files, "observations")
    assert [one["sha256"] for one in batches] == [
        hashlib.sha256(ndjson(whole(400, 4, start=400 * number))).hexdigest() for number in range(3)
    ]
    assert sum(one["count"] for one in lines_of(files, "affected")) == 300
    assert b'"k3"' not in b"".join(files.values()), "keys of predictions may be about people"
    assert len(lines_of(files, "incidents")) == 1


def test_a_drill_is_in_the_bundle_of_its_incident(engine: DrivenEngine) -> None:
    incident = rolled_back(engine)
    with engine.app.store.read() as tx:
        stored = tx.incident(incident)
    assert stored is not None
    now = engine.clock.now()
    drill = Drill(
        id="drl-1", claim=f"claim-{incident}", service=stored.service, environment="staging", playbook="by_key",
        schedule="", slot=now, due_at=now, objective_seconds=300.0,
        incident_id=incident,
    )  # fmt: skip
    with engine.app.store.write() as tx:
        assert tx.plan_drill(drill)
    (found,) = lines_of(files_of(exported(engine, "incident", incident)), "drills")
    assert found["id"] == "drl-1"


def test_attached_files_are_in_it_as_they_came(engine: DrivenEngine) -> None:
    incident = rolled_back(engine)
    content = b"\x89PNG\r\n\xff\x00 seen"
    file = kept_file(content, engine.clock.now())
    with engine.app.store.write() as tx:
        tx.keep_file(file)
    engine.order(Word.REPORT, incident, fields={}, files=[attached_as("seen.png", file)])
    files = files_of(exported(engine, "incident", incident))
    assert files[f"files/{file.sha256}"] == content
