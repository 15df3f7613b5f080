"""Releases that were walked on an engine, judged again by other policies: halts and unknown promotions that differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.cli import TOKENS
from support.databases import KINDS
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.engine import ACTORS
from support.installation import SECRETS
from support.ledger import running_ledger
from support.written_config import acting, playbook, policy, write_config

from bot.adapters.conditions import compile_condition
from bot.cli.entry import run
from bot.cli.replaying import replayer
from bot.domain.canaries import Canary, CanaryVerdict
from bot.domain.events import Word
from bot.domain.gates import GateVerdict
from bot.domain.policies import Policy
from bot.flow.backtesting import Deed, Difference, Report, compare
from bot.flow.evidence_desk import Pushed
from bot.flow.stage_outcomes import StageOutcome

SHIFT = playbook("shift_it", acting("repeat"), kind="promote")
F1 = {"use": "metric", "metric": "f1", "at_least": 0.9}
READY = {"use": "checklist", "items": [{"name": "runbook", "role": "champion"}]}
ROLES = {"champion": ["olga"], "rollback_authority": ["olga", "otto"], "endorser": ["otto"]}
OLGA = ACTORS["olga"]


def stages(f1: float, *more: Any) -> list[Any]:
    return [{"name": "evaluation", "gates": [{**F1, "at_least": f1}, *more]}, {"name": "staging", "gates": [READY]}]


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("backtest")
    with running_ledger(folder) as ledger, builder(folder, ledger, request.param) as build:
        yield build(SHIFT)


def settings_of(walked: list[Any], **more: Any) -> dict[str, Any]:
    return {"roles": ROLES, "baseline": "41", "stages": walked, **more}


def started(engine: DrivenEngine, walked: list[Any], **more: Any) -> tuple[str, str]:
    """A service with these stages, and its release."""
    service, manifest, kind = fresh_name("again"), more.pop("manifest", {}), more.pop("kind", "standard")
    tree = engine.protect(service, **settings_of(walked, **more))
    tree.pop("release")
    write_config(engine.config, [tree], ())
    engine.app.configuration.reload()
    receipt = engine.order(Word.RELEASE_START, service, candidate="42", incumbent="41", manifest=manifest, kind=kind)
    assert not receipt.refused, receipt.message
    engine.work()
    return service, receipt.records[0]


def push(engine: DrivenEngine, release: str, value: float) -> None:
    content = json.dumps({"metrics": {"f1": {"value": value, "n": 2000, "low": value - 0.01, "high": value + 0.01}}})
    engine.app.evidence.keep(Pushed(release, "evaluation", "application/json", content.encode()), OLGA)
    engine.work()


def promote(engine: DrivenEngine, release: str) -> None:
    engine.order(Word.PROMOTE, release)
    engine.work()


def tried(engine: DrivenEngine, service: str, walked: list[Any], **more: Any) -> Policy:
    """A policy that nobody has brought into force."""
    tree = policy(service, engine.ledger.url, **settings_of(walked, **more))
    return Policy.model_validate(tree, context={"compile": compile_condition})


def compared(engine: DrivenEngine, old: Policy, new: Policy) -> Report:
    since = engine.clock.now() - timedelta(hours=1)
    again = replayer(engine.settings, engine.app.store, since)
    return compare((), {old.service: old}, {new.service: new}, outcomes_of=again.outcomes)


def outcomes(engine: DrivenEngine, of: Policy) -> list[StageOutcome]:
    since = engine.clock.now() - timedelta(hours=1)
    return list(replayer(engine.settings, engine.app.store, since).outcomes(of))


def turns(report: Report) -> list[tuple[Deed, bool, str]]:
    return [(one.deed, one.gained, one.stage) for one in report.services[0].differences]


def only(report: Report) -> Difference:
    (one,) = report.services[0].differences
    return one


def test_a_loosened_policy_loses_the_halt_and_a_tightened_one_gains_it(engine: DrivenEngine) -> None:
    service, halted = started(engine, stages(0.9))
    push(engine, halted, 0.85)
    with engine.app.store.read() as tx:
        found = tx.release(halted)
    assert found is not None
    assert found.state == "halted"
    recorded, loose = tried(engine, service, stages(0.9)), tried(engine, service, stages(0.8))
    lost = only(compared(engine, recorded, loose))
    assert (lost.deed, lost.gained, lost.release_id, lost.stage) == (Deed.HALT, False, halted, "evaluation")
    assert lost.gates[0].figures[0].value == 0.85
    assert lost.before.startswith("fail: f1 at least 0.9: ")
    assert lost.after == "pass: f1 at least 0.8"
    assert turns(compared(engine, loose, recorded)) == [(Deed.HALT, True, "evaluation")]


def test_a_stage_is_judged_on_what_was_there_when_it_was_left(engine: DrivenEngine) -> None:
    service, release = started(engine, stages(0.8))
    push(engine, release, 0.85)
    promote(engine, release)
    push(engine, release, 0.95)
    strict = tried(engine, service, stages(0.9))
    gained = only(compared(engine, tried(engine, service, stages(0.8)), strict))
    assert (gained.deed, gained.gained, gained.stage) == (Deed.HALT, True, "evaluation")
    assert gained.gates[0].figures[0].value == 0.85, "what came later opens nothing after the fact"
    assert [one.stage for one in outcomes(engine, strict)] == ["evaluation"], "a halted release goes no further"


def test_signatures_count_as_they_stood_and_by_the_roles_of_the_policy(engine: DrivenEngine) -> None:
    service, release = started(engine, [{"name": "staging", "gates": [READY]}, {"name": "production"}])
    engine.order(Word.SIGN, release, item="runbook")
    engine.work()
    promote(engine, release)
    engine.order(Word.UNSIGN, release, item="runbook")
    same = tried(engine, service, [{"name": "staging", "gates": [READY]}])
    assert [one.verdict for one in outcomes(engine, same)] == [GateVerdict.PASS]
    other = tried(engine, service, same.model_dump(mode="json")["stages"], roles=ROLES | {"champion": ["nina"]})
    assert turns(compared(engine, same, other)) == [(Deed.UNKNOWN, True, "staging")]


def test_a_gate_that_nothing_was_kept_for_makes_a_promotion_unknown(engine: DrivenEngine) -> None:
    service, release = started(engine, stages(0.8))
    push(engine, release, 0.85)
    promote(engine, release)
    more = tried(engine, service, stages(0.8, {"use": "latency", "at_most": 250.0}))
    one = only(compared(engine, tried(engine, service, stages(0.8)), more))
    assert (one.deed, one.gained, one.about) == (Deed.UNKNOWN, True, "latency p99 at most 250 ms")
    new = [*stages(0.8)[:1], {"name": "shadow", "gates": [F1]}, *stages(0.8)[1:]]
    assert turns(compared(engine, tried(engine, service, stages(0.8)), tried(engine, service, new))) == [
        (Deed.HALT, True, "shadow")
    ], "a stage that it never had is judged as things stood when the one before it was left"


def asking(service: str, url: str, status: int = 200) -> dict[str, Any]:
    return {"use": "http", "url": f"{url}/health?of={service}", "expect": {"status": status}}


def test_gates_that_ask_are_not_asked_again(engine: DrivenEngine) -> None:
    gate = asking("s", engine.ledger.url, 404)
    service, release = started(engine, [{"name": "evaluation", "gates": [gate]}, {"name": "staging"}])
    judged = engine.app.judge.judge(release).results[0]
    assert judged.verdict is not GateVerdict.UNKNOWN
    same = tried(engine, service, [{"name": "evaluation", "gates": [gate]}])
    (stage,) = outcomes(engine, same)
    assert (stage.gates[0].verdict, stage.gates[0].is_recorded) == (judged.verdict, True)
    assert stage.gates[0].figures == judged.figures
    other = tried(engine, service, [{"name": "evaluation", "gates": [asking("s", engine.ledger.url, 418)]}])
    (stage,) = outcomes(engine, other)
    assert stage.verdict is GateVerdict.UNKNOWN
    assert "cannot be asked of then" in stage.gates[0].why


EQUIVALENT = {
    "verdict": "equivalent", "pairs": 2500, "estimate": 0.01, "interval": [0.005, 0.015], "tolerance": 0.02,
    "alpha": 0.05, "errors": {"verdict": "equivalent"}, "slices": [{"name": "EU", "figure": {"verdict": "unknown"}}],
}  # fmt: skip


def test_a_canary_that_went_on_is_judged_by_what_it_said_then(engine: DrivenEngine) -> None:
    gates = [{"name": "evaluation", "gates": [{"use": "canary"}]}, {"name": "staging", "gates": [READY]}]
    service, release = started(engine, gates)
    now = engine.clock.now()
    opened = Canary(release, service, "canary", now, standing=EQUIVALENT, verdict=CanaryVerdict.EQUIVALENT)
    with engine.app.store.write() as tx:
        assert tx.open_canary(opened)
    engine.app.judge.judge(release)
    promote(engine, release)
    later = replace(opened, standing={"verdict": "diverged", "pairs": 9000}, folded_at=engine.clock.now())
    with engine.app.store.write() as tx:
        tx.fold_into(opened, later, [])
    strict = [{"name": "evaluation", "gates": [{"use": "canary", "min_pairs": 5000}]}]
    for walked, verdict, why in (
        (gates[:1], GateVerdict.PASS, "equivalent"),
        (strict, GateVerdict.UNKNOWN, "2,500 more are wanted"),
        ([{"name": "evaluation", "gates": [{"use": "expression", "condition": "canary.pairs > 1"}]}],
         GateVerdict.UNKNOWN, "cannot be asked of then"),
        ([{"name": "evaluation", "gates": [{"use": "expression", "condition": "size(signatures) == 0"}]}],
         GateVerdict.PASS, "holds"),
    ):  # fmt: skip
        (stage,) = outcomes(engine, tried(engine, service, walked))
        assert (stage.verdict, why in stage.gates[0].why) == (verdict, True), stage.gates[0].why


def test_secrets_are_not_read_and_a_gate_that_needs_one_counts_as_it_was_judged(engine: DrivenEngine) -> None:
    gates = [{"name": "evaluation", "gates": [{"use": "http", "url": "{{ secret('WHERE') }}"}]}]
    service, release = started(engine, gates)
    judged = engine.app.judge.judge(release).results[0]
    (stage,) = outcomes(engine, tried(engine, service, gates))
    assert (stage.gates[0].why, stage.gates[0].is_recorded) == (judged.why, True)


def test_an_emergency_is_held_against_the_gates_of_the_emergency_class(engine: DrivenEngine) -> None:
    def rule(least: float) -> dict[str, Any]:
        return {"gates": [{**F1, "at_least": least}], "do": "shift_it"}

    service, release = started(engine, stages(0.99), kind="emergency", emergency=rule(0.7))
    push(engine, release, 0.65)
    old, new = (tried(engine, service, stages(0.99), emergency=rule(least)) for least in (0.7, 0.6))
    assert turns(compared(engine, old, new)) == [(Deed.HALT, False, "emergency")]


def test_documents_are_as_old_as_they_were(engine: DrivenEngine) -> None:
    reviewed = (engine.clock.now() - timedelta(days=10)).isoformat()
    papers = {"rollback_plan": {"text": "Shift the traffic back", "reviewed_at": reviewed}}
    gate = {"use": "documents", "require": ["rollback_plan"], "max_age": "11d"}
    service, _ = started(engine, [{"name": "evaluation", "gates": [gate]}], manifest=papers)
    engine.app.sweep.look()
    (stage,) = outcomes(engine, tried(engine, service, [{"name": "evaluation", "gates": [gate]}]))
    assert stage.verdict is GateVerdict.PASS
    older = [{"name": "evaluation", "gates": [{**gate, "max_age": "9d"}]}]
    assert [one.verdict for one in outcomes(engine, tried(engine, service, older))] == [GateVerdict.FAIL]


def test_a_policy_that_observes_halts_no_recorded_release(engine: DrivenEngine) -> None:
    service, release = started(engine, stages(0.8))
    push(engine, release, 0.7)
    acts = tried(engine, service, stages(0.8))
    watches = tried(engine, service, stages(0.8), mode="observe")
    assert turns(compared(engine, acts, watches)) == [(Deed.HALT, False, "evaluation")]


def test_reviewed_files_count_only_where_they_are_those_of_the_start(engine: DrivenEngine) -> None:
    folder = engine.config / "references"
    folder.mkdir(exist_ok=True)
    name = f"{fresh_name('train')}.ndjson".replace("-", "_")
    (folder / name).write_text("".join(f'{{"age": {20 + n % 40}}}\n' for n in range(600)), "utf-8")
    gate = {"use": "drift", "at_most": 0.2, "reference_file": name, "evidence": "drift"}
    service, release = started(engine, [{"name": "evaluation", "gates": [gate]}, {"name": "staging"}])
    rows = "".join(f'{{"age": {20 + n % 40}}}\n' for n in range(600)).encode()
    engine.app.evidence.keep(Pushed(release, "drift", "application/x-ndjson", rows), OLGA)
    engine.work()
    strict = [{"name": "evaluation", "gates": [{**gate, "at_most": 0.1}]}]
    assert [one.verdict for one in outcomes(engine, tried(engine, service, strict))] == [GateVerdict.PASS]
    (folder / name).write_text('{"age": 1}\n', "utf-8")
    assert [one.verdict for one in outcomes(engine, tried(engine, service, strict))] == [GateVerdict.UNKNOWN]
    same = [{"name": "evaluation", "gates": [gate]}]
    (stage,) = outcomes(engine, tried(engine, service, same))
    assert (stage.verdict, stage.gates[0].is_recorded) == (GateVerdict.PASS, True)


def test_the_command_says_one_halt_lost_and_one_gained(
    engine: DrivenEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    service, release = started(engine, stages(0.9))
    push(engine, release, 0.85)
    folders = {}
    for name, least in (("now", 0.9), ("loose", 0.8)):
        tree = policy(service, engine.ledger.url, **settings_of(stages(least)))
        folders[name] = str(write_config(tmp_path / name, [tree]))
    monkeypatch.setenv("ANDON_DATA", str(engine.settings.data))
    monkeypatch.setenv("ANDON_CONFIG", str(engine.config))
    monkeypatch.setenv("ANDON_DATABASE_URL", engine.settings.database)
    monkeypatch.setenv("ANDON_API_TOKENS", TOKENS)
    monkeypatch.setenv("ANDON_TOKEN", SECRETS["ada"])

    def said(before: str, after: str, *form: str) -> str:
        words = ("policy", "backtest", "--from", folders[before], "--to", folders[after], "--service", service, *form)
        assert run(words) == 0
        return capfd.readouterr().out

    comment = said("now", "loose", "--markdown")
    assert "**1 halt lost**" in comment
    assert f"release {release} in evaluation" in comment
    found = json.loads(said("loose", "now", "--json"))
    assert (found["gained"]["halts"], found["lost"]["halts"], found["releases"]) == (1, 0, 1)
    assert found["services"][0]["differences"][0]["gates"][0]["figures"][0]["value"] == 0.85
    assert "halts 0 -> 1 (1 gained, 0 lost)" in said("loose", "now")
