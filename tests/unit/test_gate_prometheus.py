"""The gate `prometheus`, against a real server that answers as Prometheus does, and as it should not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError
from support.asking_gates import NOW, AskingGate
from support.raw_server import dripping, raw_server
from support.scripted_server import Answer, ScriptedServer, scripted_server

from bot.adapters.conditions import compile_condition
from bot.domain.gates import GateVerdict
from bot.gates import list_gates

PASS, FAIL, UNKNOWN = GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.UNKNOWN
AT = NOW.timestamp()


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
    given = {"prometheus": server.url, "query": "sum(errors)", "condition": "value < 0.01"}
    return AskingGate("prometheus", {**given, **values})


def vector(*values: Any, at: float = AT, **more: Any) -> Answer:
    result = [{"metric": {}, "value": [at, value]} for value in values]
    return Answer(200, {"status": "success", "data": {"resultType": "vector", "result": result}, **more})


def matrix(*pairs: tuple[float, Any], series: int = 1) -> Answer:
    result = [{"metric": {}, "values": [list(pair) for pair in pairs]} for _ in range(series)]
    return Answer(200, {"status": "success", "data": {"resultType": "matrix", "result": result}})


def minute(*values: Any) -> list[tuple[float, Any]]:
    """Points of the last minute, every 10 s; None leaves one out."""
    start = AT - 60
    return [(start + 10 * place, value) for place, value in enumerate(values) if value is not None]


MINUTE = {"window": "1m", "step": "10s"}


class TestNow:
    """Without a window."""

    @pytest.mark.parametrize(("value", "verdict"), [("0.005", PASS), ("0.01", FAIL), ("0.5", FAIL)])
    def test_one_fresh_number_is_held_against_the_condition(
        self, server: ScriptedServer, value: str, verdict: GateVerdict
    ) -> None:
        server.will(vector(value))
        found = gate(server).judged()

        assert found.verdict is verdict
        assert {one.name: one.value for one in found.figures} == {
            "last": float(value),
            "min": float(value),
            "max": float(value),
            "samples": 1,
        }
        assert found.figures[0].threshold == "value < 0.01"

    def test_the_query_and_the_greatest_age_are_asked_for(self, server: ScriptedServer) -> None:
        server.will(vector("0"))
        asking = gate(server, max_age="30s", headers={"Authorization": "Bearer s3cret-token"})
        asking.judged()

        (received,) = server.received
        assert received.path.startswith("/api/v1/query?")
        assert parse_qs(urlsplit(received.path).query) == {"query": ["sum(errors)"], "lookback_delta": ["30"]}
        assert received.headers["authorization"] == "Bearer s3cret-token"
        assert asking.measured is not None
        assert asking.measured.query == "sum(errors)"

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            (vector(), "gives nothing"),
            (vector("0", "0"), "2 series"),
            (vector("NaN"), "no number"),
            (vector("+Inf"), "no number"),
            (vector("-Inf"), "no number"),
            (vector("0", at=AT - 121), "121 s old"),
            (vector("0", at=AT + 300), "in the future"),
            (vector("0", warnings=["half of the stores are away"]), "warns"),
            (vector(0), "no number in it"),
            (vector("1_0"), "no number in it"),
            (vector("good"), "no number in it"),
            (Answer(400, {"status": "error", "error": "parse error"}), "parse error"),
            (Answer(503, "busy"), "503"),
            (Answer(302, "", {"Location": "/elsewhere"}), "302"),
            (Answer(200, "<html>log in</html>"), "log in"),
            (Answer(200, '{"status":"success","status":"success"}', {"Content-Type": "application/json"}), "200"),
            (Answer(200, {"status": "success"}), "no data in it"),
            (Answer(200, {"status": "success", "data": {"resultType": "string", "result": [AT, "0"]}}), "string"),
            (Answer(200, ["status"]), "status"),
            (Answer(200, "[" * 1000), "["),
            (Answer(200, "0" * 400_000), "cut"),
            (Answer(0), "no answer"),
        ],
    )
    def test_whatever_is_no_single_fresh_number_is_unknown(
        self, server: ScriptedServer, answer: Answer, said: str
    ) -> None:
        server.will(answer)
        found = gate(server).judged()

        assert found.verdict is UNKNOWN
        assert said in found.why

    def test_a_time_that_is_no_time_is_unknown(self, server: ScriptedServer) -> None:
        for at in ("NaN", None, [], True, 10**60):
            server.will(vector("0", at=at))  # type: ignore[arg-type]
            assert gate(server).judged().verdict is UNKNOWN

    def test_a_host_that_is_not_allowed_is_never_asked(self, server: ScriptedServer) -> None:
        asking = gate(server)
        asking.allow_hosts = ("prometheus.example.com",)
        found = asking.judged()

        assert found.verdict is UNKNOWN
        assert "not an allowed host" in found.why
        assert server.received == []

    def test_an_answer_that_drips_is_cut_off_at_the_deadline(self) -> None:
        with raw_server(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b"x" * 20, 0.1)) as port:
            asking = AskingGate(
                "prometheus", {"prometheus": f"http://127.0.0.1:{port}", "query": "up", "condition": "value == 1.0"}
            )
            asking.timeout = asking.timeout / 10
            found = asking.judged()

        assert found.verdict is UNKNOWN
        assert "no data" in found.why

    def test_a_condition_that_cannot_be_judged_is_unknown(self, server: ScriptedServer) -> None:
        server.will(vector("0"))
        assert gate(server, condition="value").judged().verdict is UNKNOWN
        assert gate(server, condition="other < 1.0").judged().verdict is UNKNOWN


class TestWindow:
    """The condition must hold over all of it."""

    def test_every_point_within_the_condition_passes(self, server: ScriptedServer) -> None:
        server.will(matrix(*minute("0", "0.001", "0.002", "0.009", "0", "0", "0.003")))
        asking = gate(server, **MINUTE)
        found = asking.judged()

        assert found.verdict is PASS
        named = {one.name: one.value for one in found.figures}
        assert named == {"last": 0.003, "min": 0, "max": 0.009, "samples": 7}
        (received,) = server.received
        asked = {
            name: float(one[0]) for name, one in parse_qs(urlsplit(received.path).query).items() if name != "query"
        }
        assert asked == {"start": AT - 60, "end": AT + 0.001, "step": 10, "lookback_delta": 120}
        assert asking.measured is not None
        assert asking.measured.query == "sum(errors) over 1m, every 10s"

    def test_one_point_that_breaks_it_fails_even_where_others_are_missing(self, server: ScriptedServer) -> None:
        server.will(matrix(*minute("0", None, "0.02", "NaN", "0", "0", "0")))
        found = gate(server, **MINUTE).judged()

        assert found.verdict is FAIL
        assert "1 of 5 points" in found.why

    @pytest.mark.parametrize("hole", [None, "NaN", "+Inf", "-Inf"])
    @pytest.mark.parametrize("place", [0, 3, 6])
    def test_a_hole_anywhere_in_the_window_is_unknown(
        self, server: ScriptedServer, hole: str | None, place: int
    ) -> None:
        values: list[str | None] = ["0"] * 7
        values[place] = hole
        server.will(matrix(*minute(*values)))
        found = gate(server, **MINUTE).judged()

        assert found.verdict is UNKNOWN
        assert "1 of 7 points" in found.why

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            (matrix(), "gives nothing"),
            (matrix(*minute(*"0000000"), series=2), "2 series"),
            (matrix(*minute(*"0000000"), series=0), "gives nothing"),
            (matrix(*minute(*"0000000"), (AT + 10, "0")), "other points"),
            (matrix(*[(at - 3600, value) for at, value in minute(*"0000000")]), "another time"),
            (matrix(*[(at + 3, value) for at, value in minute(*"0000000")]), "another time"),
            (matrix(*reversed(minute(*"0000000"))), "no order"),
            (matrix(*[(AT, "0")] * 7), "no order"),
            (vector("0"), "vector"),
        ],
    )
    def test_a_series_from_another_time_or_several_are_unknown(
        self, server: ScriptedServer, answer: Answer, said: str
    ) -> None:
        server.will(answer)
        found = gate(server, **MINUTE).judged()

        assert found.verdict is UNKNOWN
        assert said in found.why

    @pytest.mark.parametrize(
        ("window", "step"), [("1m", "1s"), ("10m", "10s"), ("1h", "1m"), ("1d", "24m"), ("421s", "1s"), ("5s", "1s")]
    )
    def test_a_window_without_a_step_has_sixty_or_more(self, server: ScriptedServer, window: str, step: str) -> None:
        assert gate(server, window=window).params.pace == gate(server, window=window, step=step).params.pace

    @pytest.mark.parametrize(
        "values",
        [
            {"window": "1m", "step": "7s"},
            {"window": "7d", "step": "1m"},
            {"step": "10s"},
            {"window": "0s"},
            {"window": "500ms"},
            {"prometheus": "ftp://127.0.0.1"},
            {"prometheus": "http://me:pass@127.0.0.1"},
            {"query": ""},
            {"max_age": "0s"},
            {"surprise": 1},
        ],
    )
    def test_parameters_that_make_no_sense_are_refused(self, server: ScriptedServer, values: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            _ = gate(server, **values).params


class TestRecord:
    """What is kept."""

    def test_the_judgement_can_be_made_again_from_what_was_kept(self, server: ScriptedServer) -> None:
        server.will(matrix(*minute("0", "NaN", "0.02", "0", "0", "0", "0")))
        asking = gate(server, **MINUTE)
        found = asking.judged()

        assert asking.measured is not None
        again = type(asking.measured)(json.loads(json.dumps(dict(asking.measured.facts), allow_nan=False)))
        assert asking.gate.judge(asking.params, again, compile_condition) == found

    def test_the_raw_answer_is_kept_also_where_it_gives_nothing(self, server: ScriptedServer) -> None:
        server.will(vector())
        asking = gate(server)
        asking.judged()

        assert asking.measured is not None
        (kept,) = asking.measured.fetched
        assert (kept.media, kept.source) == ("application/json", server.url)
        assert json.loads(kept.content)["status"] == "success"

    def test_no_secret_is_kept_even_where_the_server_sends_it_back(self, server: ScriptedServer) -> None:
        server.will(Answer(200, {"status": "error", "error": "who is Bearer s3cret-token, s3cret-token?"}))
        asking = gate(server, headers={"Authorization": "Bearer s3cret-token"})
        found = asking.judged()

        assert found.verdict is UNKNOWN
        assert "s3cret-token" not in asking.kept() + str(found)

    def test_the_title_says_what_is_checked(self, server: ScriptedServer) -> None:
        asking = gate(server, **MINUTE)
        assert asking.gate.title(asking.params) == "value < 0.01 for sum(errors) over 1m, every 10s"


def test_the_list_of_gates_is_sorted() -> None:
    assert list(list_gates()) == sorted(list_gates())
