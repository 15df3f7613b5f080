"""The gates checklist, documents, drill and parity: what people signed and wrote, and what was really deployed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from support.judging_gates import GATES, NOW, Bench, OneAnswer

from bot.domain.gates import GateVerdict
from bot.plugins import Reply

PASS, FAIL, UNKNOWN = GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.UNKNOWN
ITEMS = [{"name": "runbook", "role": "champion"}, {"name": "load", "role": "engineer", "not_author": True}]


def signed(*names: tuple[str, str], author: str | None = "ada") -> Bench:
    roles = {"champion": {"cleo", "ada"}, "engineer": {"ada", "A2", "emil"}}
    bench = Bench(manifest={"author": author} if author else {}, roles=roles, persons={"A2": "ada"})
    for item, by in names:
        bench.sign(f"item:{item}", by)
    return bench


@pytest.mark.parametrize(
    ("names", "author", "verdict", "part"),
    [
        ([("runbook", "cleo"), ("load", "emil")], "ada", PASS, "all 2 items are signed"),
        ([("runbook", "ada"), ("load", "emil"), ("load", "ada")], "ada", PASS, "all 2"),
        ([("runbook", "cleo")], "ada", UNKNOWN, "load is not signed by anybody in the role engineer yet"),
        ([("runbook", "mallory"), ("load", "emil")], "ada", UNKNOWN, "mallory signed it without that role"),
        ([("runbook", "cleo"), ("load", "ada")], "ada", UNKNOWN, "signed by the candidate's author only"),
        ([("runbook", "cleo"), ("load", "A2")], "ada", UNKNOWN, "signed by the candidate's author only"),
        ([("runbook", "cleo"), ("load", "ada"), ("load", "A2")], "ada", UNKNOWN, "author only"),
        ([("runbook", "cleo"), ("load", "emil")], None, UNKNOWN, "the manifest names no author"),
        ([("Runbook", "cleo"), ("brief:load", "emil")], "ada", UNKNOWN, "is not signed"),
        ([], "ada", UNKNOWN, "runbook is not signed"),
    ],
)
def test_checklist(names: list[tuple[str, str]], author: str | None, verdict: GateVerdict, part: str) -> None:
    judged = signed(*names, author=author).judge("checklist", items=ITEMS)
    assert judged.verdict is verdict
    assert part in judged.why
    assert judged.figures[0].threshold == "at least 2"


def test_a_thousand_signatures_of_strangers_are_not_kept() -> None:
    bench = signed(*[("runbook", f"stranger-{number}") for number in range(1000)], ("load", "emil"))
    _, _, measured = bench.measure("checklist", items=ITEMS)
    assert len(measured.facts["items"]["runbook"]) == 20
    bench.sign("item:runbook", "cleo")
    assert bench.judge("checklist", items=ITEMS).verdict is PASS, "strangers cannot crowd out a holder of the role"


PLAN = {"text": "Point the alias at the incumbent.", "reviewed_at": "2026-11-01T12:00:00Z", "reviewed_by": "cleo"}


@pytest.mark.parametrize(
    ("paper", "verdict", "part"),
    [
        (PLAN, PASS, "are there"),
        ({**PLAN, "reviewed_at": "2026-08-22T12:00:00Z"}, PASS, "are there"),
        ({**PLAN, "reviewed_at": "2026-08-22T11:59:00Z"}, FAIL, "was reviewed 90.001 days ago, at most 90 days"),
        ({"text": "Point the alias back."}, UNKNOWN, "does not say when it was reviewed"),
        ({**PLAN, "reviewed_at": "2026-12-20T12:00:00Z"}, UNKNOWN, "30 days in the future"),
        ({"link": "https://wiki.example.com/plan", "reviewed_at": "2026-11-01T12:00:00Z"}, PASS, "are there"),
        ({**PLAN, "text": "  "}, FAIL, "rollback_plan is missing"),
        ({**PLAN, "text": "TODO."}, FAIL, "rollback_plan is missing"),
        ({}, FAIL, "rollback_plan is missing"),
        ({**PLAN, "reviewed_at": "last week"}, UNKNOWN, "of the manifest cannot be used"),
        ({**PLAN, "reviewed_at": "2026-11-01T12:00:00"}, UNKNOWN, "of the manifest cannot be used"),
        ("a plan", UNKNOWN, "of the manifest cannot be used"),
    ],
)
def test_documents(paper: Any, verdict: GateVerdict, part: str) -> None:
    judged = Bench(manifest={"rollback_plan": paper}).judge("documents", require=["rollback_plan"], max_age="90d")
    assert judged.verdict is verdict, judged.why
    assert part in judged.why


def test_documents_of_other_names_and_without_an_age() -> None:
    bench = Bench(manifest={"documents": {"model_card": {"text": "Scores card fraud."}}, "rollback_plan": PLAN})
    assert bench.judge("documents", require=["rollback_plan", "model_card"]).verdict is PASS
    judged = bench.judge("documents", require=["impact_analysis", "model_card"])
    assert (judged.verdict, judged.why) == (FAIL, "impact_analysis is missing from the manifest")
    without = Bench().judge("documents", require=["rollback_plan"])
    assert without.verdict is UNKNOWN
    assert "start it with --manifest FILE" in without.why


def drill(days: float, *, passed: Any = True, playbook: str = "back", **more: Any) -> dict[str, Any]:
    ended = NOW - timedelta(days=days)
    return {"id": f"drill-{days}", "playbook": playbook, "passed": passed, "ended_at": ended.isoformat(), **more}


@pytest.mark.parametrize(
    ("drills", "verdict", "part"),
    [
        ([], UNKNOWN, "back was never drilled"),
        ([drill(3)], PASS, "3 days ago, passed"),
        ([drill(3, playbook="other")], UNKNOWN, "never drilled"),
        ([drill(31)], FAIL, "at most 30 days are wanted"),
        ([drill(1, passed=False), drill(3)], FAIL, "did not pass"),
        ([drill(3), drill(1, passed=False)], FAIL, "did not pass"),
        ([drill(1), drill(3, passed=False)], PASS, "passed"),
        ([drill(1, passed="yes")], UNKNOWN, "does not say whether it passed"),
        ([drill(-3)], UNKNOWN, "never drilled"),
        ([{"playbook": "back", "passed": True, "ended_at": "soon"}], UNKNOWN, "never drilled"),
        ([{"playbook": "back", "passed": True, "ended_at": None}, drill(2)], PASS, "2 days ago"),
        ([{**drill(0), "ended_at": NOW - timedelta(days=2)}], PASS, "2 days ago"),
    ],
)
def test_drill(drills: list[dict[str, Any]], verdict: GateVerdict, part: str) -> None:
    judged = Bench(drills=drills).judge("drill", playbook="back", within="30d")
    assert judged.verdict is verdict, judged.why
    assert part in judged.why


def test_a_drill_may_have_to_be_of_one_environment() -> None:
    bench = Bench(drills=[drill(3, environment="staging")])
    assert bench.judge("drill", playbook="back", within="30d", environment="staging").verdict is PASS
    assert bench.judge("drill", playbook="back", within="30d", environment="production").verdict is UNKNOWN


A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


@pytest.mark.parametrize(
    ("deployed", "verdict", "part"),
    [
        ({"model": A, "image": B}, PASS, "all 2 artifacts are the tested ones"),
        ({"model": A.replace("a", "A").replace("shA", "sha"), "image": B}, PASS, "all 2"),
        ({"model": A, "image": C}, FAIL, f"1 of 2 differ: 'image' is {C}, tested was {B}"),
        ({"model": A}, UNKNOWN, "not seen where it is deployed, or by another kind of digest: 'image'"),
        ({"model": A, "image": "sha512:" + "b" * 128}, UNKNOWN, "by another kind of digest: 'image'"),
        ({"model": C, "image": "sha512:" + "b" * 128}, FAIL, "1 of 2 differ: 'model'"),
        ({"model": C}, FAIL, "'model' is"),
        ({"model": A, "image": B, "sidecar": C}, PASS, "also there: sidecar"),
        ({}, UNKNOWN, "holds no digests"),
        ({"model": "latest", "image": B}, UNKNOWN, "The evidence cannot be used"),
        ({"model": None}, UNKNOWN, "The evidence cannot be used"),
    ],
)
def test_parity_of_what_was_pushed(deployed: dict[str, Any], verdict: GateVerdict, part: str) -> None:
    bench = Bench(manifest={"artifacts": {"model": A, "image": B}}).push("deployed", {"digests": deployed})
    judged = bench.judge("parity")
    assert judged.verdict is verdict, judged.why
    assert part in judged.why


ASKED = {"url": "https://deploy.example.com/v1?token=s3cr3t", "digests": "body.artifacts"}


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(200, body={"artifacts": {"model": A, "image": B}}, raw=b"{}"), PASS),
        (Reply(200, body={"artifacts": {"model": A, "image": C}}), FAIL),
        (Reply(200, body={"artifacts": {"model": A, "image": "unknown"}}), UNKNOWN),
        (Reply(200, body={"artifacts": [A, B]}), UNKNOWN),
        (Reply(200, body={}), UNKNOWN),
        (Reply(200, body=None, text="<html>"), UNKNOWN),
        (Reply(500, body={"artifacts": {"model": A, "image": B}}), UNKNOWN),
        (Reply(None, error="the host does not answer"), UNKNOWN),
    ],
)
def test_parity_of_what_is_read_back(reply: Reply, verdict: GateVerdict) -> None:
    bench = Bench(manifest={"artifacts": {"model": A, "image": B}}, http=OneAnswer(reply))
    judged = bench.judge("parity", **ASKED)
    assert judged.verdict is verdict, judged.why
    _, _, measured = bench.measure("parity", **ASKED)
    assert "s3cr3t" not in f"{measured} {judged}"
    if verdict is PASS:
        assert [(one.name, one.content) for one in measured.fetched] == [("deployed", b"{}")]


def test_parity_keeps_no_secret_that_a_server_sends_back() -> None:
    secret = "s3cr3t-of-the-deployer"
    body = {"artifacts": {"model": A, "image": B, f"asked with {secret}": C}}
    reply = Reply(200, body=body, text=json.dumps(body), raw=json.dumps(body).encode(), headers={"x-echo": secret})
    bench = Bench(manifest={"artifacts": {"model": A, "image": B}}, http=OneAnswer(reply))
    asked = {**ASKED, "headers": {"Authorization": f"Bearer {secret}"}}
    judged, (_, _, measured) = bench.judge("parity", **asked), bench.measure("parity", **asked)
    assert judged.verdict is PASS
    assert secret not in f"{judged} {measured}"
    assert b"[hidden]" in measured.fetched[0].content
    bench.http = OneAnswer(Reply(None, error=f"{secret} was refused"))
    assert secret not in bench.judge("parity", **asked).why


def test_parity_without_tested_digests_or_of_another_version_is_unknown() -> None:
    assert "names no artifacts" in Bench().push("deployed", {"digests": {"model": A}}).judge("parity").why
    bench = Bench(manifest={"artifacts": {"model": A}}).push("deployed", {"digests": {"model": A}}, version="41")
    judged = bench.judge("parity")
    assert judged.verdict is UNKNOWN
    assert "about version '41'" in judged.why


@pytest.mark.parametrize(
    ("use", "params"),
    [
        ("checklist", {"items": []}),
        ("checklist", {"items": [ITEMS[0], ITEMS[0]]}),
        ("checklist", {"items": [{"name": "runbook"}]}),
        ("documents", {"require": []}),
        ("documents", {"require": ["a"], "max_age": "0d"}),
        ("drill", {"playbook": "back"}),
        ("drill", {"playbook": "back", "within": 30}),
        ("parity", {"url": "https://deploy.example.com/"}),
        ("parity", {"digests": "body"}),
        ("parity", {"url": "https://user:pw@deploy.example.com/", "digests": "body"}),
    ],
)
def test_parameters_that_make_no_sense_are_refused(use: str, params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GATES[use].Params.model_validate(params)
