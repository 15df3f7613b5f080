"""The step http_request against a real server: what each answer means."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from support.scripted_server import Answer, ScriptedServer, scripted_server
from support.step_stage import Stage

from bot.domain.errors import Refused
from bot.domain.outcomes import OutcomeKind
from playbooks.steps import load_steps

DONE, FAILED, UNKNOWN, LATER = OutcomeKind.DONE, OutcomeKind.FAILED, OutcomeKind.UNKNOWN, OutcomeKind.TRY_LATER


@pytest.fixture(scope="module")
def running() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def server(running: ScriptedServer) -> ScriptedServer:
    running.received.clear()
    running.will(Answer())
    return running


def post(server: ScriptedServer, **values: Any) -> Stage:
    return Stage("http_request", {"method": "POST", "url": f"{server.url}/rollback", **values})


def test_an_expected_answer_is_done_and_gives_out_status_body_and_seconds(server: ScriptedServer) -> None:
    server.will(Answer(201, {"serving": "41"}))
    outcome = post(server, json={"to": "41"}).perform()

    assert outcome.kind is DONE
    assert (outcome.output["status"], outcome.output["body"]) == (201, {"serving": "41"})
    assert outcome.output["seconds"] >= 0
    assert json.loads(server.received[0].body) == {"to": "41"}


def test_the_call_carries_the_marks_of_its_run_whatever_the_playbook_says(server: ScriptedServer) -> None:
    stage = post(server, headers={"idempotency-key": "mine", "ANDON-FENCE": "999", "X-Own": "kept"})
    stage.drill = True
    stage.perform()

    headers = server.received[0].headers
    assert headers["idempotency-key"] == "run-1:restore"
    assert (headers["andon-run"], headers["andon-fence"], headers["andon-drill"]) == ("run-1", "7", "true")
    assert headers["x-own"] == "kept"


def test_outside_a_drill_nothing_says_drill(server: ScriptedServer) -> None:
    post(server).perform()

    assert "andon-drill" not in server.received[0].headers


@pytest.mark.parametrize(
    ("method", "answer", "kind"),
    [
        ("POST", Answer(204), DONE),
        ("POST", Answer(404, "no such model"), FAILED),
        ("POST", Answer(409, "stale fence"), FAILED),
        ("POST", Answer(302, headers={"Location": "/"}), FAILED),
        ("POST", Answer(408), UNKNOWN),
        ("POST", Answer(500), UNKNOWN),
        ("POST", Answer(502), UNKNOWN),
        ("POST", Answer(503), UNKNOWN),
        ("POST", Answer(504), UNKNOWN),
        ("POST", Answer(0), UNKNOWN),
        ("PUT", Answer(500), UNKNOWN),
        ("DELETE", Answer(0), UNKNOWN),
        ("POST", Answer(429), LATER),
        ("POST", Answer(425), LATER),
        ("POST", Answer(503, headers={"Retry-After": "3"}), LATER),
        ("GET", Answer(200), DONE),
        ("GET", Answer(404), FAILED),
        ("GET", Answer(408), LATER),
        ("GET", Answer(500), LATER),
        ("GET", Answer(503), LATER),
        ("GET", Answer(0), LATER),
        ("HEAD", Answer(500), LATER),
    ],
)
def test_each_answer_has_its_meaning(server: ScriptedServer, method: str, answer: Answer, kind: OutcomeKind) -> None:
    server.will(answer)

    assert post(server, method=method).perform().kind is kind
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3),
        ("0", 1),
        ("86400", 60),
        ("999999999999", 60),
        ("Fri, 20 Nov 2026 12:00:09 GMT", 9),
        ("Fri, 20 Nov 2020 12:00:09 GMT", 1),
        ("soon", 1),
        ("-5", 1),
        ("", 1),
    ],
)
def test_a_busy_server_is_given_the_time_it_asks_for_within_bounds(
    server: ScriptedServer, value: str, seconds: int
) -> None:
    server.will(Answer(429, headers={"Retry-After": value}))

    assert post(server).perform().delay == timedelta(seconds=seconds)


def test_a_failure_names_the_status_and_the_beginning_of_the_answer(server: ScriptedServer) -> None:
    server.will(Answer(400, "bad\r\nversion " + "x" * 1000))
    outcome = post(server).perform()

    assert "status 400" in outcome.error
    assert "bad version" in outcome.error
    assert len(outcome.error) < 300


def test_a_refused_connection_is_tried_later(server: ScriptedServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    outcome = post(server, url=f"http://127.0.0.1:{port}/").perform()

    assert outcome.kind is LATER
    assert "cannot connect" in outcome.error


def test_a_host_that_is_not_allowed_is_refused(server: ScriptedServer) -> None:
    with pytest.raises(Refused, match="not an allowed host"):
        post(server, url="http://169.254.169.254/latest").perform()


@pytest.mark.parametrize(
    ("expect", "answer", "kind"),
    [
        ({"status": 404}, Answer(404), DONE),
        ({"status": [200, 409]}, Answer(409), DONE),
        ({"status": [200, 409]}, Answer(204), FAILED),
        ({"status": 503}, Answer(503, headers={"Retry-After": "1"}), DONE),
        ({"condition": 'body.serving == "41"'}, Answer(200, {"serving": "41"}), DONE),
        ({"condition": 'body.serving == "41"'}, Answer(200, {"serving": "42"}), FAILED),
        ({"condition": 'body.serving == "41"'}, Answer(200, {}), UNKNOWN),
        ({"condition": 'body.serving == "41"'}, Answer(200, "no json"), UNKNOWN),
        ({"condition": "body.serving"}, Answer(200, {"serving": "41"}), UNKNOWN),
        ({"condition": 'headers["x-version"] == "41"'}, Answer(200, "", {"X-Version": "41"}), DONE),
        ({"condition": 'text.contains("ok")'}, Answer(200, "all ok"), DONE),
        ({"condition": "status == 200"}, Answer(200), DONE),
        ({"condition": "this is no condition"}, Answer(200), UNKNOWN),
        ({"status": 200, "condition": "body.n > 1"}, Answer(200, {"n": 2}), DONE),
        ({"status": 201, "condition": "body.n > 1"}, Answer(200, {"n": 2}), FAILED),
    ],
)
def test_expectations_decide(server: ScriptedServer, expect: Any, answer: Answer, kind: OutcomeKind) -> None:
    server.will(answer)

    assert post(server, expect=expect).perform().kind is kind


def test_a_long_body_is_given_out_in_part_and_says_so(server: ScriptedServer) -> None:
    server.will(Answer(200, {"long": "x" * 20_000}))
    output = post(server).perform().output

    assert output["cut"] is True
    assert len(output["body"]) == 8192


def test_the_whole_call_ends_at_the_step_s_timeout(server: ScriptedServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        stage = post(server, url=f"http://127.0.0.1:{silent.getsockname()[1]}/")
        stage.timeout = timedelta(seconds=0.3)
        assert stage.perform().kind is UNKNOWN


@pytest.mark.parametrize(
    ("raw", "acts"),
    [
        ({}, False),
        ({"method": "GET"}, False),
        ({"method": "head"}, False),
        ({"method": "POST"}, True),
        ({"method": "OPTIONS"}, True),
        ({"method": "{{ target.method }}"}, True),
        ({"method": 3}, True),
    ],
)
def test_only_get_and_head_are_reads(raw: dict[str, Any], acts: bool) -> None:
    assert load_steps(["http_request"])["http_request"].acts(raw) is acts


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"url": "ftp://host/"},
        {"url": "deploy.example.com/x"},
        {"url": "http://user:password@host/"},
        {"url": 5},
        {"url": "http://h/", "method": "BREW"},
        {"url": "http://h/", "method": "GET\n"},
        {"url": "http://h/", "json": {}, "text": "x"},
        {"url": "http://h/", "expect": {"status": "200"}},
        {"url": "http://h/", "expect": {"status": 20}},
        {"url": "http://h/", "expect": {"status": []}},
        {"url": "http://h/", "expect": {"stat": 200}},
        {"url": "http://h/", "headers": {"X": 1}},
        {"url": "http://h/", "timeout": "3s"},
    ],
)
def test_parameters_that_make_no_sense_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        load_steps(["http_request"])["http_request"].Params.model_validate(values)


def test_the_plan_names_the_call_but_no_header() -> None:
    stage = Stage(
        "http_request",
        {
            "method": "post",
            "url": "https://d.example/x",
            "json": {"to": "41"},
            "headers": {"Authorization": "Bearer s"},
        },
    )

    assert stage.step.plan(stage.params) == ['POST https://d.example/x with JSON {"to": "41"}']
