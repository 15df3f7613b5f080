"""What people are told of a release on its way: to whom, with which facts and buttons, and in words that came out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.engine import ACTORS
from support.ledger import running_ledger
from support.written_config import acting, playbook

from bot.domain.events import Word
from bot.domain.records import Notice, NoticeStatus
from bot.flow.evidence_desk import Pushed

SHIFT = playbook("shift_it", acting("repeat"), kind="promote")
F1 = {"use": "metric", "metric": "f1", "at_least": 0.9}
STAGES = [
    {"name": "evaluation", "gates": [F1], "owner": "champion"},
    {"name": "production", "do": "shift_it"},
    {"name": "watch"},
]
ROLES = {"champion": ["olga"], "endorser": ["otto"], "rollback_authority": ["otto", "nina"]}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("release-notices")
    with running_ledger(folder) as ledger, builder(folder, ledger, "sqlite") as build:
        yield build(SHIFT)


def protected(engine: DrivenEngine, **more: Any) -> str:
    service = fresh_name("told")
    audiences = {one: {} for one in ("engineering", "product", "executive", "support", "legal")}
    settings: dict[str, Any] = {"stages": STAGES, "roles": ROLES, "baseline": "41", "audiences": audiences, **more}
    engine.protect(service, **settings)
    return service


def started(engine: DrivenEngine, service: str, candidate: str = "42", **more: Any) -> str:
    receipt = engine.order(Word.RELEASE_START, service, candidate=candidate, **more)
    assert not receipt.refused, receipt.message
    engine.work()
    return receipt.records[0]


def push(engine: DrivenEngine, release: str, f1: float) -> None:
    document = {"metrics": {"f1": f1}, "incumbent": {"metrics": {"f1": 0.94}}}
    engine.app.evidence.keep(
        Pushed(release, "evaluation", "application/json", json.dumps(document).encode()), ACTORS["olga"]
    )
    engine.work()


def told(engine: DrivenEngine, service: str, name: str) -> list[Notice]:
    with engine.app.store.read() as tx:
        return [one for one in tx.notices(limit=100_000) if (one.service, one.name) == (service, name)]


def test_the_brief_goes_to_every_audience_and_each_acknowledges_its_own(engine: DrivenEngine) -> None:
    service = protected(engine)
    release = started(engine, service, manifest={"objective": "Fewer false alarms"})
    briefs = {one.audience: one for one in told(engine, service, "release_brief")}
    assert set(briefs) == {"engineering", "product", "executive", "support", "legal"}
    for audience, one in briefs.items():
        assert [button["value"] for button in one.facts["buttons"]] == [f"release={release};brief={audience}"]
        assert "Fewer false alarms" in one.body
        assert one.status is NoticeStatus.SENT
    assert "goes on when somebody asks" in briefs["legal"].body, "whoever has no words of their own reads all of it"
    assert briefs["executive"].body.startswith("No decision is needed.")
    assert release not in briefs["executive"].body


def test_an_emergency_says_that_it_is_one_and_which(engine: DrivenEngine) -> None:
    service = protected(engine, emergency={"gates": [F1], "role": "rollback_authority"})
    for number, candidate in enumerate(("42", "43"), 1):
        started(engine, service, candidate, kind="emergency")
        newest = [one for one in told(engine, service, "release_brief") if one.audience == "engineering"]
        body = next(one.body for one in newest if one.facts["release"]["candidate"] == candidate)
        assert f"This is an emergency release, number {number} of this service in 90 days." in body
        assert "Its retrospective is due by" in body


def test_a_failed_gate_is_told_to_its_owner_with_its_figures_and_the_halt_names_no_person(engine: DrivenEngine) -> None:
    service = protected(engine)
    push(engine, started(engine, service), 0.71)
    (one,) = told(engine, service, "gate_failed")
    assert one.audience == "person:olga"
    assert "f1: 0.71, demanded at least 0.9" in one.body
    halts = {notice.audience: notice.body for notice in told(engine, service, "halted")}
    assert "Halted by: a gate that does not pass, with nobody involved" in halts["engineering"]
    assert "the new version does not pass it" in halts["executive"]
    assert "Decided by: the policy, with nobody involved" in halts["legal"]
    assert "0.71" in halts["executive"]


def test_who_asks_to_go_on_without_evidence_has_the_owner_told_what_is_missing(engine: DrivenEngine) -> None:
    service = protected(engine)
    receipt = engine.order(Word.RELEASE_START, service, candidate="42")
    engine.order(Word.PROMOTE, receipt.records[0], by="otto")  # before anybody has looked at its gates
    engine.work()
    (one,) = told(engine, service, "gate_unknown")
    assert one.audience == "person:olga"
    assert "otto asked to go on" in one.body
    assert "andon evidence push" in one.body


def test_from_live_to_the_all_clear_each_hears_what_is_theirs(engine: DrivenEngine) -> None:
    service = protected(engine)
    release = started(engine, service)
    push(engine, release, 0.95)
    for _ in range(3):
        engine.order(Word.PROMOTE, release)
        engine.work()
    assert [one.audience for one in told(engine, service, "stage_passed")] == ["engineering"]
    live = {one.audience: one.body for one in told(engine, service, "release_live")}
    assert set(live) == {"engineering", "product", "executive", "support", "legal"}
    assert "Who endorses it: endorser (otto)" in live["product"]
    (asked,) = told(engine, service, "release_watched")
    assert asked.audience == "person:otto"
    assert [(one["action"], one["value"]) for one in asked.facts["buttons"]] == [
        ("release_endorse", f"release={release}")
    ]
    assert not engine.order(Word.RELEASE_ENDORSE, release, by="otto").refused
    engine.work()
    clear = {one.audience: one.body for one in told(engine, service, "release_endorsed")}
    assert "all clear" in clear["executive"]
    assert "Endorsed by: otto" in clear["legal"]


def test_no_word_about_a_release_falls_back_to_bare_facts(engine: DrivenEngine) -> None:
    with engine.app.store.read() as tx:
        sent = [one for one in tx.notices(limit=100_000) if one.status is NoticeStatus.SENT]
    assert len(sent) > 20
    assert [one.name for one in sent if "could not be used" in one.body] == []
