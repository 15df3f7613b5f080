"""The steps that wait, against real servers and a clock that the test moves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError
from support.scripted_server import Answer, ScriptedServer, scripted_server
from support.step_stage import START, Stage

from bot.domain.outcomes import OutcomeKind
from playbooks.exposition import read_samples
from playbooks.steps import load_steps

DONE, FAILED, UNKNOWN, WAIT = OutcomeKind.DONE, OutcomeKind.FAILED, OutcomeKind.UNKNOWN, OutcomeKind.WAIT
GOOD, BAD, NONE = Answer(200), Answer(503, "not yet"), Answer(0)


@pytest.fixture(scope="module")
def running() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def server(running: ScriptedServer) -> ScriptedServer:
    running.received.clear()
    running.will(Answer())
    return running


def http(server: ScriptedServer, **values: Any) -> Stage:
    return Stage("wait_for_http", {"url": f"{server.url}/health", **values})


def query(server: ScriptedServer, **values: Any) -> Stage:
    given = {"prometheus": server.url, "query": "sum(errors)", "condition": "value < 0.01"}
    return Stage("wait_for_metric", {**given, **values})


def scrape(server: ScriptedServer, **values: Any) -> Stage:
    given = {"scrape": f"{server.url}/metrics", "metric": "error_ratio", "condition": "value < 0.01"}
    return Stage("wait_for_metric", {**given, **values})


def vector(*values: Any, at: float | None = None, **more: Any) -> Answer:
    moment = START.timestamp() if at is None else at
    result = [{"metric": {}, "value": [moment, value]} for value in values]
    return Answer(200, {"status": "success", "data": {"resultType": "vector", "result": result}, **more})


class TestWaitForHttp:
    """Polls with GET."""

    def test_one_good_answer_is_enough_without_for(self, server: ScriptedServer) -> None:
        outcome = http(server).perform()

        assert outcome.kind is DONE
        assert (outcome.output["status"], outcome.output["polls"]) == (200, 1)

    def test_it_waits_without_a_worker_between_looks(self, server: ScriptedServer) -> None:
        server.will(BAD, BAD, GOOD)
        stage = http(server, every="7s")
        first = stage.perform()

        assert (first.kind, first.delay) == (WAIT, timedelta(seconds=7))
        assert stage.to_the_end().output["polls"] == 3

    def test_it_must_hold_all_the_time(self, server: ScriptedServer) -> None:
        server.will(GOOD, GOOD, BAD, GOOD)
        outcome = http(server, **{"for": "10s", "every": "5s"}).to_the_end()

        # Good at 0 and 5 s, bad at 10 s, good from 15 s on: held for 10 s at 25 s.
        assert outcome.kind is DONE
        assert (outcome.output["waited_seconds"], outcome.output["held_seconds"]) == (25, 10)

    @pytest.mark.parametrize("answer", [NONE, Answer(200, "no json")])
    def test_no_data_never_counts_as_holding(self, server: ScriptedServer, answer: Answer) -> None:
        server.will(Answer(200, {"ok": True}), answer, Answer(200, {"ok": True}))
        outcome = http(server, **{"for": "10s", "every": "5s", "expect": {"condition": "body.ok"}}).to_the_end()

        assert (outcome.kind, outcome.output["waited_seconds"]) == (DONE, 20)

    def test_a_time_in_which_nobody_looked_never_counts_as_holding(self, server: ScriptedServer) -> None:
        stage = http(server, **{"for": "60s", "every": "5s", "timeout": "10m"})
        stage.perform()

        outcome = stage.perform(after=120)

        assert outcome.kind is WAIT
        assert stage.to_the_end().output["waited_seconds"] == 180

    def test_the_last_look_comes_exactly_when_it_has_held_long_enough(self, server: ScriptedServer) -> None:
        stage = http(server, **{"for": "7s", "every": "5s"})
        stage.perform()

        assert stage.perform(after=5).delay == timedelta(seconds=2)

    def test_at_the_timeout_it_fails_with_what_was_last_seen(self, server: ScriptedServer) -> None:
        server.will(BAD)
        outcome = http(server, timeout="12s", every="5s").to_the_end()

        assert outcome.kind is FAILED
        assert "503" in outcome.error
        assert "not yet" in outcome.error
        assert outcome.output["waited_seconds"] == 12

    def test_at_the_timeout_no_data_is_unknown(self, server: ScriptedServer) -> None:
        server.will(BAD, BAD, NONE)
        outcome = http(server, timeout="10s", every="5s").to_the_end()

        assert outcome.kind is UNKNOWN
        assert "cannot be told within 10s" in outcome.error

    def test_one_that_held_too_short_at_the_timeout_fails(self, server: ScriptedServer) -> None:
        server.will(BAD, BAD, GOOD)
        outcome = http(server, **{"for": "8s", "timeout": "12s", "every": "5s"}).to_the_end()

        assert outcome.kind is FAILED
        assert "only for the last 2.0s" in outcome.error

    def test_the_timeout_runs_from_the_first_start(self, server: ScriptedServer) -> None:
        server.will(BAD)
        stage = http(server, timeout="1m")

        assert stage.perform(after=61).kind is FAILED

    def test_a_fractional_second_of_the_saved_state_is_no_trap(self, server: ScriptedServer) -> None:
        stage = http(server, **{"for": "1s", "every": "300ms"})
        stage.now += timedelta(microseconds=123_456)

        assert stage.to_the_end().kind is DONE


class TestPrometheus:
    """Asks the instant query API."""

    def test_it_asks_for_the_query_and_bounds_the_age_of_samples(self, server: ScriptedServer) -> None:
        server.will(vector("0.001"))
        outcome = query(
            server, query='sum(rate(e{a="b"}[1m]))', max_age="90s", prometheus=server.url + "/prom/"
        ).perform()

        asked = urlsplit(server.received[0].path)
        assert asked.path == "/prom/api/v1/query"
        assert parse_qs(asked.query) == {"query": ['sum(rate(e{a="b"}[1m]))'], "lookback_delta": ["90"]}
        assert (outcome.kind, outcome.output["value"]) == (DONE, 0.001)

    def test_a_scalar_is_a_number_too(self, server: ScriptedServer) -> None:
        server.will(
            Answer(200, {"status": "success", "data": {"resultType": "scalar", "result": [START.timestamp(), "0"]}})
        )

        assert query(server).perform().kind is DONE

    @pytest.mark.parametrize(
        ("answer", "why"),
        [
            (vector(), "gives nothing"),
            (vector("0", "0"), "2 series: aggregate it"),
            (vector("NaN"), "nan"),
            (vector("+Inf"), "inf"),
            (vector("-Inf"), "inf"),
            (vector("text"), "no number"),
            (vector("1_0"), "no number"),
            (vector(0), "no number"),
            (vector(None), "no number"),
            (vector("0", at=START.timestamp() - 121), "121 s old"),
            (vector("0", at=START.timestamp() + 200), "200 s in the future"),
            (vector("0", at=math.inf), "status 200"),
            (vector("0", warnings=["partial response"]), "partial response"),
            (Answer(400, {"status": "error", "errorType": "bad_data", "error": "parse error"}), "parse error"),
            (Answer(200, {"status": "error", "error": "went wrong"}), "went wrong"),
            (Answer(503, "no healthy upstream"), "no healthy upstream"),
            (Answer(200, "not json"), "not json"),
            (Answer(200, [1]), "status 200"),
            (Answer(200, {"status": "success"}), "no data in it"),
            (Answer(200, {"status": "success", "data": {"resultType": "matrix", "result": []}}), "matrix"),
            (Answer(200, {"status": "success", "data": {"resultType": "string", "result": [1, "0"]}}), "string"),
            (Answer(200, {"status": "success", "data": {"resultType": "vector", "result": [{}]}}), "no number"),
            (Answer(200, {"status": "success", "data": {"resultType": "vector", "result": [7]}}), "no number"),
            (
                Answer(200, {"status": "success", "data": {"resultType": "vector", "result": [{"histogram": []}]}}),
                "no num",
            ),
            (Answer(302, headers={"Location": "/graph"}), "status 302"),
            (NONE, "no answer"),
        ],
    )
    def test_anything_but_one_fresh_finite_number_is_no_data(
        self, server: ScriptedServer, answer: Answer, why: str
    ) -> None:
        server.will(answer)
        stage = query(server, timeout="5s", condition="value < 0.01 || value >= 0.01")
        first = stage.perform()
        last = stage.to_the_end()

        assert first.kind is WAIT
        assert first.error.startswith("no data")
        assert why in first.error
        assert last.kind is UNKNOWN
        assert "no data" in last.error

    def test_no_data_in_between_ends_what_held(self, server: ScriptedServer) -> None:
        server.will(vector("0"), vector("0"), vector(), vector("0"))
        stage = query(server, **{"for": "10s", "every": "5s", "max_age": "10m"})

        assert stage.to_the_end().output["waited_seconds"] == 25

    def test_a_bad_number_at_the_timeout_is_named(self, server: ScriptedServer) -> None:
        server.will(vector("0.2"))
        outcome = query(server, timeout="10s").to_the_end()

        assert outcome.kind is FAILED
        assert "value 0.2" in outcome.error
        assert outcome.output["value"] == 0.2


class TestScrape:
    """Reads a page in the exposition format."""

    PAGE = (
        "# HELP error_ratio With a # in it\n# TYPE error_ratio gauge\n"
        'error_ratio{model="fraud",version="4\\"1",path="C:\\\\x",text="a\\nb} 1"} 0.002\n'
        'error_ratio{model="other"} 0.5\n'
        "error_ratio_total 9\n"
        "requests_total 1e3\n"
        "spaced   7   \n"
    )

    @pytest.mark.parametrize(
        ("values", "value"),
        [
            ({"labels": {"model": "fraud"}}, 0.002),
            ({"labels": {"version": '4"1'}}, 0.002),
            ({"labels": {"path": "C:\\x", "text": "a\nb} 1"}}, 0.002),
            ({"metric": "requests_total", "condition": "value == 1000.0"}, 1000),
            ({"metric": "spaced", "condition": "value > 1.0"}, 7),
        ],
    )
    def test_it_reads_the_one_sample_that_matches(
        self, server: ScriptedServer, values: dict[str, Any], value: float
    ) -> None:
        server.will(Answer(200, self.PAGE))
        outcome = scrape(server, **values).perform()

        assert (outcome.kind, outcome.output["value"]) == (DONE, value)

    @pytest.mark.parametrize(
        ("page", "why"),
        [
            (PAGE, "2 samples"),
            ("", "has no error_ratio"),
            ("error_ratio_total 0\n", "has no error_ratio"),
            ('# error_ratio 0\n#error_ratio{a="b"} 0\n', "has no error_ratio"),
            ("error_ratio NaN\n", "nan"),
            ("error_ratio +Inf\n", "inf"),
            ("error_ratio 1_0\n", "line 1"),
            ("error_ratio zero\n", "line 1"),
            ("error_ratio\t\n", "line 1"),
            ("error_ratio 0 1 2\n", "line 1"),
            ('\nerror_ratio{a="b} 0\n', "line 2"),
            ('error_ratio{a="b",a="c"} 0\n', "given twice"),
            ('error_ratio{a="b" c="d"} 0\n', "line 1"),
            ("error_ratio 0\nerror_ratio 0\n", "2 samples"),
            ("error_ratio 0 1000\n", "s old"),
            (f"error_ratio 0 {int(START.timestamp() + 999) * 1000}\n", "in the future"),
        ],
    )
    def test_anything_else_is_no_data(self, server: ScriptedServer, page: str, why: str) -> None:
        server.will(Answer(200, page))
        outcome = scrape(server).perform()

        assert outcome.kind is WAIT
        assert outcome.error.startswith("no data")
        assert why in outcome.error

    @pytest.mark.parametrize("status", [204, 404, 500])
    def test_a_page_with_another_status_is_no_data(self, server: ScriptedServer, status: int) -> None:
        server.will(Answer(status, "error_ratio 0\n"))

        assert "no data" in scrape(server).perform().error

    def test_a_fresh_time_on_the_page_is_accepted(self, server: ScriptedServer) -> None:
        server.will(Answer(200, f"error_ratio 0 {int(START.timestamp()) * 1000}\n"))

        assert scrape(server).perform().kind is DONE

    def test_openmetrics_gives_seconds_and_exemplars(self, server: ScriptedServer) -> None:
        page = f'error_ratio{{a="b"}} 0 {START.timestamp()} # {{trace="x"}} 9 1\n# EOF\n'
        server.will(Answer(200, page, {"Content-Type": "application/openmetrics-text; version=1.0.0"}))

        assert scrape(server).perform().kind is DONE

    def test_a_large_page_is_read_to_its_end(self, server: ScriptedServer) -> None:
        filler = "".join(f'other_metric{{n="{number}"}} 1\n' for number in range(60_000))
        server.will(Answer(200, filler + "error_ratio 0\n"))

        assert scrape(server).perform().kind is DONE

    def test_labels_without_a_value_between_commas_are_read(self) -> None:
        (sample,) = read_samples('m{ a = "1" , b="2", } 3 4000', "m")

        assert (sample.labels, sample.value, sample.at) == ({"a": "1", "b": "2"}, 3.0, 4.0)


class TestPause:
    """Only waits."""

    def test_it_waits_once_and_is_done(self) -> None:
        stage = Stage("pause", {"for": "90s"})
        first = stage.perform()

        assert (first.kind, first.delay) == (WAIT, timedelta(seconds=90))
        assert stage.perform(after=90).kind is DONE

    def test_woken_early_it_sleeps_on(self) -> None:
        stage = Stage("pause", {"for": "90s"})
        stage.perform()

        assert stage.perform(after=60).delay == timedelta(seconds=30)


@pytest.mark.parametrize(
    ("use", "values"),
    [
        ("wait_for_http", {}),
        ("wait_for_http", {"url": "http://h/", "every": 5}),
        ("wait_for_http", {"url": "http://h/", "every": "0s"}),
        ("wait_for_http", {"url": "http://h/", "for": "10m", "timeout": "5m"}),
        ("wait_for_http", {"url": "http://h/", "method": "POST"}),
        ("wait_for_metric", {"condition": "value > 1"}),
        ("wait_for_metric", {"condition": "value > 1", "prometheus": "http://h/"}),
        ("wait_for_metric", {"prometheus": "http://h/", "query": "x"}),
        ("wait_for_metric", {"condition": "value > 1", "scrape": "http://h/", "query": "x"}),
        ("wait_for_metric", {"condition": "true", "scrape": "http://h/", "metric": "m", "prometheus": "http://h/"}),
        ("wait_for_metric", {"condition": "true", "prometheus": "http://h/", "query": "x", "labels": {"a": "b"}}),
        ("wait_for_metric", {"condition": "true", "scrape": "http://h/", "metric": 'm{a="b"}'}),
        ("wait_for_metric", {"condition": "true", "scrape": "http://h/", "metric": "m", "max_age": "10ms"}),
        ("pause", {}),
        ("pause", {"for": "0s"}),
        ("pause", {"for": "8d"}),
    ],
)
def test_parameters_that_make_no_sense_are_refused(use: str, values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        load_steps([use])[use].Params.model_validate(values)


def test_the_plan_says_what_is_asked_and_how_often(server: ScriptedServer) -> None:
    asked = query(server, **{"for": "2m", "timeout": "10m"})
    (line,) = asked.step.plan(asked.params)

    assert line == (
        f"Ask {server.url} for `sum(errors)`; hold it against `value < 0.01` "
        "every 5s until it has held for 2m, 10m at most"
    )
    assert server.received == []
