"""Drills over real HTTP: the API with its orders, and the pages with their buttons, drawings and states."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from support.page_reader import CSP, PageReader
from support.web_server import POLICY, WebServer, build_head, configuration_of, running

from bot.domain.drill_schedules import schedule_of
from bot.domain.drills import Drill, DrillEvent, DrillState
from bot.domain.policies import DrillRule
from bot.domain.times import format_time
from bot.domain.words import Word
from bot.web.orders import OF_DRILLS

XSS = '"><svg onload=alert(1)>'
RULE = {"playbook": "rollback_model", "environment": "staging", "cron": "0 3 1 * *", "name": XSS}
SERVICE = {**POLICY, "drills": [RULE, {"playbook": "rollback_model", "environment": "staging", "name": "slow"}]}
OPERATOR, VIEWER = "operator-secret-1", "viewer-secret-1"


@pytest.fixture
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    head = build_head(tmp_path_factory.mktemp("web-drills"))
    head.configuration.current = configuration_of(SERVICE)
    try:
        with running(head) as web:
            yield web
    finally:
        head.store.close()


def put(web: WebServer, state: DrillState = DrillState.PLANNED, **more: Any) -> Drill:
    """A drill of tomorrow, or one that has come so far."""
    slot = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    rule = DrillRule.model_validate(RULE)
    drill_id = web.head.ids.new("drl")
    drill = Drill(
        id=drill_id, claim=drill_id, service="fraud-model", environment="staging", playbook="rollback_model",
        schedule=schedule_of("fraud-model", rule), slot=slot, due_at=slot, wake_at=slot, objective_seconds=300.0,
        rule=rule.as_json(), state=state,
    )  # fmt: skip
    drill = replace(drill, **more)
    with web.head.store.write() as tx:
        tx.add(drill)
    return drill


def measured(web: WebServer, state: DrillState = DrillState.PASSED, **more: Any) -> Drill:
    """A drill that is over, with every moment."""
    begun = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    moments = {
        name: begun + timedelta(seconds=seconds)
        for name, seconds in {
            "started_at": 0, "injected_at": 2, "detected_at": 12.5, "decided_at": 12.6, "first_action_at": 13,
            "restored_at": 15, "verified_at": 82, "ended_at": 90,
        }.items()
    }  # fmt: skip
    return put(web, state, slot=begun, due_at=begun, wake_at=None, **{"human": False, **moments, **more})


def stored(web: WebServer, drill_id: str) -> Drill:
    with web.head.store.read() as tx:
        found = tx.drill(drill_id)
    assert found is not None
    return found


# The API


def test_a_drill_is_asked_for_and_shown(web: WebServer) -> None:
    answer = web.client(OPERATOR).post("/api/v1/services/fraud-model/drill", json={"name": "slow"})
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["state"], told["name"], told["requested_by"], told["schedule"]) == ("planned", "slow", "olga", None)
    assert told["order"]["records"] == [told["id"]]
    assert told["phases"] == []
    again = web.client(OPERATOR).post("/api/v1/services/fraud-model/drill")
    assert again.json()["id"] == told["id"]
    assert web.client(VIEWER).get(f"/api/v1/drills/{told['id']}").json()["id"] == told["id"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"environment": "production"}, 409, "a drill never touches it"),
        ({"environment": "mars"}, 409, "none of the targets"),
        ({"surprise": True}, 409, "no game days"),
        ({"surprise": "yes"}, 422, "surprise"),
        ({"name": "odd"}, 404, "no drill called"),
        ({"playbook": "../x"}, 422, "playbook"),
        ({"colour": "red"}, 422, "colour"),
    ],
)
def test_a_drill_that_cannot_be_is_told_why(web: WebServer, body: dict[str, Any], status: int, said: str) -> None:
    answer = web.client(OPERATOR).post("/api/v1/services/fraud-model/drill", json=body)
    assert answer.status_code == status, answer.text
    assert said in answer.text
    assert web.client(VIEWER).get("/api/v1/drills").json() == {"items": [], "next": None}


def test_the_measured_moments_stand_with_the_seconds_between(web: WebServer) -> None:
    drill = measured(web)
    told = web.client(VIEWER).get(f"/api/v1/drills/{drill.id}").json()
    assert (told["passed"], told["seconds_to_restore"], told["human"]) == (True, 80.0, False)
    assert told["verified_at"] == "2026-11-20T10:01:22.000Z"
    assert [(one["since"], one["until"], one["seconds"]) for one in told["phases"]] == [
        ("started", "injected", 2.0), ("injected", "detected", 10.5), ("detected", "decided", 0.1),
        ("decided", "first action", 0.4), ("first action", "restored", 2.0), ("restored", "verified", 67.0),
        ("verified", "ended", 8.0),
    ]  # fmt: skip
    assert told["rule"]["cron"] == "0 3 1 * *"
    assert told["schedule"] == "0 3 1 * * UTC"


def test_drills_are_listed_by_service_and_state_page_by_page(web: WebServer) -> None:
    made = [measured(web), measured(web, DrillState.FAILED, why="too slow"), put(web)]
    put(web, service="other")
    api = web.client(VIEWER)
    assert [one["id"] for one in api.get("/api/v1/drills?service=fraud-model").json()["items"]] == [
        one.id for one in reversed(made)
    ]
    assert [one["id"] for one in api.get("/api/v1/drills?state=failed").json()["items"]] == [made[1].id]
    first = api.get("/api/v1/drills?limit=3").json()
    rest = api.get(f"/api/v1/drills?limit=3&cursor={first['next']}").json()
    assert [one["id"] for one in rest["items"]] == [made[0].id]
    assert rest["next"] is None
    assert api.get("/api/v1/drills?state=odd").status_code == 422
    assert api.get("/api/v1/drills/drl-none").status_code == 404


def test_a_surprise_keeps_its_secret_until_it_was_detected(web: WebServer) -> None:
    drill = put(web, DrillState.INJECTING, surprise=True, started_at=datetime.now(UTC))
    told = web.client(VIEWER).get(f"/api/v1/drills/{drill.id}").json()
    assert (told["name"], told["rule"]) == (None, {})
    assert "a surprise" in told["failure"]
    with web.head.store.write() as tx:
        tx.save(replace(drill, detected_at=datetime.now(UTC)))
    assert web.client(VIEWER).get(f"/api/v1/drills/{drill.id}").json()["name"] == XSS


def test_planned_drills_are_hurried_skipped_and_moved(web: WebServer) -> None:
    api, drill, other = web.client(OPERATOR), put(web), put(web)
    to = format_time(drill.due_at + timedelta(hours=1))
    moved = api.post(f"/api/v1/drills/{drill.id}/move", json={"at": to})
    assert moved.status_code == 200, moved.text
    assert (moved.json()["due_at"], moved.json()["actor"]) == (to, "olga")
    assert api.post(f"/api/v1/drills/{drill.id}/skip", json={}).status_code == 422
    skipped = api.post(f"/api/v1/drills/{drill.id}/skip", json={"reason": "staging is rebuilt"}).json()
    assert (skipped["state"], skipped["why"]) == ("skipped", "staging is rebuilt")
    late = api.post(f"/api/v1/drills/{drill.id}/run")
    assert late.status_code == 409
    assert "cannot start any more" in late.text
    assert api.post(f"/api/v1/drills/{other.id}/run").json()["due_at"] <= format_time(datetime.now(UTC))
    assert api.post(f"/api/v1/drills/{other.id}/move", json={"at": "yesterday"}).status_code == 400


@pytest.mark.parametrize("word", ["run", "skip", "move"])
def test_orders_take_the_role(web: WebServer, word: str) -> None:
    drill = put(web)
    body = {"skip": {"reason": "x"}, "move": {"at": "in 2 h"}}.get(word, {})
    assert web.client(VIEWER).post(f"/api/v1/drills/{drill.id}/{word}", json=body).status_code == 403
    assert web.client().post(f"/api/v1/drills/{drill.id}/{word}", json=body).status_code == 401
    assert web.client(OPERATOR).post(f"/api/v1/drills/drl-none/{word}", json=body).status_code == 404
    assert stored(web, drill.id) == drill


def test_the_document_names_every_route_of_drills(web: WebServer) -> None:
    paths = web.client().get("/openapi.json").json()["paths"]
    assert {path for path in paths if "drill" in path} == {
        "/api/v1/drills",
        "/api/v1/drills/{drill_id}",
        "/api/v1/drills/{drill_id}/move",
        "/api/v1/drills/{drill_id}/run",
        "/api/v1/drills/{drill_id}/skip",
        "/api/v1/services/{service}/drill",
    }
    assert {Word.RUN_DRILL, Word.SKIP_DRILL, Word.MOVE_DRILL} == OF_DRILLS


# The pages


def logged_in(web: WebServer, token: str = OPERATOR) -> httpx.Client:
    client = web.client()
    assert client.post("/login", data={"token": token, "next": "/"}).status_code == 303
    return client


def seen(client: httpx.Client, path: str) -> tuple[httpx.Response, PageReader]:
    page = client.get(path)
    assert page.status_code == 200, page.text
    assert page.headers["content-security-policy"] == CSP
    reader = PageReader(page.text)
    reader.check_strict()
    assert XSS not in page.text
    return page, reader


def test_the_page_of_drills_shows_what_is_planned_and_what_was_proven(web: WebServer) -> None:
    planned, passed = put(web), measured(web)
    failed = measured(web, DrillState.FAILED, why="it took 400 s", human=True)
    missed = put(web, DrillState.MISSED, why="no clock was running at that time", wake_at=None)
    page, reader = seen(logged_in(web, VIEWER), "/drills")
    for one in (planned, passed, failed, missed):
        assert f"/drills/{one.id}" in reader.links
    for word in ("passed", "failed", "missed"):
        assert f'class="state {word}"' in page.text
    assert "no clock was running at that time" in page.text
    assert "1 min 20 s" in page.text
    assert "/drills" in reader.links
    _, only = seen(logged_in(web, VIEWER), "/drills?service=nobody")
    assert f"/drills/{passed.id}" not in only.links


def test_a_missed_or_failed_drill_is_red_in_the_style_sheet(web: WebServer) -> None:
    page = web.client().get("/login")
    style = web.client().get(page.text.split('rel="stylesheet" href="')[1].split('"')[0]).text
    red = [line for line in style.splitlines() if ".state.missed" in line]
    assert red
    assert all("--bad" in line for line in red)


def test_the_page_of_a_drill_draws_its_phases_against_the_objective(web: WebServer) -> None:
    page, reader = seen(logged_in(web, VIEWER), f"/drills/{measured(web, incident_id=None).id}")
    drawing = page.text.split('<svg class="drill-bar"')[1].split("</svg>")[0]
    assert drawing.count("<rect") == 5, "from the failure being there to its proof"
    assert "objective 5 min 00 s" in drawing
    assert "restored and verified after 1 min 20 s" in drawing
    assert "<title" in drawing
    assert "<desc" in drawing
    assert reader.actions == {"/logout"}
    empty, _ = seen(logged_in(web, VIEWER), f"/drills/{put(web).id}")
    assert "Nothing was measured yet." in empty.text


def test_the_buttons_of_a_planned_drill_are_orders_and_a_forgery_is_none(web: WebServer) -> None:
    drill, client = put(web), logged_in(web)
    _, reader = seen(client, f"/drills/{drill.id}")
    fields = reader.form(f"/drills/{drill.id}/move")
    assert client.post(f"/drills/{drill.id}/move", data={"at": "in 3 h"}).status_code == 403
    answer = client.post(f"/drills/{drill.id}/move", data={**fields, "at": "in 3 h"})
    assert answer.status_code == 303, answer.text
    assert stored(web, drill.id).due_at - datetime.now(UTC) < timedelta(hours=3, minutes=1)
    shown = client.get(answer.headers["location"])
    assert "starts" in shown.text
    assert client.post(f"/drills/{drill.id}/skip", data={**fields, "reason": ""}).status_code == 400
    client.post(f"/drills/{drill.id}/skip", data={**fields, "reason": "staging is rebuilt"})
    page, reader = seen(client, f"/drills/{drill.id}")
    assert "staging is rebuilt" in page.text
    assert f"/drills/{drill.id}/run" not in reader.actions
    other = put(web)
    client.post(f"/drills/{other.id}/run", data={"csrf": fields["csrf"]})
    assert stored(web, other.id).due_at <= datetime.now(UTC)
    assert client.post(f"/drills/{other.id}/explode", data={"csrf": fields["csrf"]}).status_code == 400


def test_the_page_of_a_service_rehearses_and_leads_to_its_drills(web: WebServer) -> None:
    client = logged_in(web)
    passed = measured(web)
    _, reader = seen(client, "/services/fraud-model")
    assert f"/drills/{passed.id}" in reader.links
    assert "/drills?service=fraud-model" in reader.links
    answer = client.post("/services/fraud-model/drill", data=reader.form("/services/fraud-model/drill"))
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith("/drills/drl-")
    drill = stored(web, answer.headers["location"].split("/")[2].split("?")[0])
    assert (drill.requested_by, drill.state) == ("olga", DrillState.PLANNED)
    refused = client.post(
        "/services/fraud-model/drill",
        data={**reader.form("/services/fraud-model/drill"), "environment": "production"},
    )
    assert refused.headers["location"].startswith("/services/fraud-model?said=")
    assert "a drill never touches it" in client.get(refused.headers["location"]).text


def test_a_drill_under_way_loads_itself_again_until_it_is_over(web: WebServer) -> None:
    drill = put(web, DrillState.RESTORING, started_at=datetime.now(UTC), due_at=datetime.now(UTC))
    page, _ = seen(logged_in(web, VIEWER), f"/drills/{drill.id}")
    assert 'http-equiv="refresh"' in page.text
    still, _ = seen(logged_in(web, VIEWER), f"/drills/{drill.id}?refresh=off")
    assert 'http-equiv="refresh"' not in still.text
    with web.head.store.write() as tx:
        tx.save(drill.moved(DrillEvent.CLEAN, datetime.now(UTC)).moved(DrillEvent.FAIL, datetime.now(UTC), why="slow"))
    over, _ = seen(logged_in(web, VIEWER), f"/drills/{drill.id}")
    assert 'http-equiv="refresh"' not in over.text
