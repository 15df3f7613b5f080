"""The gates metric, latency and memory: bounds, intervals, the incumbent, and evidence that cannot be used."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from support.judging_gates import GATES, ROWS, Bench, ndjson

from bot.domain.gates import GateVerdict

PASS, FAIL, UNKNOWN = GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.UNKNOWN


def f1(value: float, **more: Any) -> dict[str, Any]:
    return {"metrics": {"f1": {"value": value, **more}}}


def rows(right: int, wrong: int, incumbent_wrong: int | None = None) -> bytes:
    total = right + wrong
    found = []
    for number in range(total):
        row = {"label": "a", "prediction": "a" if number < right else "b"}
        if incumbent_wrong is not None:
            row["incumbent_prediction"] = "a" if number < total - incumbent_wrong else "b"
        found.append(row)
    return ndjson(found)


@pytest.mark.parametrize(
    ("document", "verdict"),
    [
        (f1(0.93), PASS),
        (f1(0.9), PASS),
        (f1(0.899), FAIL),
        (f1(0.93, low=0.91, high=0.95, n=900), PASS),
        (f1(0.93, low=0.89, high=0.95, n=900), UNKNOWN),
        (f1(0.89, low=0.87, high=0.92, n=900), FAIL),
        ({"metrics": {"auc": 0.93}}, UNKNOWN),
    ],
)
def test_a_metric_is_held_against_its_bound_by_the_worse_end(document: Any, verdict: GateVerdict) -> None:
    judged = Bench().push("evaluation", document).judge("metric", metric="f1", at_least=0.9)
    assert judged.verdict is verdict
    assert judged.figures[0].threshold == "at least 0.9"


def test_a_figure_says_value_interval_and_rows_in_words() -> None:
    judged = Bench().push("evaluation", f1(0.93, low=0.89, high=0.95, n=900)).judge("metric", metric="f1", at_least=0.9)
    assert judged.why == (
        "f1 is 0.93 (0.89 to 0.95, n 900), at least 0.9 is wanted; "
        "its interval reaches beyond it: more rows are needed to tell"
    )
    figure = judged.figures[0]
    assert (figure.value, figure.low, figure.high, figure.n) == (0.93, 0.89, 0.95, 900)


def test_confident_true_wants_an_interval_and_false_ignores_it() -> None:
    bare, wide = f1(0.93), f1(0.93, low=0.8, high=0.99)
    assert (
        Bench().push("evaluation", bare).judge("metric", metric="f1", at_least=0.9, confident=True).verdict is UNKNOWN
    )
    assert Bench().push("evaluation", wide).judge("metric", metric="f1", at_least=0.9, confident=False).verdict is PASS


def test_an_accuracy_sent_with_its_rows_gets_the_interval_of_a_share() -> None:
    few = {"metrics": {"accuracy": {"value": 0.93, "n": 100}}}
    many = {"metrics": {"accuracy": {"value": 0.93, "n": 10_000}}}
    assert Bench().push("evaluation", few).judge("metric", metric="accuracy", at_least=0.9).verdict is UNKNOWN
    judged = Bench().push("evaluation", many).judge("metric", metric="accuracy", at_least=0.9)
    assert judged.verdict is PASS
    # Wilson's lower end for 9,300 of 10,000, by its formula.
    assert judged.figures[0].low == pytest.approx(0.924832, abs=1e-6)


@pytest.mark.parametrize(
    ("now", "was", "params", "verdict"),
    [
        (0.93, 0.935, {"max_drop": 0.01}, PASS),
        (0.93, 0.95, {"max_drop": 0.01}, FAIL),
        (0.93, 0.935, {"max_drop_ratio": 0.01}, PASS),
        (0.90, 0.95, {"max_drop_ratio": 0.01}, FAIL),
        (0.95, 0.93, {"max_drop": 0}, PASS),
    ],
)
def test_a_drop_against_the_incumbent(now: float, was: float, params: dict[str, float], verdict: GateVerdict) -> None:
    document = f1(now) | {"incumbent": f1(was)}
    judged = Bench().push("evaluation", document).judge("metric", metric="f1", **params)
    assert judged.verdict is verdict
    assert judged.figures[0].subject == "difference"
    assert "below the incumbent" in judged.figures[0].threshold


def test_of_an_error_a_rise_is_the_loss_unless_the_gate_says_otherwise() -> None:
    document = {"metrics": {"rmse": 1.2, "gain": 1.2}, "incumbent": {"metrics": {"rmse": 1.0, "gain": 1.0}}}
    bench = Bench().push("evaluation", document)
    assert bench.judge("metric", metric="rmse", max_drop=0.1).verdict is FAIL
    assert bench.judge("metric", metric="rmse", max_drop=0.1, better="higher").verdict is PASS
    assert bench.judge("metric", metric="gain", max_drop=0.1).verdict is PASS
    assert bench.judge("metric", metric="rmse", max_drop_ratio=0.25).verdict is PASS


def test_the_incumbents_figure_may_come_in_evidence_of_its_own() -> None:
    bench = Bench().push("evaluation", f1(0.95), about="incumbent", version="41").push("evaluation", f1(0.93))
    assert bench.judge("metric", metric="f1", max_drop=0.01).verdict is FAIL
    without = Bench().push("evaluation", f1(0.93)).judge("metric", metric="f1", max_drop=0.01)
    assert without.verdict is UNKNOWN
    assert "no figures of the incumbent" in without.why


def test_an_incumbent_that_is_the_candidate_is_no_comparison() -> None:
    bench = Bench().push("evaluation", f1(0.93) | {"incumbent": f1(0.93)})
    bench.release["incumbent"] = "42"
    judged = bench.judge("metric", metric="f1", max_drop=0.01)
    assert judged.verdict is UNKNOWN
    assert "the incumbent is the candidate itself" in judged.why


def test_rows_are_compared_in_pairs() -> None:
    """1,000 rows of which the candidate gets 950 and the incumbent 960 right, ten of them differently."""
    bench = Bench().push("evaluation", rows(950, 50, 40), media=ROWS)
    assert bench.judge("metric", metric="accuracy", at_least=0.93).verdict is PASS
    assert bench.judge("metric", metric="accuracy", max_drop=0.02).verdict is PASS
    assert bench.judge("metric", metric="accuracy", max_drop=0.011).verdict is UNKNOWN
    assert bench.judge("metric", metric="accuracy", max_drop=0.005).verdict is FAIL


def test_a_slice_is_found_in_documents_and_in_rows() -> None:
    document = {"metrics": {"f1": 0.95}, "slices": {"EU": {"metrics": {"f1": 0.8}}}}
    bench = Bench().push("evaluation", document)
    assert bench.judge("metric", metric="f1", at_least=0.9, slice="EU").verdict is FAIL
    assert bench.judge("metric", metric="f1", at_least=0.9, slice="US").verdict is UNKNOWN
    found = [{"label": 1, "prediction": int(number > 9), "region": "EU"} for number in range(40)]
    found += [{"label": 1, "prediction": 1, "region": "US"} for _ in range(40)]
    bench = Bench().push("evaluation", ndjson(found), media=ROWS)
    judged = bench.judge("metric", metric="accuracy", at_least=0.9, slice="EU", by="region", confident=False)
    assert (judged.verdict, judged.figures[0].value, judged.figures[0].n) == (FAIL, 0.75, 40)
    assert bench.judge("metric", metric="accuracy", at_least=0.9, slice="EU", by="country").verdict is UNKNOWN


def test_too_few_rows_are_unknown_and_so_is_an_unsaid_number() -> None:
    assert Bench().push("evaluation", f1(0.95, n=99)).judge("metric", metric="f1", at_least=0.9, min_n=100).why == (
        "f1 rests on 99 rows; at least 100 are wanted"
    )
    silent = Bench().push("evaluation", f1(0.95)).judge("metric", metric="f1", at_least=0.9, min_n=100)
    assert silent.verdict is UNKNOWN
    bad = Bench().push("evaluation", f1(0.5, n=99)).judge("metric", metric="f1", at_least=0.9, min_n=100)
    assert bad.verdict is UNKNOWN, "so few rows neither pass nor fail"
    assert {one.value for one in bad.figures} == {0.5}


def test_missing_evidence_says_what_to_push_and_how() -> None:
    judged = Bench().judge("metric", metric="f1", at_least=0.9)
    assert judged.verdict is UNKNOWN
    assert "andon evidence push rel-1 --name evaluation FILE" in judged.why


def test_evidence_about_another_version_is_set_aside_and_said() -> None:
    bench = Bench().push("evaluation", f1(0.95), version="42").push("evaluation", f1(0.1), version="43")
    judged = bench.judge("metric", metric="f1", at_least=0.9)
    assert judged.verdict is PASS
    assert judged.details["set_aside"] == ["ev-2 is about version '43', but the candidate is '42': set aside"]
    alone = Bench().push("evaluation", f1(0.95), version="43").judge("metric", metric="f1", at_least=0.9)
    assert alone.verdict is UNKNOWN
    assert "'43'" in alone.why


HOSTILE = [
    b"",
    b"\x00\xff\xfe",
    b"{",
    b"[]",
    b"null",
    b'{"metrics": {"f1": NaN}}',
    b'{"metrics": {"f1": Infinity}}',
    b'{"metrics": {"f1": 1e999}}',
    b'{"metrics": {"f1": "0.99"}}',
    b'{"metrics": {"f1": true}}',
    b'{"metrics": {"f1": 0.5, "f1": 0.99}}',
    b'{"metrics": {"f1": {"value": 0.99, "low": 0.995, "high": 0.999}}}',
    b'{"metrics": {"f1": {"value": 0.99, "n": -1}}}',
    b'{"metrics": []}',
    b'{"f1": 0.99}',
    b'{"a":' * 500,
    b"9" * 5_000,
]


@pytest.mark.parametrize("raw", HOSTILE)
@pytest.mark.parametrize("media", ["application/json", ROWS, "text/csv", "application/vnd.apache.parquet", "x/y"])
def test_hostile_evidence_is_unknown(raw: bytes, media: str) -> None:
    bench = Bench().push("evaluation", raw, media=media)
    for use, params in (
        ("metric", {"metric": "f1", "at_least": 0.9, "max_drop": 0.1}),
        ("latency", {"at_most": "250ms", "max_ratio": 1.2}),
        ("memory", {"at_most": 100, "max_ratio": 1.2}),
        ("fairness", {"metric": "f1", "max_difference": 0.1}),
    ):
        judged = bench.judge(use, **params)
        assert judged.verdict is UNKNOWN, judged
        assert judged.why


@pytest.mark.parametrize(
    "row",
    [{"label": 1, "prediction": None}, {"label": None, "prediction": 1}, {"label": 1, "prediction": "1"}, {"label": 1}],
)
def test_rows_that_cannot_be_counted_are_unknown(row: dict[str, Any]) -> None:
    judged = Bench().push("evaluation", ndjson([row] * 50), media=ROWS).judge("metric", metric="accuracy", at_most=1)
    assert judged.verdict is UNKNOWN


@pytest.mark.parametrize(
    ("document", "params", "verdict"),
    [
        ({"latency_ms": {"p99": 249.0}}, {"at_most": "250ms"}, PASS),
        ({"latency_ms": {"p99": 251.0}}, {"at_most": 250}, FAIL),
        ({"latency_ms": {"p50": 20.0}}, {"at_most": 250}, UNKNOWN),
        ({"latency_ms": {"p50": 20.0}}, {"at_most": "0.25s", "quantile": "p50"}, PASS),
        ({"latency_ms": {"p95": 20.0}}, {"at_most": 25, "quantile": 0.95}, PASS),
        ({"latency_ms": {"p99": 22.0}, "incumbent": {"latency_ms": {"p99": 20.0}}}, {"max_ratio": 1.2}, PASS),
        ({"latency_ms": {"p99": 25.0}, "incumbent": {"latency_ms": {"p99": 20.0}}}, {"max_ratio": 1.2}, FAIL),
        ({"latency_ms": {"p99": 25.0}}, {"max_ratio": 1.2}, UNKNOWN),
        ({"latency_ms": {"p99": 0}}, {"at_most": 250}, UNKNOWN),
        ({"latency_ms": {"p99": -3}}, {"at_most": 250}, UNKNOWN),
        ({"latency_ms": {"p99": 0.02}, "incumbent": {"latency_ms": {"p99": 20.0}}}, {"max_ratio": 1.2}, UNKNOWN),
    ],
)
def test_latency(document: Any, params: dict[str, Any], verdict: GateVerdict) -> None:
    assert Bench().push("evaluation", document).judge("latency", **params).verdict is verdict


def test_a_change_of_units_is_asked_about() -> None:
    document = {"latency_ms": {"p99": 0.02}, "incumbent": {"latency_ms": {"p99": 20.0}}}
    judged = Bench().push("evaluation", document).judge("latency", max_ratio=1.2)
    assert "is one of them in seconds?" in judged.why


def test_a_tail_needs_enough_times_before_it_may_pass() -> None:
    """The upper end of p99 at 95 % needs 368 values."""
    for count, verdict in ((367, UNKNOWN), (368, PASS)):
        found = ndjson([{"latency_ms": 10 + number % 7} for number in range(count)])
        assert Bench().push("evaluation", found, media=ROWS).judge("latency", at_most=250).verdict is verdict


@pytest.mark.parametrize(
    ("document", "params", "verdict"),
    [
        ({"memory_mib": {"peak": 500}}, {"at_most": 512}, PASS),
        ({"memory_mib": {"peak": 513}}, {"at_most": 512}, FAIL),
        ({"memory_mib": {"mean": 100}}, {"at_most": 512}, UNKNOWN),
        ({"memory_mib": {"mean": 100}}, {"at_most": 512, "of": "mean"}, PASS),
        ({"memory_mib": {"peak": 500}, "incumbent": {"memory_mib": {"peak": 400}}}, {"max_ratio": 1.2}, FAIL),
        ({"memory_mib": {"peak": 0}}, {"at_most": 512}, UNKNOWN),
    ],
)
def test_memory(document: Any, params: dict[str, Any], verdict: GateVerdict) -> None:
    assert Bench().push("evaluation", document).judge("memory", **params).verdict is verdict


def test_a_peak_of_rows_is_the_largest_seen() -> None:
    found = ndjson([{"memory_mib": 100 + number} for number in range(50)])
    judged = Bench().push("evaluation", found, media=ROWS).judge("memory", at_most=149, min_n=50)
    assert (judged.verdict, judged.figures[0].value) == (PASS, 149.0)


@pytest.mark.parametrize(
    ("use", "params"),
    [
        ("metric", {"metric": "f1"}),
        ("metric", {"metric": "f1", "at_least": float("nan")}),
        ("metric", {"metric": "f1", "at_least": True}),
        ("metric", {"metric": "f1", "at_least": 2, "at_most": 1}),
        ("metric", {"metric": "f1", "max_drop": -0.1}),
        ("metric", {"metric": "f1", "at_last": 0.9}),
        ("latency", {}),
        ("latency", {"at_most": "fast"}),
        ("latency", {"at_most": "0ms"}),
        ("latency", {"at_most": True}),
        ("latency", {"at_most": 10, "quantile": "median"}),
        ("latency", {"at_most": 10, "quantile": 99.0}),
        ("memory", {"at_most": 0}),
    ],
)
def test_parameters_that_make_no_sense_are_refused(use: str, params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GATES[use].Params.model_validate(params)


@pytest.mark.parametrize(
    ("use", "params", "title"),
    [
        (
            "metric",
            {"metric": "f1", "at_least": 0.9, "max_drop": 0.01},
            "f1 at least 0.9, at most 0.01 below the incumbent",
        ),
        (
            "latency",
            {"at_most": "250ms", "max_ratio": 1.2},
            "latency p99 at most 250 ms, at most 1.2 times the incumbent's",
        ),
        ("memory", {"at_most": 512}, "memory peak at most 512 MiB"),
    ],
)
def test_titles_say_the_threshold(use: str, params: dict[str, Any], title: str) -> None:
    gate = GATES[use]
    assert gate.title(gate.Params.model_validate(params)) == title
