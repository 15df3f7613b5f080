"""Opsgenie's alert API: the requests that its documents describe, and every state that its answers tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from support.pagers import GENIE_KEY, KEY, PAGE, TAKEN, opsgenie
from support.scripted_server import Answer, ScriptedServer, scripted_server

from bot.adapters.http import HttpxHttp
from bot.adapters.paging.opsgenie import Opsgenie
from bot.domain.errors import StepFailed
from bot.domain.incidents import Severity
from bot.domain.pages import Acknowledgement, PageReceipt, PageStanding, PageState

ALERT = {
    "type": "object",
    "required": ["message", "alias"],
    "additionalProperties": False,
    "properties": {
        "message": {"type": "string", "minLength": 1, "maxLength": 130},
        "alias": {"type": "string", "maxLength": 512},
        "description": {"type": "string", "maxLength": 15000},
        "entity": {"type": "string", "maxLength": 512},
        "source": {"type": "string", "maxLength": 100},
        "priority": {"enum": ["P1", "P2", "P3", "P4", "P5"]},
        "details": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
"""What may be sent to /v2/alerts, of which Andon sends a part."""

PATH = "/v2/alerts/run%3Arun-01jd3m%3Aapproval%3A2"


@pytest.fixture(scope="module")
def http() -> Iterator[HttpxHttp]:
    adapter = HttpxHttp()
    yield adapter
    adapter.close()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def pager(http: HttpxHttp, server: ScriptedServer) -> Opsgenie:
    return opsgenie(http, server)


def sent(server: ScriptedServer) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(server.received[-1].body)
    jsonschema.validate(body, ALERT)
    for name in ("message", "description", "entity"):
        assert len(body[name].encode("utf-16-le", "surrogatepass")) // 2 <= ALERT["properties"][name]["maxLength"]  # type: ignore[index]
    assert sum(len(name) + len(value) for name, value in body["details"].items()) <= 8000
    return body


def alert(**values: Any) -> Answer:
    """One as the API shows it."""
    data = {
        "id": "70413a06-38d6-4c85-92b8-5ebc900d42e2",
        "tinyId": "1791",
        "alias": KEY,
        "message": "Our servers are in danger",
        "status": "open",
        "acknowledged": False,
        "isSeen": True,
        "tags": [],
        "snoozed": False,
        "count": 1,
        "createdAt": "2026-11-20T12:00:01.283Z",
        "source": "Andon",
        "owner": "",
        "priority": "P1",
        "responders": [],
        "report": {},
        **values,
    }
    return Answer(200, {"data": data, "took": 0.306, "requestId": "9ae63dd7-ed00-4c81-86f0-c4ffd33142c9"})


ABSENT = Answer(404, {"message": "Alert does not exist", "took": 0.002, "requestId": "dc194ce3"})


def request_status(**values: Any) -> Answer:
    data = {
        "success": True,
        "action": "Create",
        "processedAt": "2026-11-20T12:00:01.844Z",
        "integrationId": "c9cec2cb-e782-4ebb-bc1d-1b2fa703cf03",
        "isSuccess": True,
        "status": "Created alert",
        "alertId": "8743a1b2-11da-480e-8493-744660987bef",
        "alias": KEY,
        **values,
    }
    return Answer(200, {"data": data, "took": 0.022, "requestId": "ec7e1d8e"})


def test_a_page_asks_for_an_alert_as_documented(pager: Opsgenie, server: ScriptedServer) -> None:
    server.will(TAKEN["opsgenie"])
    assert pager.page(PAGE) == PageReceipt("opsgenie", KEY, "43a29c5c-3dbf")
    [request] = server.received
    assert (request.method, request.path) == ("POST", "/v2/alerts")
    assert request.headers["authorization"] == f"GenieKey {GENIE_KEY}"
    assert request.headers["content-type"] == "application/json"
    assert sent(server) == {
        "message": PAGE.summary,
        "alias": KEY,
        "description": f"{PAGE.summary}\n{PAGE.link}",
        "priority": "P1",
        "source": "Andon",
        "entity": "fraud-model/production",
        "details": {"asked": "rollback_authority", "since": "12:00 UTC", "incident": PAGE.link},
    }


@pytest.mark.parametrize(("severity", "priority"), list(zip(Severity, ["P1", "P2", "P3", "P4"], strict=True)), ids=str)
def test_each_severity_has_a_priority(
    pager: Opsgenie, server: ScriptedServer, severity: Severity, priority: str
) -> None:
    server.will(TAKEN["opsgenie"])
    pager.page(replace(PAGE, severity=severity))
    assert sent(server)["priority"] == priority


def test_a_long_summary_is_cut_in_the_message_and_whole_in_the_description(
    pager: Opsgenie, server: ScriptedServer
) -> None:
    server.will(TAKEN["opsgenie"])
    summary = "word " * 60
    pager.page(replace(PAGE, summary=summary, link=None))
    body = sent(server)
    assert body["message"].endswith("word…")
    assert body["description"] == summary.strip()
    assert "incident" not in body["details"]


def test_hostile_and_endless_texts_are_made_to_fit(pager: Opsgenie, server: ScriptedServer) -> None:
    server.will(TAKEN["opsgenie"])
    details = {f"label {number} {'k' * 500}": "\U0001f4a5\ud800\x1b[31m" * 5000 for number in range(300)}
    hostile = "\U0001f4a5 a\x00\r\nb\u202e " * 9000
    pager.page(replace(PAGE, summary=hostile, source=hostile, details=details, link="https://a.example/" + "x" * 9000))
    body = sent(server)
    assert body["message"].startswith("\U0001f4a5 a\ufffd b")
    assert "left out" in body["details"]


def test_a_page_is_ended_by_its_alias(pager: Opsgenie, server: ScriptedServer) -> None:
    server.will(TAKEN["opsgenie"])
    pager.resolve(KEY)
    [request] = server.received
    assert (request.method, request.path) == ("POST", f"{PATH}/close?identifierType=alias")
    assert json.loads(request.body)["source"] == "Andon"
    server.will(ABSENT)
    pager.resolve(KEY)


def test_an_open_alert_is_sent_and_not_answered(pager: Opsgenie, server: ScriptedServer) -> None:
    server.will(alert())
    assert pager.state(KEY) == PageStanding(PageState.SENT)
    [request] = server.received
    assert (request.method, request.path) == ("GET", f"{PATH}?identifierType=alias")
    assert request.headers["authorization"] == f"GenieKey {GENIE_KEY}"


def test_an_acknowledgement_is_read_back_with_who_and_when(pager: Opsgenie, server: ScriptedServer) -> None:
    server.will(alert(acknowledged=True, report={"ackTime": 15702, "acknowledgedBy": "ada@example.com"}))
    standing = pager.state(KEY)
    at = datetime(2026, 11, 20, 12, 0, 16, 985000, tzinfo=UTC)
    assert standing == PageStanding(PageState.ACKNOWLEDGED, Acknowledgement("ada@example.com", at))
    assert standing.is_answered


@pytest.mark.parametrize("report", [None, {}, {"acknowledgedBy": None}, {"acknowledgedBy": " \n"}])
def test_an_acknowledgement_by_nobody_named_is_still_one(
    pager: Opsgenie, server: ScriptedServer, report: dict[str, Any] | None
) -> None:
    server.will(alert(acknowledged=True, report=report))
    standing = pager.state(KEY)
    assert (standing.state, standing.answer) == (PageState.ACKNOWLEDGED, None)
    assert standing.is_answered


@pytest.mark.parametrize(
    "values", [{"createdAt": "yesterday"}, {"createdAt": None}, {"report": {"acknowledgedBy": "Ada"}}]
)
def test_an_unreadable_time_does_not_hide_the_answer(
    pager: Opsgenie, server: ScriptedServer, values: dict[str, Any]
) -> None:
    report = {"acknowledgedBy": "Ada", "ackTime": 5}
    server.will(alert(**{"acknowledged": True, "report": report, **values}))
    assert pager.state(KEY) == PageStanding(PageState.ACKNOWLEDGED, Acknowledgement("Ada"))


@pytest.mark.parametrize(
    "report", [{"ackTime": -1}, {"ackTime": 10**18}, {"ackTime": "5"}, {"ackTime": True}, [], "Ada"]
)
def test_a_report_of_wrong_types_is_unknown(pager: Opsgenie, server: ScriptedServer, report: Any) -> None:
    server.will(alert(acknowledged=True, report=report))
    assert pager.state(KEY).state is PageState.UNKNOWN


def test_a_page_that_a_person_closed_is_answered_and_one_closed_by_nobody_is_not(
    pager: Opsgenie, server: ScriptedServer
) -> None:
    report = {"ackTime": 15702, "closeTime": 60503, "acknowledgedBy": "ada@example.com", "closedBy": "otto@example.com"}
    server.will(alert(status="closed", acknowledged=True, report=report))
    standing = pager.state(KEY)
    assert standing.state is PageState.RESOLVED
    assert standing.answer is not None
    assert standing.answer.by == "otto@example.com"
    assert standing.is_answered
    server.will(alert(status="closed"))
    assert pager.state(KEY) == PageStanding(PageState.RESOLVED)
    assert not pager.state(KEY).is_answered


def test_a_request_that_failed_later_is_failed(pager: Opsgenie, server: ScriptedServer) -> None:
    server.will(ABSENT, request_status(isSuccess=False, status="Alias is\nnot allowed"))
    standing = pager.state(KEY, ref="43a29c5c-3dbf")
    assert standing == PageStanding(PageState.FAILED, why="Opsgenie says: Alias is not allowed")
    assert not standing.is_answered
    assert server.received[-1].path == "/v2/alerts/requests/43a29c5c-3dbf"


@pytest.mark.parametrize(
    "answer",
    [ABSENT, request_status(), request_status(isSuccess="false"), Answer(200, "<html>"), Answer(200, {"data": []})],
)
def test_a_request_that_was_not_worked_off_is_unknown(pager: Opsgenie, server: ScriptedServer, answer: Answer) -> None:
    server.will(ABSENT, answer)
    assert pager.state(KEY, ref="43a29c5c-3dbf").state is PageState.UNKNOWN


def test_a_ref_cannot_leave_its_place_in_the_address(pager: Opsgenie, server: ScriptedServer) -> None:
    server.will(ABSENT)
    pager.state(KEY, ref="../../v2/users?a=b#c")
    assert server.received[-1].path == "/v2/alerts/requests/..%2F..%2Fv2%2Fusers%3Fa%3Db%23c"


def test_without_a_ref_an_absent_alert_is_unknown(pager: Opsgenie, server: ScriptedServer) -> None:
    server.will(ABSENT)
    assert pager.state(KEY).state is PageState.UNKNOWN
    assert len(server.received) == 1


def test_an_alert_api_that_is_not_there_is_an_error_when_paging(pager: Opsgenie, server: ScriptedServer) -> None:
    server.will(Answer(404, "<html>not here</html>"))
    with pytest.raises(StepFailed, match="check the address"):
        pager.page(PAGE)
