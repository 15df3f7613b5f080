"""Releases through their stages on real gates: what passes goes on, what fails halts, and there is no other way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from support.databases import KINDS
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.engine import ACTORS
from support.ledger import running_ledger
from support.written_config import acting, playbook

from bot.domain.errors import BadInput
from bot.domain.events import Receipt, Word
from bot.domain.gates import GateVerdict
from bot.domain.incidents import Severity
from bot.domain.releases import Release
from bot.domain.runs import RunStatus
from bot.domain.walks import Walk
from bot.flow.evidence_desk import Pushed
from bot.flow.release_audit import verify_releases
from bot.flow.release_views import gate_answer, release_detail

SHIFT = playbook("shift_it", acting("repeat"), kind="promote")
F1 = {"use": "metric", "metric": "f1", "at_least": 0.9, "max_drop": 0.02}
READY = {"use": "checklist", "items": [{"name": "runbook", "role": "champion"}]}
STAGES = [
    {"name": "evaluation", "gates": [F1], "owner": "champion"},
    {"name": "staging", "gates": [READY]},
    {"name": "production", "do": "shift_it"},
    {"name": "watch", "window": "1h"},
]
GOOD = {"metrics": {"f1": 0.95}, "incumbent": {"metrics": {"f1": 0.94}}}
BAD = {"metrics": {"f1": 0.71}, "incumbent": {"metrics": {"f1": 0.94}}}
OLGA = ACTORS["olga"]


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("releases")
    with running_ledger(folder) as ledger, builder(folder, ledger, request.param) as build:
        yield build(SHIFT)


def protected(engine: DrivenEngine, **more: Any) -> str:
    """A service with four stages, of which no version was released yet."""
    service = fresh_name("release")
    roles = {"champion": ["olga"], "rollback_authority": ["olga", "otto"], "endorser": ["otto"]}
    settings: dict[str, Any] = {"stages": STAGES, "roles": roles, "release": None, "baseline": "41", **more}
    engine.protect(service, **{name: one for name, one in settings.items() if one is not None})
    return service


def started(engine: DrivenEngine, service: str, candidate: str = "42", **more: Any) -> str:
    receipt = engine.order(Word.RELEASE_START, service, candidate=candidate, **more)
    assert not receipt.refused, receipt.message
    engine.work()
    return receipt.records[0]


def push(engine: DrivenEngine, subject: str, document: dict[str, Any], **more: Any) -> None:
    pushed = Pushed(subject, more.pop("name", "evaluation"), "application/json", json.dumps(document).encode(), **more)
    engine.app.evidence.keep(pushed, OLGA)
    engine.work()


def promote(engine: DrivenEngine, release: str) -> Receipt:
    receipt = engine.order(Word.PROMOTE, release)
    engine.work()
    return receipt


def seen(engine: DrivenEngine, release: str) -> tuple[Release, Walk]:
    with engine.app.store.read() as tx:
        found, walk = tx.release(release), tx.walk(release)
    assert found is not None
    assert walk is not None
    return found, walk


def state(engine: DrivenEngine, release: str) -> str:
    return seen(engine, release)[0].state


def ready_to_go_live(engine: DrivenEngine, service: str, **more: Any) -> str:
    """A release in its stage `production`."""
    release = started(engine, service, **more)
    push(engine, release, GOOD)
    promote(engine, release)
    engine.order(Word.SIGN, release, item="runbook")
    engine.work()
    promote(engine, release)
    assert state(engine, release) == "production"
    return release


def test_a_release_walks_its_stages_and_is_endorsed_at_their_end(engine: DrivenEngine) -> None:
    service = protected(engine)
    release = ready_to_go_live(engine, service)
    promote(engine, release)
    run = seen(engine, release)[1].run_id
    assert len(engine.ledger.effects(service)) == 1, "the playbook of the stage shifts the traffic"
    assert run is None
    assert state(engine, release) == "live"
    assert engine.order(Word.RELEASE_ENDORSE, release, by="otto").refused, "it was not watched yet"
    assert "lasts until" in promote(engine, release).message
    engine.clock.turn(timedelta(hours=2))
    try:
        engine.order(Word.PROMOTE, release)
        engine.app.judge.judge(release)  # the database's own clock was not turned
    finally:
        engine.clock.turn(-timedelta(hours=2))
    assert state(engine, release) == "watched"
    assert not engine.order(Word.RELEASE_ENDORSE, release, by="otto").refused
    with engine.app.store.read() as tx:
        assert [one.version for one in tx.known_versions(service)] == ["42", "41"]
        assert tx.live_versions(service, "production")[0].version == "42"
    assert verify_releases(engine.app.store) is None


def test_unknown_never_passes_and_says_what_is_missing(engine: DrivenEngine) -> None:
    release = started(engine, protected(engine))
    refused = promote(engine, release)
    assert refused.refused
    assert "evidence" in refused.message
    assert state(engine, release) == "evaluation"
    judged = engine.app.judge.judge(release)
    assert judged.verdict is GateVerdict.UNKNOWN


def test_a_verdict_that_may_change_by_itself_refuses_for_a_minute_only(engine: DrivenEngine) -> None:
    release = started(engine, protected(engine, stages=[{"name": "canary", "gates": [{"use": "canary"}]}]))
    assert "no canary was opened" in promote(engine, release).message
    engine.clock.turn(timedelta(seconds=61))
    try:
        assert not engine.order(Word.PROMOTE, release).refused, "pairs may have come meanwhile: the gates look again"
    finally:
        engine.clock.turn(-timedelta(seconds=61))
    assert state(engine, release) == "canary"


def test_a_failed_gate_halts_by_itself_with_its_figures(engine: DrivenEngine) -> None:
    service = protected(engine)
    release = started(engine, service)
    push(engine, release, BAD)
    assert state(engine, release) == "halted"
    shown = engine.service(service)
    assert shown["state"] == "halted"
    incident = newest(engine, service)
    assert incident["severity"] == Severity.SEV_3
    assert incident["report"]["metric"]["value"]["now"] == 0.71
    assert incident["report"]["metric"]["source"].startswith("measured by gate")
    assert "halted" in [notice["name"] for notice in incident["notices"]]
    assert promote(engine, release).refused


def newest(engine: DrivenEngine, service: str) -> dict[str, Any]:
    with engine.app.store.read() as tx:
        found = tx.incidents(limit=1, service=service)[0]
    return engine.incident(found.id)


def test_a_halted_service_answers_fail_until_it_is_lifted_and_judged_again(engine: DrivenEngine) -> None:
    service = protected(engine)
    release = started(engine, service)
    push(engine, release, GOOD)
    engine.order(Word.HALT, service)
    assert engine.app.judge.of_service(service).verdict is GateVerdict.FAIL
    with engine.app.store.read() as tx:
        known = tx.service(service)
        assert known is not None
        assert gate_answer(tx, known, engine.app.moves)["verdict"] == "fail"
    assert promote(engine, release).refused
    before = len(results(engine, release))
    engine.order(Word.LIFT, service, by="ada")
    engine.work()
    assert len(results(engine, release)) > before, "a lift has the gates run again"
    assert not promote(engine, release).refused
    assert state(engine, release) == "staging"


def results(engine: DrivenEngine, release: str) -> list[Any]:
    with engine.app.store.read() as tx:
        return list(tx.gate_results(release))


def test_evidence_of_another_version_does_not_count(engine: DrivenEngine) -> None:
    release = started(engine, protected(engine))
    push(engine, release, GOOD, version="41-rc1")
    assert engine.app.judge.judge(release).verdict is GateVerdict.UNKNOWN


def test_the_policy_of_the_start_holds_whatever_the_file_says_later(engine: DrivenEngine) -> None:
    service = protected(engine)
    release = started(engine, service)
    loose = [{"name": "evaluation", "gates": [{**F1, "at_least": 0.1, "max_drop": 0.9}]}, *STAGES[1:]]
    roles = {"champion": ["olga"], "rollback_authority": ["olga", "otto"], "endorser": ["otto"]}
    engine.protect(service, stages=loose, roles=roles, baseline="41")
    push(engine, release, BAD)
    assert state(engine, release) == "halted"


def test_a_rollback_restores_only_what_was_endorsed_or_the_baseline(engine: DrivenEngine) -> None:
    service = protected(engine)
    refused = engine.order(Word.RELEASE_START, service, candidate="43", incumbent="evil")
    assert refused.refused
    assert "41" in refused.message
    first = started(engine, service, candidate="43")
    assert engine.order(Word.RELEASE_START, service, candidate="44", incumbent="43").refused, "43 is not endorsed"
    with pytest.raises(BadInput):
        engine.order(Word.RELEASE_START, service, candidate="41")
    second = started(engine, service, candidate="44")
    assert state(engine, first) == "abandoned"
    assert state(engine, second) == "evaluation"


def test_a_playbook_that_promotes_runs_only_out_of_a_passed_stage(engine: DrivenEngine) -> None:
    service = protected(engine)
    started(engine, service)
    refused = engine.order(Word.ROLLBACK, service, by="ada", playbook="shift_it")
    assert refused.refused
    assert len(engine.ledger.effects(service)) == 0


def test_a_freeze_refuses_promotion_and_nothing_else(engine: DrivenEngine) -> None:
    service = protected(engine, freeze=[{"name": "year end", "from": "2020-01-01", "to": "2099-01-01"}])
    release = started(engine, service)
    push(engine, release, GOOD)
    refused = promote(engine, release)
    assert "year end" in refused.message
    assert not engine.order(Word.HALT, service).refused
    assert not engine.order(Word.ROLLBACK, service).refused


def test_an_emergency_has_gates_two_persons_and_owes_a_retrospective(engine: DrivenEngine) -> None:
    emergency = {"gates": [{**F1, "at_least": 0.7, "max_drop": 0.5}], "do": "shift_it"}
    service = protected(engine, emergency=emergency)
    release = started(engine, service, kind="emergency")
    push(engine, release, {"metrics": {"f1": 0.8}, "incumbent": {"metrics": {"f1": 0.94}}})
    assert "second person" in promote(engine, release).message
    assert engine.order(Word.SECOND, release, by="olga").refused, "she started it"
    assert engine.order(Word.SECOND, release, by="nina").refused, "she does not hold the role"
    assert not engine.order(Word.SECOND, release, by="otto").refused
    engine.work()
    assert not promote(engine, release).refused
    assert state(engine, release) == "live"
    walk = seen(engine, release)[1]
    assert walk.retrospective_due_at is not None
    assert walk.retrospective_due_at > engine.clock.now() + timedelta(days=1)
    assert not engine.order(Word.RETROSPECTIVE, release, reason="we learned").refused
    with engine.app.store.read() as tx:
        assert tx.emergencies_since(service, engine.clock.now() - timedelta(days=1)) == 1


def test_an_emergency_that_was_not_declared_is_refused(engine: DrivenEngine) -> None:
    refused = engine.order(Word.RELEASE_START, protected(engine), candidate="42", kind="emergency")
    assert refused.refused
    assert "declares no emergency" in refused.message


def test_a_halt_stops_the_playbook_of_a_stage_and_the_release_stays_where_it_is(engine: DrivenEngine) -> None:
    service = protected(engine)
    release = ready_to_go_live(engine, service)
    engine.order(Word.PROMOTE, release)
    engine.app.judge.judge(release)
    run = seen(engine, release)[1].run_id
    assert run is not None
    engine.order(Word.HALT, service)
    engine.work()
    assert engine.run(run)["status"] == RunStatus.SUPERSEDED
    assert len(engine.ledger.effects(service)) == 0
    assert state(engine, release) == "halted"
    engine.order(Word.LIFT, service, by="ada")
    engine.work()
    promote(engine, release)
    assert state(engine, release) == "live"


def test_an_edited_row_shows_in_the_audit(engine: DrivenEngine) -> None:
    service = protected(engine)
    release = started(engine, service)
    push(engine, release, GOOD)
    assert verify_releases(engine.app.store) is None
    first = results(engine, release)[0]
    edits = {
        f"UPDATE gate_results SET verdict = 'fail' WHERE id = '{first.id}'": "altered",
        f"UPDATE releases SET stage = 'production' WHERE id = '{release}'": "stage",
        f"UPDATE walks SET passed = '[\"evaluation\"]' WHERE release_id = '{release}'": "passed",
        f"INSERT INTO known_versions (service, version, standing, at, by) SELECT service, 'evil', 'endorsed', at, by "
        f"FROM known_versions WHERE service = '{service}'": "put in",
    }
    for statement, said in edits.items():
        found = edited(engine, statement)
        assert found is not None, statement
        assert said in found
    assert verify_releases(engine.app.store) is None


def edited(engine: DrivenEngine, statement: str) -> str | None:
    """What the check says while this edit stands; it is taken back afterwards."""
    tables = ("gate_results", "releases", "walks", "known_versions")
    with engine.app.store.engine.begin() as connection:
        kept = {name: connection.exec_driver_sql(f"SELECT * FROM {name}").mappings().all() for name in tables}
        connection.exec_driver_sql(statement)
    fault = verify_releases(engine.app.store)
    with engine.app.store.engine.begin() as connection:
        if "INSERT" in statement:
            connection.exec_driver_sql("DELETE FROM known_versions WHERE version = 'evil'")
        else:
            table, column = statement.split()[1], statement.split()[3]
            key = "id" if table != "walks" else "release_id"
            quoted = statement.rsplit("'", 2)[1]
            value = next(row[column] for row in kept[table] if row[key] == quoted)
            connection.exec_driver_sql(f"UPDATE {table} SET {column} = '{value}' WHERE {key} = '{quoted}'")
    return fault.problem if fault else None


def test_what_is_shown_tells_every_gate_and_those_that_were_not_run(engine: DrivenEngine) -> None:
    service = protected(engine)
    release = started(engine, service, manifest={"objective": "Fewer false alarms"})
    push(engine, release, GOOD)
    with engine.app.store.read() as tx:
        found = tx.release(release)
        assert found is not None
        view = release_detail(tx, found, engine.app.moves)
    by_stage = {stage["name"]: [gate["verdict"] for gate in stage["gates"]] for stage in view["stages"]}
    assert by_stage == {"evaluation": ["pass"], "staging": ["not_run"], "production": [], "watch": []}
    gate = view["stages"][0]["gates"][0]
    assert gate["figures"][0]["value"] == 0.95
    assert gate["code_version"].startswith("andon ")
    assert gate["evidence_ids"]
    assert view["manifest"]["objective"] == "Fewer false alarms"
    assert {"release_brief"} <= {notice.name for notice in notices(engine, service)}


def notices(engine: DrivenEngine, service: str) -> list[Any]:
    with engine.app.store.read() as tx:
        return [one for one in tx.notices(limit=100_000) if one.service == service]


def test_a_candidate_that_is_rolled_back_is_over(engine: DrivenEngine) -> None:
    service = protected(engine)
    release = ready_to_go_live(engine, service)
    promote(engine, release)
    assert len(engine.ledger.effects(service)) == 1
    receipt = engine.order(Word.ROLLBACK, service)
    engine.order(Word.APPROVE, receipt.runs[0], by="otto", plan_hash=engine.run(receipt.runs[0])["plan_hash"])
    engine.work_until(receipt.runs[0], "succeeded")
    assert state(engine, release) == "rolled_back"
    assert promote(engine, release).refused
    assert engine.order(Word.RELEASE_ENDORSE, release, by="otto").refused
    assert not engine.order(Word.RELEASE_START, service, candidate="43").refused


def with_evidence(engine: DrivenEngine, name: str, document: dict[str, Any]) -> None:
    folder = engine.config / "evidence"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(document), "utf-8")


def test_evidence_that_a_stage_names_is_fetched_kept_and_pinned(engine: DrivenEngine) -> None:
    with_evidence(engine, "pinned.json", GOOD)
    stage = {"name": "evaluation", "gates": [F1], "evidence": [{"name": "evaluation", "file": "pinned.json"}]}
    release = started(engine, protected(engine, stages=[stage]))
    assert engine.app.judge.judge(release).verdict is GateVerdict.PASS
    with engine.app.store.read() as tx:
        kept = [one for one in tx.evidence_of(release) if one.source == "evidence/pinned.json"]
        assert len(kept) == 1, "looked at twice, and still the same"
        file = tx.kept_file(kept[0].sha256)
    assert file is not None
    assert json.loads(file.content) == GOOD
    with_evidence(engine, "pinned.json", {**GOOD, "metrics": {"f1": 0.99}})
    judged = engine.app.judge.judge(release)
    assert judged.verdict is GateVerdict.UNKNOWN, "an edited file passes nothing, and neither does what it was before"
    assert "started with" in judged.results[0].why


def test_evidence_that_cannot_be_fetched_now_makes_its_gates_unknown(engine: DrivenEngine) -> None:
    source = {"name": "evaluation", "http": {"url": f"{engine.ledger.url}/nowhere"}}
    release = started(engine, protected(engine, stages=[{"name": "evaluation", "gates": [F1], "evidence": [source]}]))
    push(engine, release, GOOD)
    judged = engine.app.judge.judge(release)
    assert judged.verdict is GateVerdict.UNKNOWN
    assert "cannot be fetched" in judged.results[0].why
