"""The gate `http`, against real servers that answer well, badly, and not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from support.asking_gates import AskingGate
from support.raw_server import answering, dripping, raw_server
from support.scripted_server import Answer, ScriptedServer, scripted_server

from bot.adapters.conditions import compile_condition
from bot.domain.gates import GateVerdict

PASS, FAIL, UNKNOWN = GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.UNKNOWN


@pytest.fixture(scope="module")
def running() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def server(running: ScriptedServer) -> ScriptedServer:
    running.received.clear()
    running.will(Answer())
    return running


def gate(server: ScriptedServer, **values: Any) -> AskingGate:
    return AskingGate("http", {"url": f"{server.url}/ready?key=hush-hush", **values})


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *((status, PASS) for status in (200, 201, 204, 299)),
        *((status, FAIL) for status in (400, 404, 409, 410, 422)),
        *((status, UNKNOWN) for status in (301, 302, 304, 308, 401, 403, 407, 408, 425, 429, 500, 502, 503, 504)),
    ],
)
def test_a_status_that_says_nothing_of_the_candidate_is_unknown(
    server: ScriptedServer, status: int, verdict: GateVerdict
) -> None:
    server.will(Answer(status))
    assert gate(server).judged().verdict is verdict


@pytest.mark.parametrize(("wanted", "status", "verdict"), [(403, 403, PASS), ([404, 410], 410, PASS), (403, 200, FAIL)])
def test_a_status_that_is_named_is_what_is_wanted(
    server: ScriptedServer, wanted: Any, status: int, verdict: GateVerdict
) -> None:
    server.will(Answer(status))
    found = gate(server, expect={"status": wanted}).judged()

    assert found.verdict is verdict
    assert found.figures[0].value == status


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ({"ready": True}, PASS),
        ({"ready": False}, FAIL),
        ({"ready": "yes"}, UNKNOWN),
        ({}, UNKNOWN),
        ("not json", UNKNOWN),
        ('{"ready": true, "ready": true}', UNKNOWN),
        ('{"ready": NaN}', UNKNOWN),
        ("[" * 100_000, UNKNOWN),
    ],
)
def test_a_condition_that_cannot_be_evaluated_is_unknown(
    server: ScriptedServer, body: Any, verdict: GateVerdict
) -> None:
    server.will(Answer(200, body))
    assert gate(server, expect={"condition": "body.ready"}).judged().verdict is verdict


@pytest.mark.parametrize(
    ("says", "verdict"),
    [("pass", PASS), ("fail", FAIL), ("unknown", UNKNOWN), ("PASS", UNKNOWN), (True, UNKNOWN), (None, UNKNOWN)],
)
def test_a_verdict_is_one_of_three_words_and_anything_else_is_unknown(
    server: ScriptedServer, says: Any, verdict: GateVerdict
) -> None:
    server.will(Answer(200, {"says": says}))
    assert gate(server, verdict="body.says").judged().verdict is verdict


def test_a_verdict_cannot_pass_what_was_not_expected(server: ScriptedServer) -> None:
    server.will(Answer(200, {"ok": False}))
    asking = gate(server, expect={"condition": "body.ok"}, verdict='"pass"')

    assert asking.judged().verdict is FAIL
    server.will(Answer(503, {"ok": True}))
    assert asking.judged().verdict is UNKNOWN


def test_text_that_is_no_condition_is_unknown(server: ScriptedServer) -> None:
    for values in ({"verdict": "body."}, {"verdict": "nothing.known"}, {"expect": {"condition": "((("}}):
        assert gate(server, **values).judged().verdict is UNKNOWN


def test_the_call_is_made_as_given_and_once(server: ScriptedServer) -> None:
    server.will(Answer(200, {"ok": True}))
    asking = gate(server, method="POST", json={"candidate": "42"}, headers={"X-Api-Key": "k-123456"})
    asking.judged()

    (received,) = server.received
    assert (received.method, received.path) == ("POST", "/ready?key=hush-hush")
    assert json.loads(received.body) == {"candidate": "42"}
    assert received.headers["x-api-key"] == "k-123456"


def test_a_body_that_was_cut_is_never_judged(server: ScriptedServer) -> None:
    server.will(Answer(200, "ok" * 200_000))

    assert gate(server, expect={"condition": 'text.contains("ok")'}).judged().verdict is UNKNOWN
    assert gate(server, verdict='"pass"').judged().verdict is UNKNOWN
    assert gate(server).judged().verdict is PASS


def test_no_answer_is_unknown() -> None:
    breaks_off = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    drips = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", b"x" * 20, 0.1)
    for talk in (breaks_off, drips, answering(b"SSH-2.0-OpenSSH\r\n"), answering(b"")):
        with raw_server(talk) as port:
            asking = AskingGate("http", {"url": f"http://127.0.0.1:{port}/"}, timeout=timedelta(seconds=0.5))
            found = asking.judged()
        assert found.verdict is UNKNOWN
        assert "no answer" in found.why


def test_nobody_listening_is_unknown_and_so_is_a_host_that_is_not_allowed(server: ScriptedServer) -> None:
    with raw_server(answering(b"")) as port:
        pass
    assert "cannot connect" in AskingGate("http", {"url": f"http://127.0.0.1:{port}/"}).judged().why
    found = AskingGate("http", {"url": f"http://localhost:{port}/"}).judged()
    assert (found.verdict, "not an allowed host" in found.why) == (UNKNOWN, True)


def test_a_redirect_is_not_followed(server: ScriptedServer) -> None:
    server.will(Answer(302, "", {"Location": f"{server.url}/elsewhere"}), Answer(200))

    assert gate(server).judged().verdict is UNKNOWN
    assert len(server.received) == 1


def test_no_secret_is_kept_even_where_the_server_sends_it_back(server: ScriptedServer) -> None:
    echo = {"you": "Bearer s3cret-token", "cookie": "c"}
    server.will(Answer(200, echo, {"Set-Cookie": "session=very-private", "X-Echo": "s3cret-token"}))
    asking = gate(server, headers={"Authorization": "Bearer s3cret-token"}, verdict="body.you")
    found = asking.judged()

    everything = asking.kept() + str(found) + asking.gate.title(asking.params)
    assert [word for word in ("s3cret-token", "hush-hush", "very-private") if word in everything] == []
    assert asking.measured is not None
    assert asking.measured.query == f"GET {server.url}/ready"


def test_the_judgement_can_be_made_again_from_what_was_kept(server: ScriptedServer) -> None:
    server.will(Answer(200, {"score": 0.93, "names": ["a", "ü"]}, {"X-Model": "42"}))
    condition = 'body.score > 0.9 && headers["x-model"] == "42" && body.names.exists(n, n == "ü")'
    asking = gate(server, expect={"condition": condition})
    found = asking.judged()

    assert asking.measured is not None
    again = type(asking.measured)(json.loads(json.dumps(dict(asking.measured.facts), allow_nan=False)))
    assert found.verdict is PASS
    assert asking.gate.judge(asking.params, again, compile_condition) == found


@pytest.mark.parametrize(
    "values", [{"method": "DELETE"}, {"url": "file:///etc/hosts"}, {"expect": {"status": 42}}, {"surprise": 1}]
)
def test_parameters_that_make_no_sense_are_refused(server: ScriptedServer, values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _ = gate(server, **values).params
