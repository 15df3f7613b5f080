"""PagerDuty's two APIs: the requests that its documents describe, and every state that its answers tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import pytest
from support.pagers import KEY, PAGE, ROUTING_KEY, TAKEN, TOKEN, pagerduty
from support.scripted_server import Answer, ScriptedServer, scripted_server

from bot.adapters.http import HttpxHttp
from bot.adapters.paging.pagerduty import PagerDuty
from bot.domain.incidents import Severity
from bot.domain.pages import Acknowledgement, PageReceipt, PageStanding, PageState

EVENT = {
    "type": "object",
    "required": ["routing_key", "event_action", "dedup_key"],
    "additionalProperties": False,
    "properties": {
        "routing_key": {"type": "string", "minLength": 32, "maxLength": 32},
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string", "maxLength": 255},
        "client": {"type": "string"},
        "client_url": {"type": "string", "format": "uri"},
        "links": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["href"],
                "additionalProperties": False,
                "properties": {"href": {"type": "string"}, "text": {"type": "string"}},
            },
        },
        "payload": {
            "type": "object",
            "required": ["summary", "source", "severity"],
            "additionalProperties": False,
            "properties": {
                "summary": {"type": "string", "minLength": 1, "maxLength": 1024},
                "source": {"type": "string", "minLength": 1},
                "severity": {"enum": ["critical", "error", "warning", "info"]},
                "custom_details": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        },
    },
    "if": {"properties": {"event_action": {"const": "trigger"}}},
    "then": {"required": ["payload"]},
}
"""What may be sent to /v2/enqueue, of which Andon sends a part."""

ADA: dict[str, Any] = {"id": "PXPGF42", "type": "user", "summary": "Ada Lovelace", "name": "Ada Lovelace"}
AT = datetime(2026, 11, 20, 12, 4, 5, tzinfo=UTC)


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
def pager(http: HttpxHttp, server: ScriptedServer) -> PagerDuty:
    return pagerduty(http, server)


def sent(server: ScriptedServer) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(server.received[-1].body)
    jsonschema.validate(body, EVENT)
    assert len(server.received[-1].body) <= 512 * 1024
    return body


def incident(status: str = "acknowledged", **values: Any) -> dict[str, Any]:
    """One as the REST API shows it."""
    return {
        "id": "PT4KHLK",
        "type": "incident",
        "summary": "[#1234] The server is on fire.",
        "html_url": "https://subdomain.pagerduty.com/incidents/PT4KHLK",
        "created_at": "2026-11-20T12:00:01Z",
        "status": status,
        "incident_key": KEY,
        "assignments": [],
        "acknowledgements": [],
        "last_status_change_at": "2026-11-20T12:04:05Z",
        "last_status_change_by": {"id": "PIJ90N7", "type": "service_reference", "summary": "Models"},
        **values,
    }


def taken_by(*who: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"at": "2026-11-20T12:04:05Z", "acknowledger": one} for one in who]


def listed(*incidents: dict[str, Any]) -> Answer:
    return Answer(200, {"incidents": list(incidents), "limit": 3, "offset": 0, "total": None, "more": False})


def test_a_page_triggers_an_event_as_documented(pager: PagerDuty, server: ScriptedServer) -> None:
    server.will(TAKEN["pagerduty"])
    assert pager.page(PAGE) == PageReceipt("pagerduty", KEY)
    [request] = server.received
    assert (request.method, request.path) == ("POST", "/events/v2/enqueue")
    assert request.headers["content-type"] == "application/json"
    assert "authorization" not in request.headers
    assert sent(server) == {
        "routing_key": ROUTING_KEY,
        "event_action": "trigger",
        "dedup_key": KEY,
        "client": "Andon",
        "client_url": PAGE.link,
        "links": [{"href": PAGE.link, "text": "The incident"}],
        "payload": {
            "summary": PAGE.summary,
            "source": "fraud-model/production",
            "severity": "critical",
            "custom_details": {"asked": "rollback_authority", "since": "12:00 UTC"},
        },
    }


@pytest.mark.parametrize(
    ("severity", "word"), list(zip(Severity, ["critical", "error", "warning", "info"], strict=True)), ids=str
)
def test_each_severity_has_a_word(pager: PagerDuty, server: ScriptedServer, severity: Severity, word: str) -> None:
    server.will(TAKEN["pagerduty"])
    pager.page(replace(PAGE, severity=severity))
    assert sent(server)["payload"]["severity"] == word


def test_a_page_without_a_link_has_none(pager: PagerDuty, server: ScriptedServer) -> None:
    server.will(TAKEN["pagerduty"])
    pager.page(replace(PAGE, link=None))
    assert not {"links", "client_url"} & set(sent(server))


def test_hostile_and_endless_texts_are_made_to_fit(pager: PagerDuty, server: ScriptedServer) -> None:
    server.will(TAKEN["pagerduty"])
    details = {f"label {number}\n\x00{'k' * 500}": "\U0001f4a5\ud800\x1b[31m" * 5000 for number in range(3000)}
    pager.page(replace(PAGE, summary="\U0001f4a5 a\x00\r\nb\u202e " * 4000, source="s" * 9000, details=details))
    payload = sent(server)["payload"]
    assert len(payload["summary"].encode("utf-16-le")) // 2 <= 1024
    assert payload["summary"].startswith("\U0001f4a5 a\ufffd b")
    assert payload["summary"].endswith("…")
    kept = len(payload["custom_details"]) - 1
    assert payload["custom_details"]["left out"] == f"{3000 - kept} more details"
    assert 1 <= kept < 3000
    assert len(json.dumps(payload["custom_details"])) <= 64 * 1024


def test_a_page_without_words_still_goes_out(pager: PagerDuty, server: ScriptedServer) -> None:
    server.will(TAKEN["pagerduty"])
    pager.page(replace(PAGE, summary=" \n\x00 ".replace("\x00", ""), source="", details={"": ""}))
    assert sent(server)["payload"]["summary"] == KEY


def test_an_answer_may_leave_the_dedup_key_out(pager: PagerDuty, server: ScriptedServer) -> None:
    server.will(Answer(202, {"status": "success", "message": "Event processed"}))
    pager.page(PAGE)


def test_a_page_is_ended_by_its_key(pager: PagerDuty, server: ScriptedServer) -> None:
    server.will(TAKEN["pagerduty"])
    pager.resolve(KEY)
    assert sent(server) == {"routing_key": ROUTING_KEY, "event_action": "resolve", "dedup_key": KEY}


def test_the_state_is_asked_for_as_documented(pager: PagerDuty, server: ScriptedServer) -> None:
    server.will(listed(incident("triggered")))
    assert pager.state(KEY) == PageStanding(PageState.SENT)
    [request] = server.received
    assert (request.method, urlsplit(request.path).path, request.body) == ("GET", "/incidents", b"")
    assert request.headers["authorization"] == f"Token token={TOKEN}"
    assert request.headers["accept"] == "application/vnd.pagerduty+json;version=2"
    assert request.headers["content-type"] == "application/json"
    query = parse_qsl(urlsplit(request.path).query, strict_parsing=True)
    assert ("incident_key", KEY) in query
    assert {value for name, value in query if name == "statuses[]"} == {"triggered", "acknowledged", "resolved"}
    assert ("date_range", "all") in query
    assert ("sort_by", "created_at:desc") in query


@pytest.mark.parametrize(
    ("acknowledger", "by"),
    [
        ({**ADA, "email": "ada@example.com"}, "ada@example.com"),
        (ADA, "Ada Lovelace"),
        ({"id": "PXPGF42", "type": "user_reference", "summary": "Ada"}, "Ada"),
        ({"id": "PXPGF42", "type": "user_reference", "summary": None}, "PXPGF42"),
        ({**ADA, "name": "Ada\n<!channel>\x1b[0m " + "a" * 900}, "Ada <!channel> [0m " + "a" * 180 + "…"),
    ],
)
def test_an_acknowledgement_is_read_back_with_who_and_when(
    pager: PagerDuty, server: ScriptedServer, acknowledger: dict[str, Any], by: str
) -> None:
    server.will(listed(incident(acknowledgements=taken_by(acknowledger))))
    standing = pager.state(KEY)
    assert standing == PageStanding(PageState.ACKNOWLEDGED, Acknowledgement(by, AT))
    assert standing.is_answered


def test_an_integration_that_acknowledges_is_nobody(pager: PagerDuty, server: ScriptedServer) -> None:
    machine = {"id": "PIJ90N7", "type": "service_reference", "summary": "Autopilot"}
    server.will(listed(incident(acknowledgements=taken_by(machine))))
    standing = pager.state(KEY)
    assert standing.state is PageState.SENT
    assert not standing.is_answered
    server.will(listed(incident(acknowledgements=taken_by(machine, ADA))))
    assert pager.state(KEY).answer == Acknowledgement("Ada Lovelace", AT)


def test_an_acknowledgement_by_nobody_named_is_still_one(pager: PagerDuty, server: ScriptedServer) -> None:
    server.will(listed(incident()))
    standing = pager.state(KEY)
    assert (standing.state, standing.answer) == (PageState.ACKNOWLEDGED, None)
    assert standing.is_answered


def test_an_unreadable_time_does_not_hide_the_answer(pager: PagerDuty, server: ScriptedServer) -> None:
    server.will(listed(incident(acknowledgements=[{"at": "yesterday", "acknowledger": ADA}])))
    assert pager.state(KEY) == PageStanding(PageState.ACKNOWLEDGED, Acknowledgement("Ada Lovelace"))


def test_a_page_that_a_person_resolved_is_answered_and_one_that_a_rule_resolved_is_not(
    pager: PagerDuty, server: ScriptedServer
) -> None:
    server.will(listed(incident("resolved", last_status_change_by={**ADA, "type": "user_reference"})))
    standing = pager.state(KEY)
    assert standing == PageStanding(PageState.RESOLVED, Acknowledgement("Ada Lovelace", AT))
    assert standing.is_answered
    server.will(listed(incident("resolved")))
    assert pager.state(KEY) == PageStanding(PageState.RESOLVED)
    assert not pager.state(KEY).is_answered


def test_an_incident_without_a_key_counts_only_if_one_of_its_alerts_has_it(
    pager: PagerDuty, server: ScriptedServer
) -> None:
    grouped = incident(incident_key=None, acknowledgements=taken_by(ADA))
    server.will(listed(grouped), Answer(200, {"alerts": [{"id": "A1", "alert_key": KEY}], "more": False}))
    assert pager.state(KEY).is_answered
    path = urlsplit(server.received[-1].path)
    assert path.path == "/incidents/PT4KHLK/alerts"
    assert ("alert_key", KEY) in parse_qsl(path.query)
    for body in ({"alerts": []}, {"alerts": [{"alert_key": "another"}]}, {"alerts": [{}]}, {"alerts": 1}, "<html>"):
        server.will(listed(grouped), Answer(200, body))
        assert pager.state(KEY).state is PageState.UNKNOWN
    server.will(listed(grouped), Answer(404, {"error": {"message": "Not Found", "code": 2100}}))
    assert pager.state(KEY).state is PageState.UNKNOWN


def test_an_id_that_is_none_is_never_put_into_an_address(pager: PagerDuty, server: ScriptedServer) -> None:
    server.will(listed(incident(id="../users/me", incident_key=None, acknowledgements=taken_by(ADA))))
    assert pager.state(KEY).state is PageState.UNKNOWN
    assert len(server.received) == 1


def test_the_newest_incident_of_the_key_counts(pager: PagerDuty, server: ScriptedServer) -> None:
    older = incident("resolved", last_status_change_by=ADA)
    server.will(listed(incident(incident_key="another", acknowledgements=taken_by(ADA)), incident("triggered"), older))
    assert pager.state(KEY) == PageStanding(PageState.SENT)


def test_a_page_that_is_not_there_yet_is_unknown(pager: PagerDuty, server: ScriptedServer) -> None:
    server.will(listed())
    assert pager.state(KEY).state is PageState.UNKNOWN


def test_without_a_token_pages_go_out_and_nothing_is_read_back(http: HttpxHttp, server: ScriptedServer) -> None:
    pager = pagerduty(http, server, token=None)
    server.will(TAKEN["pagerduty"])
    pager.page(PAGE)
    standing = pager.state(KEY)
    assert standing.state is PageState.UNKNOWN
    assert "API token" in standing.why
    assert len(server.received) == 1
