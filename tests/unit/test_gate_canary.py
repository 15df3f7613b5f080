"""The gates canary and expression: the comparison's standing, and conditions over everything that is known."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from support.judging_gates import GATES, ROWS, Bench, ndjson

from bot.domain.gates import GateVerdict

PASS, FAIL, UNKNOWN = GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.UNKNOWN


def standing(verdict: Any, pairs: Any = 800, **more: Any) -> dict[str, Any]:
    known = {"estimate": 0.004, "interval": [0.001, 0.009], "tolerance": 0.02, "alpha": 0.05, "min_pairs": 200}
    return {"verdict": verdict, "pairs": pairs, **known, **more}


@pytest.mark.parametrize(
    ("found", "params", "verdict", "part"),
    [
        (standing("equivalent"), {}, PASS, "divergence 0.004 (0.001 to 0.009), at most 0.02 is wanted, over 800 pairs"),
        (standing("diverged"), {}, FAIL, "diverged"),
        (standing("unknown", 150), {}, UNKNOWN, "at least 50 more pairs are needed"),
        (standing("unknown", 500), {}, UNKNOWN, "more pairs are needed"),
        (standing("equivalent", 800), {"min_pairs": 1000}, UNKNOWN, "200 more are wanted"),
        (standing("diverged", 40), {"min_pairs": 1000}, FAIL, "diverged"),
        (standing("unknown", 300, why="the mean lies at the tolerance"), {}, UNKNOWN, "the mean lies at the tolerance"),
        (standing("unknown", 300, fewest_for_equivalent=340), {}, UNKNOWN, "at least 40 more pairs are needed"),
        (standing("equivalent", latency={"figure": {"verdict": "diverged"}}), {}, FAIL, "latency of the candidate"),
        (standing("equivalent", latency={"figure": {"verdict": "unknown"}}), {}, UNKNOWN, "latency is not known yet"),
        (standing("equivalent", latency={"figure": {}}), {}, PASS, ""),
        (standing("equivalent", errors={"verdict": "unknown"}), {}, UNKNOWN, "errors is not known yet"),
        (standing("equivalent", errors={"verdict": "equivalent"}), {}, PASS, ""),
        (standing("equivalent", errors=None, latency=None, labels=None, slices=[]), {}, PASS, ""),
        (standing("equivalent", labels={"accuracy": "unknown"}), {}, PASS, ""),
        (standing("equivalent", labels={"accuracy": "diverged"}), {}, FAIL, "accuracy of the candidate diverged"),
        (standing("equivalent", because=["errors"]), {}, FAIL, "errors of the candidate diverged"),
        (standing("equivalent", slices=[{"name": "EU", "diverged_at": 90}]), {}, FAIL, "slice EU"),
        (standing("equivalent", slices=[{"name": "EU", "diverged_at": None}, 3, "x"]), {}, PASS, ""),
        (standing("EQUIVALENT"), {}, UNKNOWN, ""),
        (standing(True), {}, UNKNOWN, ""),
        (standing("equivalent", float("nan")), {}, UNKNOWN, "nothing says over how many pairs"),
        (standing("equivalent", "many"), {}, UNKNOWN, "nothing says over how many pairs"),
        (standing("equivalent", estimate=float("inf"), interval="wide"), {}, UNKNOWN, "without a figure"),
        (standing("equivalent", interval=None), {}, PASS, "divergence 0.004, at most 0.02"),
        ({}, {}, UNKNOWN, "not known yet"),
        (None, {}, UNKNOWN, "POST /canaries/rel-1/observations"),
    ],
)
def test_canary(found: dict[str, Any] | None, params: dict[str, Any], verdict: GateVerdict, part: str) -> None:
    judged = Bench(canary=found).judge("canary", **params)
    assert judged.verdict is verdict, judged.why
    assert part in judged.why


def test_a_slice_that_diverged_is_not_lost_among_a_thousand_others() -> None:
    slices = [{"name": f"s{number}", "diverged_at": None} for number in range(1000)] + [
        {"name": "zz", "diverged_at": 7}
    ]
    judged = Bench(canary=standing("equivalent", slices=slices)).judge("canary")
    assert judged.verdict is FAIL
    assert "slice zz" in judged.why


DOCUMENT = {
    "metrics": {"f1": 0.93, "auc": {"value": 0.97, "n": 100}},
    "latency_ms": {"p99": 31.5},
    "incumbent": {"metrics": {"f1": 0.92}},
    "slices": {"EU": {"metrics": {"f1": 0.9}}},
}


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        ("metrics.f1 >= 0.9 && metrics.latency_ms.p99 < 50.0", PASS),
        ("metrics.f1 > metrics.incumbent.f1 && metrics.slices.EU.f1 >= 0.9", PASS),
        ("metrics.f1 > 0.95", FAIL),
        ("metrics.recall > 0.5", UNKNOWN),
        ("metrics.f1", UNKNOWN),
        ('metrics.f1 > "0.9"', UNKNOWN),
        ('release.candidate == "42" && manifest.objective.contains("fraud")', PASS),
        ('signatures.exists(s, s.subject == "brief:product")', PASS),
        ('signatures.exists(s, s.subject == "brief:support")', FAIL),
        ('canary.verdict == "equivalent"', UNKNOWN),
        ("canary == null", PASS),
        ("metrics.f1 / 0 > 1", UNKNOWN),
        ("[metrics.f1][3] > 0.0", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_expression(condition: str, verdict: GateVerdict) -> None:
    bench = Bench(manifest={"objective": "less fraud"}).push("evaluation", DOCUMENT).sign("brief:product", "cleo")
    if not condition:
        with pytest.raises(ValidationError):
            bench.judge("expression", condition=condition)
        return
    judged = bench.judge("expression", condition=condition)
    assert judged.verdict is verdict, judged.why
    assert judged.why.startswith(f"`{condition}`")


def test_the_figures_that_a_condition_names_stand_with_the_verdict() -> None:
    judged = Bench().push("evaluation", DOCUMENT).judge("expression", condition="metrics.f1 >= 0.9", says="good enough")
    assert [(one.name, one.value) for one in judged.figures] == [("good enough", 1.0), ("f1", 0.93)]


def test_the_newest_evidence_wins_and_other_versions_rows_and_broken_files_are_set_aside() -> None:
    bench = Bench().push("evaluation", {"metrics": {"f1": 0.1}}).push("evaluation", {"metrics": {"f1": 0.93}})
    bench.push("other", {"metrics": {"f1": 0.2}}, version="41").push("raw", ndjson([{"label": 1}]), media=ROWS)
    bench.push("broken", b"{")
    judged = bench.judge("expression", condition="metrics.f1 > 0.9")
    assert judged.verdict is PASS
    assert any("version '41'" in one for one in judged.details["set_aside"])
    assert any("not JSON" in one for one in judged.details["set_aside"])


@pytest.mark.parametrize(
    ("manifest", "part"),
    [
        ({"environment_lock": "x" * 300_000}, "can be kept with a verdict"),
        ({"dataset": {"rows": float("nan")}}, "not finite"),
    ],
)
def test_facts_that_cannot_be_kept_are_unknown(manifest: dict[str, Any], part: str) -> None:
    judged = Bench(manifest=manifest).judge("expression", condition="true")
    assert judged.verdict is UNKNOWN
    assert part in judged.why


def test_a_condition_over_another_name_is_unknown() -> None:
    judged = Bench().judge("expression", condition="secrets.key == 1")
    assert judged.verdict is UNKNOWN
    assert "unknown variable" in judged.why


def test_titles() -> None:
    for use, params, title in (
        ("canary", {}, "canary equivalent"),
        ("canary", {"min_pairs": 1000}, "canary equivalent over at least 1,000 pairs"),
        ("expression", {"condition": "metrics.f1 >  0.9"}, "metrics.f1 > 0.9"),
        ("expression", {"condition": "true", "says": "always"}, "always"),
    ):
        gate = GATES[use]
        assert gate.title(gate.Params.model_validate(params)) == title
