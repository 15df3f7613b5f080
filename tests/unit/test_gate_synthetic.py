"""The gate `synthetic`, against real endpoints that score well, badly, slowly, and not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError
from support.asking_gates import AskingGate
from support.raw_server import answering, dripping, raw_server
from support.scripted_server import Answer, ScriptedServer, scripted_server

from bot.adapters.conditions import compile_condition
from bot.domain.conditions import Truth
from bot.domain.errors import BadInput
from bot.domain.gates import GateVerdict
from bot.evidence.suites import held_against, read_suite

PASS, FAIL, UNKNOWN = GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.UNKNOWN
CASES = [
    {"name": "small", "input": {"amount": 5}, "expect": 0.1, "tolerance": 0.05},
    {"name": "large", "input": {"amount": 5000}, "expect": {"between": [0.8, 1]}},
]


@pytest.fixture(scope="module")
def running() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def server(running: ScriptedServer) -> ScriptedServer:
    running.received.clear()
    running.will(Answer())
    return running


def gate(root: Path, url: str, cases: Any = None, **values: Any) -> AskingGate:
    (root / "suites").mkdir(exist_ok=True)
    content = cases if isinstance(cases, str) else json.dumps(CASES if cases is None else cases)
    (root / "suites" / "fraud.json").write_text(content)
    return AskingGate("synthetic", {"suite": "fraud.json", "url": url, "read": "body.score", **values}, root)


def scores(*values: Any) -> list[Answer]:
    return [Answer(200, {"score": value}) for value in values]


def test_every_case_gets_its_own_call_and_all_right_answers_pass(tmp_path: Path, server: ScriptedServer) -> None:
    server.will(*scores(0.12, 0.93))
    asking = gate(tmp_path, f"{server.url}/score", headers={"Authorization": "Bearer s3cret-token"})
    found = asking.judged()

    assert (found.verdict, found.why) == (PASS, "2 of 2 answers are as expected")
    assert [(one.method, json.loads(one.body)) for one in server.received] == [
        ("POST", {"amount": 5}),
        ("POST", {"amount": 5000}),
    ]
    assert {one.name: one.value for one in found.figures if one.name != "slowest"} == {"failures": 0, "answered": 2}


@pytest.mark.parametrize("given", [None, 0, "", [], {}, "ü", 1.5])
def test_every_input_arrives_as_it_was_written(tmp_path: Path, server: ScriptedServer, given: Any) -> None:
    server.will(*scores(1))
    assert gate(tmp_path, server.url, [{"input": given, "expect": 1}]).judged().verdict is PASS
    assert json.loads(server.received[0].body) == given
    assert server.received[0].headers["content-type"] == "application/json"


def test_a_wrong_answer_fails_and_is_listed_with_what_was_expected(tmp_path: Path, server: ScriptedServer) -> None:
    server.will(*scores(0.12, 0.4))
    found = gate(tmp_path, f"{server.url}/score").judged()

    assert found.verdict is FAIL
    assert "first large" in found.why
    (failure,) = found.details["failures"]
    assert (failure["name"], failure["got"], failure["expected"]) == ("large", "0.4", '{"between": [0.8, 1]}')


def test_as_many_may_be_wrong_as_the_policy_says(tmp_path: Path, server: ScriptedServer) -> None:
    server.will(*scores(0.12, 0.4))
    assert gate(tmp_path, f"{server.url}/score", max_failures=1).judged().verdict is PASS
    server.will(*scores(0.9, 0.4))
    assert gate(tmp_path, f"{server.url}/score", max_failures=1).judged().verdict is FAIL


@pytest.mark.parametrize("answer", [Answer(503, "busy"), Answer(0), Answer(401), Answer(302), Answer(429), Answer(500)])
def test_one_case_without_an_answer_is_unknown_whatever_the_others_say(
    tmp_path: Path, server: ScriptedServer, answer: Answer
) -> None:
    server.will(*scores(0.1), answer)
    found = gate(tmp_path, f"{server.url}/score", max_failures=2).judged()

    assert found.verdict is UNKNOWN
    assert found.details["unanswered"][0]["name"] == "large"


def test_more_wrong_answers_than_allowed_fail_even_where_others_are_missing(
    tmp_path: Path, server: ScriptedServer
) -> None:
    server.will(*scores(0.9), Answer(503))
    assert gate(tmp_path, f"{server.url}/score").judged().verdict is FAIL


def test_an_input_that_is_refused_is_a_wrong_answer_unless_that_is_wanted(
    tmp_path: Path, server: ScriptedServer
) -> None:
    server.will(Answer(422, {"detail": "amount is negative"}))
    refused = [{"name": "negative", "input": {"amount": -1}, "expect": {"condition": "status == 422"}}]

    assert gate(tmp_path, f"{server.url}/score").judged().verdict is FAIL
    assert gate(tmp_path, f"{server.url}/score", refused, read="body.detail").judged().verdict is PASS


def test_an_endpoint_that_is_down_is_given_up_soon(tmp_path: Path) -> None:
    with raw_server(answering(b"")) as port:
        pass
    cases = [{"input": {}, "expect": number} for number in range(50)]
    asking = gate(tmp_path, f"http://127.0.0.1:{port}/score", cases)
    found = asking.judged()

    assert found.verdict is UNKNOWN
    assert asking.measured is not None
    asked = [row for row in asking.measured.facts["cases"] if "not asked" not in row["problem"]]
    assert (len(asked), len(found.details["unanswered"])) == (3, 20)


def test_all_cases_share_one_deadline(tmp_path: Path) -> None:
    body = b'{"score": 0.1}'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 14\r\n\r\n"
    cases = [{"input": {}, "expect": 0.1} for _ in range(20)]
    with raw_server(dripping(head, body, 0.02)) as port:
        asking = gate(tmp_path, f"http://127.0.0.1:{port}/score", cases)
        asking.timeout = timedelta(seconds=0.7)
        found = asking.judged()

    assert found.verdict is UNKNOWN
    assert asking.measured is not None
    seconds = sum(row.get("seconds", 0) for row in asking.measured.facts["cases"])
    assert seconds <= 0.7
    assert asking.measured.facts["cases"][0]["value"] == 0.1
    assert "time of the gate was over" in asking.measured.facts["cases"][-1]["problem"]


def test_a_right_answer_that_comes_too_late_is_wrong(tmp_path: Path) -> None:
    def talk(connection: Any) -> None:
        connection.recv(65536)
        threading.Event().wait(0.1)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\nConnection: close\r\n\r\n" + b'{"score": 0.1}')

    with raw_server(talk) as port:
        cases = [{"input": {}, "expect": 0.1}]
        slow = gate(tmp_path, f"http://127.0.0.1:{port}/", cases, latency_at_most="50ms").judged()
        quick = gate(tmp_path, f"http://127.0.0.1:{port}/", cases, latency_at_most="1m").judged()

    assert (slow.verdict, quick.verdict) == (FAIL, PASS)
    assert "50ms at most" in slow.why


def test_too_few_cases_and_an_empty_suite_are_unknown(tmp_path: Path, server: ScriptedServer) -> None:
    server.will(*scores(0.12, 0.93))
    assert gate(tmp_path, server.url, min_cases=3).judged().verdict is UNKNOWN
    for empty in ("[]", "", "\n\n"):
        assert gate(tmp_path, server.url, empty).judged().verdict is UNKNOWN


def test_an_answer_without_what_is_read_is_unknown_also_where_null_is_expected(
    tmp_path: Path, server: ScriptedServer
) -> None:
    server.will(Answer(200, {"other": 1}))
    for read in ("body.score", "body.", "nobody.knows"):
        case = [{"input": {}, "expect": None}]
        assert gate(tmp_path, server.url, case, read=read).judged().verdict is UNKNOWN


@pytest.mark.parametrize("body", ["[" * 70_000, "x" * 70_000, '{"score": NaN}', '{"score": 1, "score": 1}', "", "0.1"])
def test_hostile_answers_never_pass_and_never_break_it(tmp_path: Path, server: ScriptedServer, body: str) -> None:
    server.will(Answer(200, body, {"Content-Type": "application/json"}))
    assert gate(tmp_path, server.url).judged().verdict is UNKNOWN


def test_with_get_the_input_is_the_query(tmp_path: Path, server: ScriptedServer) -> None:
    server.will(Answer(200, {"score": 0.1}))
    case = [{"input": {"amount": 5, "name": "a&b", "new": True}, "expect": 0.1}]

    assert gate(tmp_path, f"{server.url}/score?v=2", case, method="GET").judged().verdict is PASS
    assert parse_qs(urlsplit(server.received[0].path).query) == {
        "v": ["2"],
        "amount": ["5"],
        "name": ["a&b"],
        "new": ["true"],
    }
    nested = [{"input": {"amount": {}}, "expect": 0.1}]
    assert gate(tmp_path, server.url, nested, method="GET").judged().verdict is UNKNOWN


def test_a_suite_that_is_not_the_pinned_one_is_never_asked(tmp_path: Path, server: ScriptedServer) -> None:
    asking = gate(tmp_path, server.url)
    asking.files.read("suites", "fraud.json")
    (tmp_path / "suites" / "fraud.json").write_text("[]")
    found = asking.judged()

    assert (found.verdict, server.received) == (UNKNOWN, [])


def test_raw_answers_are_kept_line_by_line_without_secrets(tmp_path: Path, server: ScriptedServer) -> None:
    server.will(Answer(200, {"score": 0.1, "you": "Bearer s3cret-token"}))
    asking = gate(
        tmp_path, f"{server.url}/score?key=hush", headers={"Authorization": "Bearer s3cret-token"}, read="body"
    )
    found = asking.judged()

    assert asking.measured is not None
    (kept,) = asking.measured.fetched
    lines = [json.loads(line) for line in kept.content.splitlines()]
    assert [(line["name"], line["status"]) for line in lines] == [("small", 200), ("large", 200)]
    assert (kept.media, kept.source) == ("application/x-ndjson", f"{server.url}/score")
    everything = asking.kept() + str(found)
    assert [word for word in ("s3cret-token", "hush") if word in everything] == []


def test_the_judgement_can_be_made_again_from_what_was_kept(tmp_path: Path, server: ScriptedServer) -> None:
    server.will(*scores(0.12, 0.4))
    asking = gate(tmp_path, server.url)
    found = asking.judged()

    assert asking.measured is not None
    again = type(asking.measured)(json.loads(json.dumps(dict(asking.measured.facts), allow_nan=False)))
    assert asking.gate.judge(asking.params, again, compile_condition) == found


@pytest.mark.parametrize(
    "values", [{"suite": "../a"}, {"max_failures": -1}, {"min_cases": 0}, {"method": "PUT"}, {"max_failures": True}]
)
def test_parameters_that_make_no_sense_are_refused(tmp_path: Path, values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _ = gate(tmp_path, "http://127.0.0.1/", **values).params


@pytest.mark.parametrize(
    ("expect", "tolerance", "right", "wrong"),
    [
        (1, 0, [1, 1.0], [True, "1", 1.01, None, [1], 2]),
        (1, 0.5, [1.5, 0.5], [1.51, True]),
        (True, 0, [True], [1, "true", False]),
        ("fraud", 0, ["fraud"], ["Fraud", "fraud ", None]),
        (None, 0, [None], [0, "", False]),
        ([1, {"a": 2}], 0.1, [[1.1, {"a": 1.95}]], [[1], [1, {"a": 2, "b": 3}], [{"a": 2}, 1]]),
        ({"equals": {"between": [1, 2]}}, 0, [{"between": [1, 2]}], [1.5]),
        ({"between": [0, 1]}, 0, [0, 1, 0.5], [-0.01, 1.01, "0.5", True, None]),
        ({"between": [0, 1]}, 0.1, [1.05], [1.2]),
        ({"contains": "ra"}, 0, ["fraud"], ["ok", 5, None]),
        ({"contains": 3}, 0, [[1, 3.0]], [[1, 2], 3, "3"]),
        ({"contains": {"label": "ok"}}, 0, [{"label": "ok", "score": 1}], [{"label": "no"}, {}, ["label"]]),
        ({"condition": "value > 0.5 && status == 200"}, 0, [0.6], [0.4]),
        ({"a": 1, "equals": 2}, 0, [{"a": 1, "equals": 2}], [2]),
    ],
)
def test_what_is_expected_is_held_against_the_answer(
    expect: Any, tolerance: float, right: list[Any], wrong: list[Any]
) -> None:
    suite = json.dumps([{"input": 0, "expect": expect, "tolerance": tolerance}]).encode()
    (case,) = read_suite(suite)

    assert [held_against(case, one, 200, compile_condition).truth for one in right] == [Truth.YES] * len(right)
    assert [held_against(case, one, 200, compile_condition).truth for one in wrong] == [Truth.NO] * len(wrong)


def test_a_condition_of_a_case_that_cannot_be_judged_is_unknown() -> None:
    for condition in ("value.a > 1", "value +", "strange"):
        (case,) = read_suite(json.dumps([{"input": 0, "expect": {"condition": condition}}]).encode())
        assert held_against(case, 3, 200, compile_condition).truth is Truth.UNKNOWN


def test_a_suite_may_be_lines_and_names_are_counted_where_they_are_missing() -> None:
    suite = read_suite(b'{"input": 1, "expect": 2}\n\n{"input": 3, "expect": 4, "name": "x"}\n')
    assert [(case.name, case.input, case.wanted) for case in suite] == [("case 1", 1, 2), ("x", 3, 4)]


@pytest.mark.parametrize(
    "content",
    [
        b"nonsense",
        b"[1]",
        b'[{"input": 1}]',
        b'[{"expect": 1}]',
        b'[{"input": 1, "expect": 1, "expected": 2}]',
        b'[{"input": 1, "expect": 1, "name": ""}]',
        b'[{"input": 1, "expect": 1, "name": 3}]',
        b'[{"input": 1, "expect": 1, "tolerance": -1}]',
        b'[{"input": 1, "expect": 1, "tolerance": true}]',
        b'[{"input": 1, "expect": 1, "tolerance": NaN}]',
        b'[{"input": 1, "expect": {"between": [2, 1]}}]',
        b'[{"input": 1, "expect": {"between": 1}}]',
        b'[{"input": 1, "expect": {"condition": 1}}]',
        b'[{"input": 1, "expect": 1, "name": "a"}, {"input": 1, "expect": 1, "name": "a"}]',
        b'[{"input": 1, "expect": 1, "expect": 2}]',
        b"[" + b",".join([b'{"input": 1, "expect": 1}'] * 1001) + b"]",
        b"\xff",
        b" " * (4 * 1024 * 1024 + 1),
    ],
)
def test_a_suite_that_cannot_be_read_is_refused_with_the_place(content: bytes) -> None:
    with pytest.raises(BadInput):
        read_suite(content)
