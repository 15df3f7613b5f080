"""The JSON API over real HTTP: shapes, roles, orders, lists, and problem details for everything that goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from support.store_records import policy_version
from support.web_server import WEBHOOK_TOKEN, WebServer, build_head, running

from bot.domain.drills import Drill

VIEWER, OPERATOR, SECOND, ADMIN = "viewer-secret-1", "operator-secret-1", "operator-secret-2", "admin-secret-1"
LATER = datetime(2099, 1, 1, tzinfo=UTC)
PLANNED = Drill("drl-asked", "asked:drl-asked", "fraud-model", "staging", "restore", "", LATER, LATER, 300.0)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    head = build_head(tmp_path_factory.mktemp("web"))
    with head.store.write() as tx:
        tx.save(policy_version("service: fraud-model\n"))
        tx.plan_drill(PLANNED)
    with running(head) as server:
        yield server
    head.store.close()


@pytest.fixture(scope="module")
def document(web: WebServer) -> dict[str, Any]:
    return dict(web.client().get("/openapi.json").json())


@pytest.fixture(scope="module")
def asked(web: WebServer) -> dict[str, str]:
    """An alert whose run waits for the approval of the rollback authority, and what its incident has besides."""
    answer = web.alert(alertname="Latency", severity="critical", fp="asked").json()
    known = {"incident": answer["incidents"][0], "run": answer["runs"][0], "event": answer["event_id"]}
    path = f"/api/v1/incidents/{known['incident']}/action-items"
    item = as_(web, OPERATOR).post(path, json={"text": "Pin the feature", "owner": "otto"}).json()["item"]
    kept = as_(web, OPERATOR).post(f"/api/v1/incidents/{known['incident']}/files", content=b"seen").json()
    file = kept["report"]["files"]["value"][0]["sha256"]
    release = as_(web, OPERATOR).post("/api/v1/releases", json={"service": "ranker", "candidate": "9"}).json()["id"]
    pushed = as_(web, OPERATOR).post(f"/api/v1/releases/{release}/evidence?name=evaluation", json={"metrics": {}})
    line = {"key": "0", "incumbent": "a", "candidate": "b"}
    assert as_(web, OPERATOR).post("/api/v1/canaries/scored-model/observations", json=line).status_code == 202
    learned = {"text": "Wait", "diff": "--- policies/none.yaml"}
    account = as_(web, OPERATOR).post(f"/api/v1/incidents/{known['incident']}/postmortem/lessons", json=learned).json()
    more = {"item": item["id"], "file": file, "release": release, "evidence": pushed.json()["id"], "drill": PLANNED.id}
    return {**known, **more, "lesson": account["lessons"][0]["id"]}


def as_(web: WebServer, token: str) -> httpx.Client:
    return web.client(token)


def fits(document: dict[str, Any], path: str, method: str, answer: httpx.Response) -> None:
    """The answer is what the OpenAPI document says of this route and status."""
    described = document["paths"][path][method]["responses"][str(answer.status_code)]["content"]
    kind = answer.headers["content-type"].split(";")[0]
    schema = {**described[kind]["schema"], "components": document["components"]}
    Draft202012Validator(schema).validate(answer.json())


def problem_in(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["detail"]
    return dict(body)


def test_the_document_is_valid_openapi_and_names_every_route(document: dict[str, Any]) -> None:
    validate(document)
    assert {"/webhooks/{source}", "/readyz", "/api/v1/runs/{run_id}/take-over"} <= set(document["paths"])
    assert {"token", "session", "webhook_bearer"} <= set(document["components"]["securitySchemes"])
    for path, methods in document["paths"].items():
        if path.startswith("/api/"):
            for described in methods.values():
                assert described["security"], path
                assert {"401", "403", "404", "422", "503"} <= set(described["responses"])


ACCOUNT = "/api/v1/incidents/{incident}/postmortem"
READS = {
    "/api/v1/incidents": "/api/v1/incidents",
    "/api/v1/incidents/{incident_id}": "/api/v1/incidents/{incident}",
    "/api/v1/incidents/{incident_id}/summary.md": "/api/v1/incidents/{incident}/summary.md",
    "/api/v1/incidents/{incident_id}/files/{sha256}": "/api/v1/incidents/{incident}/files/{file}",
    "/api/v1/incidents/{incident_id}/bundle": "/api/v1/incidents/{incident}/bundle",
    "/api/v1/releases/{release_id}/bundle": "/api/v1/releases/{release}/bundle",
    "/api/v1/postmortems": "/api/v1/postmortems",
    "/api/v1/incidents/{incident_id}/postmortem": "/api/v1/incidents/{incident}/postmortem",
    "/api/v1/incidents/{incident_id}/postmortem.md": "/api/v1/incidents/{incident}/postmortem.md",
    "/api/v1/incidents/{incident_id}/postmortem.html": "/api/v1/incidents/{incident}/postmortem.html",
    "/api/v1/incidents/{incident_id}/postmortem/lessons/{lesson_id}.patch": f"{ACCOUNT}/lessons/{{lesson}}.patch",
    "/api/v1/minutes/{item_id}": "/api/v1/minutes/{item}",
    "/api/v1/services": "/api/v1/services",
    "/api/v1/services/{service}": "/api/v1/services/fraud-model",
    "/api/v1/services/{service}/live": "/api/v1/services/fraud-model/live",
    "/api/v1/measures": "/api/v1/measures?service=fraud-model",
    "/api/v1/runs": "/api/v1/runs",
    "/api/v1/runs/{run_id}": "/api/v1/runs/{run}",
    "/api/v1/events": "/api/v1/events",
    "/api/v1/events/{event_id}": "/api/v1/events/{event}",
    "/api/v1/policies": "/api/v1/policies",
    "/api/v1/policies/{service}": "/api/v1/policies/fraud-model",
    "/api/v1/canaries/{release}": "/api/v1/canaries/scored-model",
    "/api/v1/canaries/{release}/affected": "/api/v1/canaries/scored-model/affected",
    "/api/v1/automation": "/api/v1/automation",
    "/api/v1/discipline": "/api/v1/discipline",
    "/api/v1/drills": "/api/v1/drills",
    "/api/v1/drills/{drill_id}": "/api/v1/drills/{drill}",
    "/api/v1/audit/verify": "/api/v1/audit/verify",
    "/api/v1/releases": "/api/v1/releases",
    "/api/v1/releases/{release_id}": "/api/v1/releases/{release}",
    "/api/v1/releases/{release_id}/evidence/{evidence_id}": "/api/v1/releases/{release}/evidence/{evidence}",
    "/api/v1/services/{service}/gate": "/api/v1/services/fraud-model/gate",
    "/api/v1/reports/controls": "/api/v1/reports/controls?from=2026-01-01&to=2026-01-31",
    "/api/v1/reports/controls.md": "/api/v1/reports/controls.md?from=2026-01-01&to=2026-01-31",
    "/api/v1/rights": "/api/v1/rights",
}


def test_the_audit_is_held_against_the_heads_in_the_data_folder(web: WebServer) -> None:
    kept = web.head.settings.data / "audit-heads"
    assert as_(web, VIEWER).get("/api/v1/audit/verify").json()["ok"]
    kept.write_text(f"{10**9} {'c0de' * 16}\n")
    try:
        found = as_(web, VIEWER).get("/api/v1/audit/verify").json()
    finally:
        kept.unlink()
    assert not found["ok"]
    assert "was anchored" in found["problem"]


def test_evidence_that_no_gate_could_read_is_a_400_that_says_what_to_do(web: WebServer, asked: dict[str, str]) -> None:
    path = f"/api/v1/releases/{asked['release']}/evidence?name=evaluation"
    operator = as_(web, OPERATOR)
    before = operator.get(f"/api/v1/releases/{asked['release']}").json()["evidence"]
    rows = b'{"label": 1}\n{"label": NaN}\n'
    answer = operator.post(path, content=rows, headers={"Content-Type": "application/x-ndjson"})
    problem_in(answer, 400)
    assert "Line 2 of the evidence" in answer.text
    assert "null where there is no value" in answer.text
    problem_in(operator.post(path, content=rows, headers={"Content-Type": "application/json"}), 400)
    assert operator.get(f"/api/v1/releases/{asked['release']}").json()["evidence"] == before


@pytest.mark.parametrize("path", READS)
def test_a_viewer_reads_what_the_document_describes(
    web: WebServer, document: dict[str, Any], asked: dict[str, str], path: str
) -> None:
    answer = as_(web, VIEWER).get(READS[path].format(**asked))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    if answer.headers["content-type"] == "application/json":
        fits(document, path, "get", answer)


def test_every_read_of_the_document_is_tried_here(document: dict[str, Any]) -> None:
    described = {path for path, methods in document["paths"].items() if path.startswith("/api/") and "get" in methods}
    assert described == set(READS)


def test_what_is_live_is_answered_for_any_moment_but_one_to_come(web: WebServer) -> None:
    viewer, path = as_(web, VIEWER), "/api/v1/services/fraud-model/live"
    now = viewer.get(path, params={"environment": "production"}).json()
    assert [one["environment"] for one in now["environments"]] == ["production"]
    past = viewer.get(path, params={"at": "2020-01-01T00:00:00Z", "environment": "production"}).json()
    assert (past["at"], past["environments"][0]["version"]) == ("2020-01-01T00:00:00.000Z", None)
    assert past["environments"][0]["as_expected"] is None
    problem_in(viewer.get(path, params={"at": "9999-01-01T00:00:00Z"}), 400)
    problem_in(viewer.get(path, params={"at": "yesterday"}), 400)
    problem_in(viewer.get(path, params={"environment": "/"}), 422)
    problem_in(viewer.get("/api/v1/services/no-such-one/live"), 404)


def test_a_run_has_the_fields_of_the_contract(web: WebServer, asked: dict[str, str]) -> None:
    run = as_(web, VIEWER).get(f"/api/v1/runs/{asked['run']}").json()
    assert run["status"] == "waiting"
    assert run["playbook"] == "rollback_model"
    assert run["first_action_at"] is None
    assert run["deadline"] > run["accepted_at"]
    assert run["approvals"][0]["role"] == "rollback_authority"
    assert "approve" in run["may"]
    names = {"id", "use", "status", "tries", "started_at", "finished_at", "output", "error"}
    assert names <= set(run["steps"][0])


def test_an_incident_carries_all_that_belongs_to_it(web: WebServer, asked: dict[str, str]) -> None:
    incident = as_(web, VIEWER).get(f"/api/v1/incidents/{asked['incident']}").json()
    assert incident["release"]["candidate"] == "42"
    assert incident["timeline"]
    assert incident["decisions"][0]["reason"]
    assert asked["run"] in [run["id"] for run in incident["runs"]]
    assert {notice["audience"] for notice in incident["notices"]} >= {"engineering", "executive"}


# Every route that changes something, with a body that is valid for it and the least role that may.
CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "/api/v1/services/fraud-model/halt": ({"reason": "wrong scores"}, "operator"),
    "/api/v1/services/fraud-model/lift": ({"reason": "mended"}, "admin"),
    "/api/v1/services/fraud-model/hands-off": ({"for": "2h", "reason": "migration"}, "admin"),
    "/api/v1/services/fraud-model/rollback": ({"reason": "wrong scores"}, "operator"),
    "/api/v1/automation": ({"on": True, "reason": "again"}, "admin"),
    "/api/v1/canaries/scored-model/observations": ({"key": "1", "incumbent": "a", "candidate": "a"}, "operator"),
    "/api/v1/services/fraud-model/drill": ({"environment": "staging"}, "operator"),
    "/api/v1/drills/{drill}/run": ({}, "operator"),
    "/api/v1/drills/{drill}/skip": ({"reason": "a holiday"}, "operator"),
    "/api/v1/drills/{drill}/move": ({"at": "2099-12-01T10:00:00Z"}, "operator"),
    "/api/v1/runs/{run}/approve": ({"plan_hash": "0"}, "operator"),
    "/api/v1/runs/{run}/reject": ({}, "operator"),
    "/api/v1/runs/{run}/cancel": ({}, "operator"),
    "/api/v1/runs/{run}/retry": ({}, "operator"),
    "/api/v1/runs/{run}/done": ({}, "operator"),
    "/api/v1/runs/{run}/undo": ({}, "operator"),
    "/api/v1/runs/{run}/take-over": ({}, "operator"),
    "/api/v1/incidents/{incident}/resolve": ({"reason": "over"}, "operator"),
    "/api/v1/incidents/{incident}/endorse": ({"reason": "good"}, "operator"),
    "/api/v1/events/{event}/replay": ({}, "admin"),
    "/api/v1/incidents/{incident}/decisions": ({"text": "We wait"}, "operator"),
    "/api/v1/incidents/{incident}/action-items": ({"text": "Pin it"}, "operator"),
    "/api/v1/incidents/{incident}/questions": ({"text": "Who?"}, "operator"),
    "/api/v1/incidents/{incident}/updates": ({"text": "We look at it"}, "operator"),
    "/api/v1/incidents/{incident}/report": ({"user_effect": "None"}, "operator"),
    "/api/v1/incidents/{incident}/meetings": ({"action": "start"}, "operator"),
    "/api/v1/incidents/{incident}/take": ({}, "operator"),
    "/api/v1/incidents/{incident}/handover": ({"to": "otto"}, "operator"),
    "/api/v1/incidents/{incident}/accept": ({}, "operator"),
    "/api/v1/incidents/{incident}/notes": ({"no": "notes"}, "operator"),
    "/api/v1/incidents/{incident}/files": ({"a": "file"}, "operator"),
    "/api/v1/incidents/{incident}/postmortem/sections": ({"section": "luck", "text": "Noon"}, "operator"),
    "/api/v1/incidents/{incident}/postmortem/comments": ({"text": "Seen"}, "viewer"),
    "/api/v1/incidents/{incident}/postmortem/lessons": ({"text": "Wait"}, "operator"),
    "/api/v1/incidents/{incident}/postmortem/lessons/{lesson}/withdraw": ({}, "operator"),
    "/api/v1/incidents/{incident}/postmortem/sign-off": ({}, "operator"),
    "/api/v1/incidents/{incident}/postmortem/reopen": ({"reason": "more"}, "operator"),
    "/api/v1/minutes/{item}/answer": ({"text": "Yes"}, "operator"),
    "/api/v1/minutes/{item}/finish": ({}, "operator"),
    "/api/v1/minutes/{item}/snooze": ({"for": "2h"}, "operator"),
    "/api/v1/minutes/{item}/reassign": ({"owner": "olga"}, "operator"),
    "/api/v1/minutes/{item}/amend": ({"text": "Pin both"}, "operator"),
    "/api/v1/minutes/{item}/withdraw": ({}, "operator"),
    "/api/v1/minutes/{item}/confirm": ({}, "operator"),
    "/api/v1/releases": ({"service": "fraud-model", "candidate": "43"}, "operator"),
    "/api/v1/releases/{release}/promote": ({}, "operator"),
    "/api/v1/releases/{release}/sign": ({"item": "ready"}, "operator"),
    "/api/v1/releases/{release}/unsign": ({"item": "ready"}, "operator"),
    "/api/v1/releases/{release}/second": ({}, "operator"),
    "/api/v1/releases/{release}/abandon": ({"reason": "no"}, "operator"),
    "/api/v1/releases/{release}/endorse": ({"reason": "good"}, "operator"),
    "/api/v1/releases/{release}/retrospective": ({"reason": "learned"}, "operator"),
    "/api/v1/releases/{release}/evidence?name=evaluation": ({"metrics": {}}, "operator"),
}


def test_every_change_of_the_document_is_tried_here(document: dict[str, Any]) -> None:
    described = {path for path, methods in document["paths"].items() if path.startswith("/api/") and "post" in methods}
    tried = {path.replace("fraud-model", "{service}").replace("{run}", "{run_id}") for path in CHANGES}
    tried = {path.partition("?")[0].replace("canaries/scored-model", "canaries/{the_release}") for path in tried}
    for name in ("incident", "event", "item", "release", "lesson", "drill"):
        tried = {path.replace(f"{{{name}}}", f"{{{name}_id}}") for path in tried}
    assert described == {path.replace("{the_release}", "{release}") for path in tried}


@pytest.mark.parametrize("path", [*READS.values(), *CHANGES])
def test_nobody_gets_an_answer_without_a_token(web: WebServer, asked: dict[str, str], path: str) -> None:
    method = "POST" if path in CHANGES else "GET"
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}):
        answer = web.client().request(method, path.format(**asked), headers=headers, content=b"{")
        assert answer.headers["www-authenticate"] == "Bearer"
        problem_in(answer, 401)


@pytest.mark.parametrize("path", CHANGES)
def test_a_role_that_is_too_low_is_told_which_one_it_takes(web: WebServer, asked: dict[str, str], path: str) -> None:
    body, least = CHANGES[path]
    for token in {"viewer": [], "operator": [VIEWER], "admin": [VIEWER, OPERATOR]}[least]:
        said = problem_in(as_(web, token).post(path.format(**asked), json=body), 403)
        assert said["needs"] == least
        assert least in said["detail"]


def test_the_order_of_checks_tells_a_viewer_nothing_about_bodies(web: WebServer) -> None:
    problem_in(as_(web, VIEWER).post("/api/v1/services/fraud-model/halt", content=b"{{{"), 403)


def test_a_halt_keeps_its_report_and_answers_with_the_incident(web: WebServer, document: dict[str, Any]) -> None:
    report = {
        "reason": "scores are all zero",
        "environment": "staging",
        "broken": "the score of every transaction",
        "metric": {"name": "precision", "before": 0.93, "now": 0.41, "change_percent": -55.9},
        "confidence_interval": {"low": 0.38, "high": 0.44, "level": 0.95, "threshold": 0.9},
        "reproduced": {"times": 3, "of": 3},
        "evidence": ["https://dash.example.com/d/1"],
        "estimate": {"low": "2h", "high": "6h", "date": "2026-12-01"},
        "alternatives": [{"option": "watch closely", "why_not": "the loss grows each minute"}],
    }
    answer = as_(web, OPERATOR).post("/api/v1/services/fraud-model/halt", json=report)
    assert answer.status_code == 200, answer.text
    fits(document, "/api/v1/services/{service}/halt", "post", answer)
    incident = answer.json()
    assert incident["service"] == "fraud-model"
    assert incident["environment"] == "staging"
    assert incident["order"]["refused"] is False
    kept = as_(web, VIEWER).get(f"/api/v1/events/{incident['order']['event_id']}").json()
    assert json.loads(kept["body"])["metric"]["now"] == 0.41
    service = as_(web, VIEWER).get("/api/v1/services/fraud-model").json()
    assert service["state"] == "halted"
    assert service["halted"]["by"] == "olga"
    lifted = as_(web, ADMIN).post("/api/v1/services/fraud-model/lift", json={"reason": "mended"})
    assert lifted.status_code == 200, lifted.text
    assert lifted.json()["halted"] is None


BAD_BODIES = {
    "an unknown key": {"reason": "x", "colour": "red"},
    "no reason": {"broken": "x"},
    "an empty reason": {"reason": "  "},
    "a reason of the wrong type": {"reason": 1},
    "a link that is none": {"reason": "x", "evidence": ["javascript:alert(1)"]},
    "a figure as text": {"reason": "x", "metric": {"name": "f1", "now": "0.4"}},
    "a list": [],
    "text": "reason",
    "a deep unknown key": {"reason": "x", "reproduced": {"times": 1, "of": 2, "maybe": 3}},
    "an odd duration": {"reason": "x", "estimate": {"low": "soon"}},
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_halt_report_that_does_not_fit_is_named_by_field(web: WebServer, name: str) -> None:
    answer = as_(web, OPERATOR).post("/api/v1/services/fraud-model/halt", json=BAD_BODIES[name])
    assert problem_in(answer, 422)["errors"]


@pytest.mark.parametrize(
    "raw",
    [b"{", b'{"reason":"a","reason":"b"}', b'{"reason":NaN}', b"[" * 50_000, b'{"reason":"\xff"}', b"\xef\xbb\xbf{}"],
)
def test_a_body_that_is_no_json_is_a_400(web: WebServer, raw: bytes) -> None:
    problem_in(as_(web, OPERATOR).post("/api/v1/services/fraud-model/halt", content=raw), 400)


def test_nul_and_half_characters_in_a_reason_are_survived(web: WebServer) -> None:
    raw = b'{"reason": "a\\u0000b \\ud800 c", "environment": "production"}'
    answer = as_(web, OPERATOR).post("/api/v1/services/fraud-model/halt", content=raw)
    assert answer.status_code == 200, answer.text
    incident = answer.json()["id"]
    assert as_(web, VIEWER).get(f"/api/v1/incidents/{incident}").status_code == 200
    as_(web, ADMIN).post("/api/v1/services/fraud-model/lift", json={"reason": "was a test"})


def test_a_body_over_the_cap_is_a_413(web: WebServer) -> None:
    body = {"reason": "x" * 70_000}
    problem_in(as_(web, OPERATOR).post("/api/v1/services/fraud-model/halt", json=body), 413)


def test_an_approval_holds_only_for_the_plan_that_was_shown(
    web: WebServer, document: dict[str, Any], asked: dict[str, str]
) -> None:
    path = f"/api/v1/runs/{asked['run']}/approve"
    refused = problem_in(as_(web, SECOND).post(path, json={"plan_hash": "another"}), 409)
    assert refused["event_id"]
    plan = as_(web, VIEWER).get(f"/api/v1/runs/{asked['run']}").json()["plan_hash"]
    approved = as_(web, SECOND).post(path, json={"plan_hash": plan})
    assert approved.status_code == 200, approved.text
    fits(document, "/api/v1/runs/{run_id}/approve", "post", approved)
    assert approved.json()["approved_by"] == "otto"
    problem_in(as_(web, OPERATOR).post(path, json={"plan_hash": plan}), 409)


def test_a_refusal_is_a_recorded_decision(web: WebServer, asked: dict[str, str]) -> None:
    refused = problem_in(as_(web, OPERATOR).post(f"/api/v1/runs/{asked['run']}/retry", json={}), 409)
    event = as_(web, VIEWER).get(f"/api/v1/events/{refused['event_id']}").json()
    assert event["decisions"][0]["verdict"] == "refuse"
    assert event["decisions"][0]["reason"] == refused["detail"]


def test_a_rollback_that_a_person_asks_for_waits_for_another_person(web: WebServer, document: dict[str, Any]) -> None:
    body = {"reason": "staging is wrong too", "environment": "staging"}
    answer = as_(web, OPERATOR).post("/api/v1/services/fraud-model/rollback", json=body)
    assert answer.status_code == 202, answer.text
    fits(document, "/api/v1/services/{service}/rollback", "post", answer)
    run = answer.json()
    assert (run["status"], run["requested_by"]) == ("waiting", "olga")
    own = as_(web, OPERATOR).post(f"/api/v1/runs/{run['id']}/approve", json={"plan_hash": run["plan_hash"]})
    problem_in(own, 409)
    rejected = as_(web, SECOND).post(f"/api/v1/runs/{run['id']}/reject", json={})
    assert rejected.json()["status"] == "cancelled"


def test_hands_off_and_automation_show_who_and_why(web: WebServer) -> None:
    admin = as_(web, ADMIN)
    body = {"for": "2h", "reason": "migration"}
    service = admin.post("/api/v1/services/fraud-model/hands-off", json=body).json()
    assert service["hands_off"]["by"] == "ada"
    assert service["hands_off"]["reason"] == "migration"
    off = admin.post("/api/v1/automation", json={"on": False, "reason": "a storm"}).json()
    assert (off["on"], off["changed_by"], off["reason"]) == (False, "ada", "a storm")
    assert admin.post("/api/v1/automation", json={"on": True, "reason": "over"}).json()["on"] is True


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/runs/run-unknown",
        "/api/v1/runs/%00",
        "/api/v1/runs/" + "x" * 5000,
        "/api/v1/incidents/..%2f..",
        "/api/v1/services/unheard-of",
        "/api/v1/events/%ff%fe",
        "/api/v1/nothing",
        "/api/v2/runs",
    ],
)
def test_what_does_not_exist_is_a_404_problem(web: WebServer, path: str) -> None:
    problem_in(as_(web, VIEWER).get(path), 404)


def test_an_order_about_nothing_is_a_404_and_writes_nothing(web: WebServer) -> None:
    before = as_(web, VIEWER).get("/api/v1/events").json()["items"][0]["id"]
    problem_in(as_(web, OPERATOR).post("/api/v1/runs/run-unknown/cancel", json={}), 404)
    problem_in(as_(web, OPERATOR).post("/api/v1/incidents/inc-unknown/resolve", json={"reason": "x"}), 404)
    problem_in(as_(web, OPERATOR).post("/api/v1/services/unheard-of/halt", json={"reason": "x"}), 404)
    assert as_(web, VIEWER).get("/api/v1/events").json()["items"][0]["id"] == before


def test_another_method_is_a_405_problem(web: WebServer) -> None:
    answer = as_(web, ADMIN).delete("/api/v1/runs")
    assert "GET" in answer.headers["allow"]
    problem_in(answer, 405)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "cursor=%00", "status=burning", "service=%27%3B--"]
)
def test_a_parameter_that_does_not_fit_is_a_422_problem(web: WebServer, query: str) -> None:
    assert problem_in(as_(web, VIEWER).get(f"/api/v1/incidents?{query}"), 422)["errors"]


def test_a_list_is_walked_by_its_cursor_without_gap_or_repeat(web: WebServer) -> None:
    for number in range(7):
        web.alert(alertname="Walk", service="elsewhere", fp=f"walk-{number}")
    viewer = as_(web, VIEWER)
    everything = [one["id"] for one in viewer.get("/api/v1/events?limit=200").json()["items"]]
    walked: list[str] = []
    cursor = ""
    while True:
        page = viewer.get(f"/api/v1/events?limit=3{cursor}").json()
        assert len(page["items"]) <= 3
        walked += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert walked == everything
    assert everything == sorted(everything, reverse=True)


def test_a_dead_letter_is_replayed_after_it_can_be_understood(web: WebServer) -> None:
    sent = web.client(WEBHOOK_TOKEN).post("/webhooks/generic", content=b'{"no": "title"}').json()
    admin = as_(web, ADMIN)
    dead = admin.get("/api/v1/events?disposition=dead_letter").json()["items"]
    assert sent["event_id"] in [one["id"] for one in dead]
    problem_in(admin.post(f"/api/v1/events/{sent['event_id']}/replay"), 400)
    problem_in(admin.post("/api/v1/events/evt-unknown/replay"), 404)


def test_every_api_answer_carries_the_security_headers(web: WebServer) -> None:
    for answer in (web.client().get("/api/v1/runs"), as_(web, VIEWER).get("/api/v1/runs"), web.client().get("/nope")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers


def test_without_its_database_the_api_says_when_to_come_back(tmp_path: Path) -> None:
    head = build_head(tmp_path)
    with running(head) as web:
        head.store.close()
        (tmp_path / "andon.db").rename(tmp_path / "gone.db")
        (tmp_path / "andon.db").mkdir()
        answer = as_(web, VIEWER).get("/api/v1/runs")
        problem_in(answer, 503)
        assert int(answer.headers["retry-after"]) >= 1
        assert web.client().get("/healthz").status_code == 200
        assert web.client().get("/readyz").status_code == 503
        hook = web.alert()
        assert hook.status_code == 503
        assert hook.headers["retry-after"]
    head.store.close()
