"""Whatever a server answers, the gates that ask neither break nor pass without a reason in what was kept."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.asking_gates import NOW, AskingGate

from bot.adapters.conditions import compile_condition
from bot.domain.errors import BadInput
from bot.domain.gates import GateVerdict, Judgement
from bot.domain.strict_json import parse_json
from bot.plugins import Call, Reply

AT = NOW.timestamp()
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.sampled_from(["0", "1", "0.5", "NaN", "+Inf", "-Inf", "1e999", "1_0", "success", "vector", "matrix", "scalar"]),
    st.sampled_from([AT, AT - 10, AT - 60, AT + 1e9, 0, -1]),
    st.text(max_size=8),
)
KEYS = st.sampled_from(
    ["status", "data", "resultType", "result", "value", "values", "metric", "warnings", "score", "a"]
)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))
POINTS = st.lists(st.tuples(st.sampled_from([AT - 60 + 10 * place for place in range(-1, 9)]) | LEAVES, LEAVES))
SERIES = st.fixed_dictionaries({"metric": st.just({})}, optional={"values": POINTS | JSON, "value": LEAVES | JSON})
PROMETHEUS = st.fixed_dictionaries(
    {
        "status": st.just("success"),
        "data": st.fixed_dictionaries(
            {
                "resultType": st.sampled_from(["matrix", "vector", "scalar"]),
                "result": st.lists(SERIES, max_size=2) | JSON,
            }
        ),
    }
)
STATUSES = st.sampled_from([None, 200, 200, 200, 201, 204, 301, 400, 401, 404, 422, 429, 500, 503])


@dataclass(frozen=True)
class OneAnswer:
    """Gives this answer to every call, parsed as the adapter does."""

    status: int | None
    text: str
    error: str

    def request(self, call: Call) -> Reply:
        """The answer."""
        if self.status is None:
            return Reply(None, error="no answer")
        raw = self.text.encode("utf-8", "replace")
        try:
            body = parse_json(raw)
        except BadInput:
            body = None
        return Reply(self.status, self.text, {"content-type": "application/json"}, error=self.error, body=body, raw=raw)


def judged(asking: AskingGate, answer: OneAnswer) -> Judgement:
    """The verdict; made again from what was kept, as plain JSON, it must be the same."""
    context = replace(asking.context, http=answer)
    measured = asking.gate.collect(asking.params, context)
    if measured.problem:
        return Judgement.unknown(measured.problem)
    found = asking.gate.judge(asking.params, measured, compile_condition)
    again = replace(measured, facts=json.loads(json.dumps(dict(measured.facts), allow_nan=False)))
    assert asking.gate.judge(asking.params, again, compile_condition) == found
    json.dumps([one.as_json() for one in found.figures], allow_nan=False)
    json.dumps(dict(found.details), allow_nan=False)
    return found


def answers(bodies: st.SearchStrategy[Any]) -> st.SearchStrategy[OneAnswer]:
    texts = bodies.map(json.dumps) | st.text(max_size=40)
    return st.builds(OneAnswer, STATUSES, texts, st.sampled_from(["", "", "", "the answer was cut after 5 bytes"]))


def answered(*values: str, **more: Any) -> OneAnswer:
    """An answer with these values in the last minute."""
    points = [[AT - 60 + 10 * place, value] for place, value in enumerate(values)]
    data = {"resultType": "matrix", "result": [{"metric": {}, "values": points}]}
    if len(values) == 1:
        data = {"resultType": "scalar", "result": [AT, values[0]]}
    return OneAnswer(200, json.dumps({"status": "success", "data": data, **more}), "")


WINDOW = {"prometheus": "http://127.0.0.1", "query": "q", "condition": "value < 0.6", "window": "1m", "step": "10s"}


@settings(max_examples=100, deadline=None)
@example(answer=answered(*["0.5"] * 7))
@example(answer=answered(*["0.5"] * 6, "NaN"))
@given(answer=answers(PROMETHEUS | JSON))
def test_a_window_passes_only_with_seven_good_numbers(answer: OneAnswer) -> None:
    found = judged(AskingGate("prometheus", WINDOW), answer)

    if found.verdict is GateVerdict.PASS:
        (series,) = json.loads(answer.text)["data"]["result"]
        values = [float(value) for _, value in series["values"]]
        assert (answer.status, answer.error, len(values)) == (200, "", 7)
        assert all(value < 0.6 for value in values)


@settings(max_examples=100, deadline=None)
@example(answer=answered("0.5"))
@example(answer=answered("NaN"))
@given(answer=answers(PROMETHEUS | JSON))
def test_now_passes_only_with_one_good_number(answer: OneAnswer) -> None:
    values = {key: value for key, value in WINDOW.items() if key not in ("window", "step")}
    found = judged(AskingGate("prometheus", values), answer)

    if found.verdict is GateVerdict.PASS:
        assert (answer.status, answer.error) == (200, "")
        assert found.figures[0].value is not None
        assert found.figures[0].value < 0.6


@settings(max_examples=100, deadline=None)
@example(answer=OneAnswer(200, '{"score": 0.5}', ""))
@example(answer=OneAnswer(200, '{"score": 0.5}', "the answer was cut"))
@given(answer=answers(JSON | st.fixed_dictionaries({"score": LEAVES, "status": LEAVES})))
def test_an_answer_passes_only_with_the_status_and_what_was_expected(answer: OneAnswer) -> None:
    values = {"url": "http://127.0.0.1/", "expect": {"condition": "body.score < 0.6"}}
    found = judged(AskingGate("http", values), answer)

    if found.verdict is GateVerdict.PASS:
        assert answer.status in (200, 201, 204)
        assert answer.error == ""
        assert json.loads(answer.text)["score"] < 0.6


@pytest.fixture(scope="module")
def suites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("configuration")
    (root / "suites").mkdir()
    (root / "suites" / "one.json").write_text('[{"input": 1, "expect": {"between": [0, 1]}}]')
    return root


@settings(max_examples=100, deadline=None)
@example(answer=OneAnswer(200, '{"score": 0.5}', ""))
@example(answer=OneAnswer(200, '{"score": true}', ""))
@given(answer=answers(JSON | st.fixed_dictionaries({"score": LEAVES})))
def test_a_suite_passes_only_with_the_expected_number(suites: Path, answer: OneAnswer) -> None:
    values = {"suite": "one.json", "url": "http://127.0.0.1/", "read": "body.score"}
    found = judged(AskingGate("synthetic", values, suites), answer)

    if found.verdict is GateVerdict.PASS:
        assert (answer.status in (200, 201, 204), answer.error) == (True, "")
        score = json.loads(answer.text)["score"]
        assert not isinstance(score, bool)
        assert 0 <= score <= 1


def test_good_answers_do_pass_so_that_these_tests_can_fail(suites: Path) -> None:
    now = {key: value for key, value in WINDOW.items() if key not in ("window", "step")}
    score = OneAnswer(200, '{"score": 0.5}', "")
    expecting = {"url": "http://127.0.0.1/", "expect": {"condition": "body.score < 0.6"}}
    suite = {"suite": "one.json", "url": "http://127.0.0.1/", "read": "body.score"}

    for asking, answer in (
        (AskingGate("prometheus", WINDOW), answered(*["0.5"] * 7)),
        (AskingGate("prometheus", now), answered("0.5")),
        (AskingGate("http", expecting), score),
        (AskingGate("synthetic", suite, suites), score),
    ):
        assert judged(asking, answer).verdict is GateVerdict.PASS
