"""The gate `way_back`, against real servers that know the incumbent, do not, or say nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.asking_gates import AskingGate
from support.scripted_server import Answer, ScriptedServer, scripted_server

from bot.domain.gates import GateVerdict, Judgement

PASS, FAIL, UNKNOWN = GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.UNKNOWN
AVAILABLE = "status == 200 && body.version == incumbent && body.ready"
ONE, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
READY = {"version": "41", "ready": True}


@pytest.fixture(scope="module")
def running() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def server(running: ScriptedServer) -> ScriptedServer:
    running.received.clear()
    return running


def judged(server: ScriptedServer, answer: Answer, *, available: str = AVAILABLE, **context: Any) -> Judgement:
    server.will(answer)
    values = {"url": f"{server.url}/41?key=hush-hush", "available": available}
    gate = AskingGate("way_back", values, more=context)
    found = gate.judged()
    assert "hush-hush" not in str(found) + (gate.kept() if gate.measured else "")
    return found


def test_an_incumbent_that_can_be_restored_passes_with_one_read(server: ScriptedServer) -> None:
    found = judged(server, Answer(body=READY))
    assert found.verdict is PASS
    assert found.why == "the incumbent 41 can be restored; its answer names no digests"
    assert [(one.method, one.body) for one in server.received] == [("GET", b"")]


@pytest.mark.parametrize(
    "answer", [Answer(404, READY), Answer(body={**READY, "ready": False}), Answer(body={**READY, "version": "40"})]
)
def test_an_incumbent_that_surely_cannot_be_restored_fails(server: ScriptedServer, answer: Answer) -> None:
    found = judged(server, answer)
    assert found.verdict is FAIL
    assert "the incumbent 41 cannot be restored" in found.why


@pytest.mark.parametrize("status", [301, 401, 403, 407, 408, 425, 429, 500, 503])
def test_a_status_that_says_nothing_is_unknown_whatever_the_condition_says(server: ScriptedServer, status: int) -> None:
    assert judged(server, Answer(status, READY), available=f"status == {status}").verdict is UNKNOWN


@pytest.mark.parametrize(
    "answer", [Answer(0), Answer(body={"ready": True}), Answer(body="no JSON"), Answer(body={**READY, "ready": "yes"})]
)
def test_what_cannot_be_judged_is_unknown(server: ScriptedServer, answer: Answer) -> None:
    assert judged(server, answer).verdict is UNKNOWN


def test_an_answer_that_is_cut_is_unknown(server: ScriptedServer) -> None:
    found = judged(server, Answer(body={**READY, "more": "x" * 200_000}))
    assert (found.verdict, "not whole" in found.why) == (UNKNOWN, True)


def test_a_release_without_an_incumbent_is_unknown_and_asks_nothing(server: ScriptedServer) -> None:
    found = judged(server, Answer(body=READY), release={"id": "rel-1", "candidate": "42", "incumbent": None})
    assert (found.verdict, server.received) == (UNKNOWN, [])


@pytest.mark.parametrize(
    ("wanted", "there", "verdict", "why"),
    [
        ({"model": ONE}, {"model": ONE}, PASS, "all 1 of its artifacts are those of the manifest"),
        ({"model": ONE}, {"model": ONE.upper(), "more": OTHER}, PASS, "all 1"),
        ({"model": ONE}, {"model": OTHER}, FAIL, "another one: 'model' differs from the manifest"),
        ({"model": ONE, "image": ONE}, {"model": OTHER}, FAIL, "'model' differs"),
        ({"model": ONE, "image": ONE}, {"model": ONE}, UNKNOWN, "'image'"),
        ({"model": ONE}, {"model": "md5:" + "a" * 32}, UNKNOWN, "of another kind: 'model'"),
        ({"model": ONE}, {"model": 7}, UNKNOWN, "'model'"),
        ({"model": ONE}, [ONE], UNKNOWN, "'model'"),
        ({"model": ONE}, {}, UNKNOWN, "'model'"),
        ({}, {"model": ONE}, PASS, "the manifest names no digests"),
    ],
)
def test_its_digests_are_held_against_the_manifest(
    server: ScriptedServer, wanted: Any, there: Any, verdict: GateVerdict, why: str
) -> None:
    found = judged(server, Answer(body={**READY, "digests": there}), manifest={"incumbent_artifacts": wanted})
    assert found.verdict is verdict
    assert why in found.why


def test_digests_save_no_incumbent_that_cannot_be_restored(server: ScriptedServer) -> None:
    answer = Answer(body={**READY, "ready": False, "digests": {"model": ONE}})
    assert judged(server, answer, manifest={"incumbent_artifacts": {"model": ONE}}).verdict is FAIL
