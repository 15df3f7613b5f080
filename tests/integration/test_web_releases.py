"""The API of releases over real HTTP: what is started, judged, refused with its verdicts, pushed and downloaded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support.driven_engine import fresh_name
from support.staged_services import BAD, F1, GOOD, StagedWorld, running_world

from bot.flow.evidence_desk import MEDIA, MOST_BYTES

UNKNOWN = "rel-01aaaaaaaaaaaaaaaaaaaaaaaa"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagedWorld]:
    with running_world(tmp_path_factory.mktemp("releases")) as world:
        yield world


@pytest.fixture
def service(world: StagedWorld) -> str:
    return world.protect(fresh_name("api"))


def test_a_release_is_started_and_shown_with_all_that_is_known(world: StagedWorld, service: str) -> None:
    manifest = {"objective": "Fewer false alarms", "artifacts": {"model": f"sha256:{'a' * 64}"}, "author": "otto"}
    body = {"service": service, "candidate": "42", "manifest": manifest}
    answer = world.api().post("/api/v1/releases", json=body)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["order"]["refused"] is False
    assert [told[key] for key in ("service", "candidate", "incumbent", "stage", "state", "author")] == [
        service, "42", "41", "evaluation", "evaluation", "otto",
    ]  # fmt: skip
    shown = world.api("vera").get(f"/api/v1/releases/{told['id']}").json()
    assert shown["manifest"] == manifest
    assert [one["name"] for one in shown["stages"]] == ["evaluation", "staging", "production", "watch"]
    assert shown["stages"][0]["gates"][0]["verdict"] in ("not_run", "unknown")
    listed = world.api("vera").get("/api/v1/releases", params={"service": service}).json()
    assert [one["id"] for one in listed["items"]] == [told["id"]]


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"candidate": None}, 422, "candidate"),
        ({"candidate": "4 2"}, 422, "candidate"),
        ({"candidate": "41"}, 400, "both 41"),
        ({"service": "nobody-knows-it"}, 404, "nobody-knows-it"),
        ({"kind": "urgent"}, 422, "kind"),
        ({"kind": "emergency"}, 409, "emergency class"),
        ({"incumbent": "evil"}, 409, "known are 41"),
        ({"manifest": {"objectve": "x"}}, 400, "objectve"),
        ({"manifest": {"artifacts": {"model": "latest"}}}, 400, "artifacts.model"),
        ({"surprise": 1}, 422, "surprise"),
    ],
)
def test_a_start_that_cannot_be_is_told_why(
    world: StagedWorld, service: str, changed: dict[str, Any], status: int, said: str
) -> None:
    body = {"service": service, "candidate": "42", **changed}
    answer = world.api().post("/api/v1/releases", json={key: one for key, one in body.items() if one is not None})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert said in answer.text


def test_promotion_that_gates_refuse_is_a_409_with_the_verdicts(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    answer = world.api().post(f"/api/v1/releases/{release}/promote", json={})
    assert answer.status_code == 409
    problem = answer.json()
    assert "f1" in problem["detail"]
    gate = problem["verdicts"][0]["gates"][0]
    assert (gate["verdict"], gate["use"]) == ("unknown", "metric")
    assert "evidence" in gate["why"]


def test_what_gates_kept_while_they_looked_is_no_news_that_would_open_the_way(world: StagedWorld) -> None:
    stages = [{"name": "evaluation", "gates": [F1, {"use": "documents", "require": ["rollback_plan"]}]}]
    service = world.protect(fresh_name("known"), stages=stages)
    release = world.started(service, manifest={"rollback_plan": {"text": "41 again"}})
    assert [one["source"] for one in world.api().get(f"/api/v1/releases/{release}").json()["evidence"]] == ["judged"]
    answer = world.api().post(f"/api/v1/releases/{release}/promote", json={})
    assert answer.status_code == 409, "it is known that f1 was never measured"
    assert {gate["verdict"] for gate in answer.json()["verdicts"][0]["gates"]} == {"unknown", "pass"}


def test_promotion_is_asked_for_and_then_judged(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    assert world.push(release, GOOD).status_code == 201
    answer = world.api().post(f"/api/v1/releases/{release}/promote", json={})
    assert answer.status_code == 202, answer.text
    assert answer.json()["wanted_by"] == "olga"
    world.engine.work()
    shown = world.api().get(f"/api/v1/releases/{release}").json()
    assert shown["stage"] == "staging"
    figure = shown["stages"][0]["gates"][0]["figures"][0]
    assert (figure["value"], figure["low"], figure["high"], figure["n"]) == (0.95, 0.94, 0.96, 2000)
    gate = world.api().get(f"/api/v1/services/{service}/gate").json()
    assert (gate["verdict"], gate["stage"]) == ("unknown", "staging")


def test_what_was_passed_stays_to_be_seen_however_often_a_later_stage_is_looked_at(
    world: StagedWorld, service: str
) -> None:
    release = world.started(service)
    world.push(release, GOOD)
    world.promote(release)
    with world.engine.app.store.write() as tx:
        newest = next(one for one in tx.gate_results(release) if one.stage == "staging")
        for number in range(1_001):
            tx.add(replace(newest, id=f"vdt-again{number}-{release[4:12]}"))
    shown = world.api().get(f"/api/v1/releases/{release}").json()
    assert [(one["state"], one["verdict"]) for one in shown["stages"][:2]] == [("passed", "pass"), ("here", "unknown")]
    assert shown["stages"][0]["gates"][0]["figures"]


def test_what_gates_keep_never_crowds_out_what_was_handed_in(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    pushed = world.push(release, GOOD).json()["id"]
    with world.engine.app.store.write() as tx:
        judged = next(one for one in tx.evidence_of(release) if one.source == "judged")
        for number in range(250):
            tx.add(replace(judged, id=f"evd-again{number}-{release[4:12]}", at=world.engine.app.clock.now()))
    shown = [one["id"] for one in world.api().get(f"/api/v1/releases/{release}").json()["evidence"]]
    assert pushed in shown
    assert len(shown) == 200


def test_a_failed_gate_answers_fail_and_no_role_gets_past_it(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    world.push(release, BAD)
    assert world.api().get(f"/api/v1/services/{service}/gate").json()["verdict"] == "fail"
    for who in ("olga", "ada"):
        answer = world.api(who).post(f"/api/v1/releases/{release}/promote", json={})
        assert answer.status_code == 409
        assert "halted" in answer.text


@pytest.mark.parametrize("key", ["force", "override", "skip_gates", "stage"])
def test_no_key_of_a_promotion_goes_past_a_gate(world: StagedWorld, service: str, key: str) -> None:
    release = world.started(service)
    answer = world.api("ada").post(f"/api/v1/releases/{release}/promote", json={key: True})
    assert answer.status_code == 422
    assert world.api().get(f"/api/v1/releases/{release}").json()["stage"] == "evaluation"


ORDERS: list[tuple[str, dict[str, Any]]] = [
    ("promote", {}),
    ("sign", {"item": "runbook"}),
    ("unsign", {"item": "runbook"}),
    ("second", {}),
    ("abandon", {"reason": "no longer wanted"}),
    ("endorse", {"reason": "it serves well"}),
    ("retrospective", {"reason": "we learned"}),
]


@pytest.mark.parametrize(("word", "body"), ORDERS)
def test_a_viewer_gives_no_order_and_a_stranger_sees_nothing(
    world: StagedWorld, service: str, word: str, body: dict[str, Any]
) -> None:
    release = world.started(service)
    assert world.api("vera").post(f"/api/v1/releases/{release}/{word}", json=body).status_code == 403
    assert world.api(None).post(f"/api/v1/releases/{release}/{word}", json=body).status_code == 401
    assert world.api(None).get(f"/api/v1/releases/{release}").status_code == 401
    assert world.api().get(f"/api/v1/releases/{release}").json()["state"] == "evaluation"


@pytest.mark.parametrize(("word", "body"), ORDERS)
def test_an_order_about_an_unknown_release_is_a_404(world: StagedWorld, word: str, body: dict[str, Any]) -> None:
    assert world.api().post(f"/api/v1/releases/{UNKNOWN}/{word}", json=body).status_code == 404
    assert world.api().get(f"/api/v1/releases/{UNKNOWN}").status_code == 404


@pytest.mark.parametrize(("word", "body"), ORDERS)
def test_nothing_moves_a_release_that_is_over(
    world: StagedWorld, service: str, word: str, body: dict[str, Any]
) -> None:
    release = world.started(service)
    done = world.api().post(f"/api/v1/releases/{release}/abandon", json={"reason": "superseded"})
    assert done.status_code == 200
    assert done.json()["state"] == "abandoned"
    if word == "unsign":
        assert world.api().post(f"/api/v1/releases/{release}/{word}", json=body).status_code in (404, 409)
    else:
        assert world.api().post(f"/api/v1/releases/{release}/{word}", json=body).status_code == 409
    assert world.api().get(f"/api/v1/releases/{release}").json()["state"] == "abandoned"


def test_evidence_about_a_release_that_is_over_is_refused(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    world.api().post(f"/api/v1/releases/{release}/abandon", json={"reason": "superseded"})
    answer = world.push(release, GOOD)
    assert answer.status_code == 409, answer.text
    assert world.push(UNKNOWN, GOOD).status_code == 404


def test_a_signature_is_taken_once_and_only_in_a_role_that_is_held(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    url = f"/api/v1/releases/{release}/sign"
    assert world.api("otto").post(url, json={"item": "runbook", "role": "champion"}).status_code == 409
    assert world.api().post(url, json={"item": "runbook", "role": "champion"}).status_code == 200
    again = world.api().post(url, json={"item": "runbook"}).json()
    assert len(again["signatures"]) == 1
    assert world.api().post(url, json={}).status_code == 400
    assert world.api().post(url, json={"item": "a", "brief": "product"}).status_code == 400
    brief = world.api("otto").post(url, json={"brief": "product"}).json()
    assert [one["subject"] for one in brief["signatures"]] == ["item:runbook", "brief:product"]


PARQUET = b"PAR1 is what such a file begins with"


@pytest.mark.parametrize("media", sorted(MEDIA))
def test_evidence_of_each_type_comes_back_as_it_went_in_and_only_as_a_download(
    world: StagedWorld, service: str, media: str
) -> None:
    release = world.started(service)
    content = {"application/json": json.dumps(GOOD).encode(), "text/csv": b"label,prediction\n1,1\n"}.get(
        media, PARQUET
    )
    sent = world.api().post(
        f"/api/v1/releases/{release}/evidence",
        params={"name": "raw.data"},
        content=content,
        headers={"content-type": f"{media}; charset=utf-8"},
    )
    assert sent.status_code == 201, sent.text
    back = world.api("vera").get(f"/api/v1/releases/{release}/evidence/{sent.json()['id']}")
    assert back.content == content
    assert back.headers["content-disposition"].startswith("attachment")
    assert back.headers["content-type"] == "application/octet-stream"
    assert back.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("params", "media", "content", "status"),
    [
        ({"name": "evaluation"}, "text/html", b"<script>alert(1)</script>", 400),
        ({"name": "evaluation"}, "application/json", b"", 400),
        ({"name": "../../etc/passwd"}, "application/json", b"{}", 400),
        ({"name": "judged:f1"}, "application/json", b"{}", 400),
        ({"name": "evaluation", "about": "nobody"}, "application/json", b"{}", 422),
        ({}, "application/json", b"{}", 422),
        ({"name": "evaluation", "version": "v" * 201}, "application/json", b"{}", 422),
    ],
)
def test_evidence_that_cannot_be_kept_is_refused_in_words(
    world: StagedWorld, service: str, params: dict[str, str], media: str, content: bytes, status: int
) -> None:
    release = world.started(service)
    url = f"/api/v1/releases/{release}/evidence"
    answer = world.api().post(url, params=params, content=content, headers={"content-type": media})
    assert answer.status_code == status, answer.text
    assert world.api().get(f"/api/v1/releases/{release}").json()["evidence"] == []


def test_evidence_over_the_cap_is_refused_before_it_is_kept(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    url = f"/api/v1/releases/{release}/evidence"
    answer = world.api().post(
        url, params={"name": "evaluation"}, content=bytes(MOST_BYTES + 1), headers={"content-type": "text/csv"}
    )
    assert answer.status_code == 413
    assert world.api("vera").post(url, params={"name": "evaluation"}, content=b"{}").status_code == 403


def test_evidence_is_looked_up_within_its_own_release(world: StagedWorld, service: str) -> None:
    other = world.started(world.protect(fresh_name("other")))
    kept = world.push(world.started(service), GOOD).json()["id"]
    assert world.api().get(f"/api/v1/releases/{other}/evidence/{kept}").status_code == 404
    assert world.api().get(f"/api/v1/releases/{other}/evidence/{UNKNOWN}").status_code == 404


def test_evidence_that_is_no_figure_makes_the_gate_unknown_and_never_a_pass(world: StagedWorld, service: str) -> None:
    release = world.started(service)
    for document in ({"metrics": {"f1": "0.99"}}, {"metrics": {"f1": None}}, [], {"metrics": {"f1": 1e400}}):
        world.push(release, document)
        gate = world.api().get(f"/api/v1/services/{service}/gate").json()
        assert gate["verdict"] == "unknown", document
        assert gate["gates"][0]["why"]


def test_an_emergency_over_the_api_needs_its_second_person(world: StagedWorld) -> None:
    emergency = {"gates": [{**F1, "at_least": 0.7, "max_drop": 0.5}], "do": "shift_it"}
    service = world.protect(fresh_name("urgent"), emergency=emergency)
    body = {"service": service, "candidate": "42", "kind": "emergency"}
    release = world.api().post("/api/v1/releases", json=body).json()["id"]
    world.push(release, GOOD)
    url = f"/api/v1/releases/{release}"
    assert "second person" in world.api().post(f"{url}/promote", json={}).text
    assert world.api("olga").post(f"{url}/second", json={}).status_code == 409
    assert world.api("otto").post(f"{url}/second", json={}).json()["second_person"] == "otto"
    assert world.api().post(f"{url}/promote", json={}).status_code == 202
    world.engine.work()
    shown = world.api().get(url).json()
    assert (shown["state"], shown["kind"]) == ("live", "emergency")
    assert shown["retrospective_due_at"]
