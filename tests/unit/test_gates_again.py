"""Every gate that judges evidence and records: judged again from what is kept, and none of it loads on listing."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.judging_gates import GATES, NOW, ROWS, Bench, OneAnswer, ndjson

from bot.adapters.conditions import compile_condition
from bot.domain.gates import GateVerdict
from bot.gate_plugins import Measured
from bot.gates import list_gates
from bot.plugins import Reply

DIGEST = "sha256:" + "a" * 64
FIGURES = {
    "metrics": {"f1": {"value": 0.93, "low": 0.92, "high": 0.94, "n": 5000}},
    "latency_ms": {"p99": {"value": 31.5, "low": 30.25, "high": 33.125, "n": 9000}},
    "memory_mib": {"peak": 512},
    "incumbent": {"metrics": {"f1": 0.925}, "latency_ms": {"p99": 30}, "memory_mib": {"peak": 500}},
    "slices": {name: {"metrics": {"f1": {"value": 0.9 + 0.001 * at, "low": 0.89, "high": 0.92, "n": 900}}}
               for at, name in enumerate(("EU", "US"))},
}  # fmt: skip
SAME = {"counts": [100, 101, 99, 102, 98], "reference_counts": [100, 100, 100, 100, 100]}
STANDING = {"verdict": "equivalent", "pairs": 900, "estimate": 0.0041, "interval": [0.001, 0.0091], "tolerance": 0.02}

PARAMS: dict[str, dict[str, Any]] = {
    "canary": {"min_pairs": 500},
    "checklist": {"items": [{"name": "runbook", "role": "champion", "not_author": True}]},
    "documents": {"require": ["rollback_plan"], "max_age": "90d"},
    "drift": {"at_most": 0.2},
    "drill": {"playbook": "back", "within": "30d"},
    "expression": {"condition": "metrics.f1 > 0.9 && metrics.incumbent.f1 > 0.9"},
    "fairness": {"metric": "f1", "max_difference": 0.1, "min_ratio": 0.8},
    "latency": {"at_most": "50ms", "max_ratio": 1.2},
    "memory": {"at_most": 600, "max_ratio": 1.2},
    "metric": {"metric": "f1", "at_least": 0.9, "max_drop": 0.01, "max_drop_ratio": 0.05, "min_n": 1000},
    "parity": {},
    "schema": {},
}


def whole() -> Bench:
    """A release of which every gate above passes."""
    schema = {"fields": [{"name": "age", "type": "int64"}]}
    plan = {"text": "Point the alias back.", "reviewed_at": "2026-11-01T12:00:00Z"}
    bench = Bench(
        manifest={"artifacts": {"model": DIGEST}, "data_schema": schema, "rollback_plan": plan, "author": "ada"},
        canary=STANDING,
        drills=[{"id": "d1", "playbook": "back", "passed": True, "ended_at": NOW - timedelta(days=2.5)}],
        roles={"champion": {"cleo"}},
    )
    bench.push("evaluation", FIGURES, version="42").push("drift", {"features": {"age": SAME}})
    bench.push("schema", schema, about="incumbent", version="41").push("deployed", {"digests": {"model": DIGEST}})
    return bench.sign("item:runbook", "cleo")


def test_these_are_all_the_gates_that_judge_evidence_and_records() -> None:
    assert {name for name, place in list_gates().items() if place.startswith("bot.gates.")} >= set(PARAMS)
    assert list(list_gates()) == sorted(list_gates())


@pytest.mark.parametrize("use", sorted(PARAMS))
def test_the_verdict_is_the_same_again_out_of_the_record(use: str) -> None:
    gate, params, measured = whole().measure(use, **PARAMS[use])
    assert not measured.problem
    first = gate.judge(params, measured, compile_condition)
    assert first.verdict is GateVerdict.PASS, first.why
    kept = json.loads(json.dumps({"facts": dict(measured.facts), "query": measured.query}, allow_nan=False))
    again = gate.judge(
        gate.Params.model_validate(PARAMS[use]), Measured(kept["facts"], kept["query"]), compile_condition
    )
    assert again == first
    assert first.figures, "a verdict rests on figures"
    assert all(figure.threshold for figure in first.figures[:1])
    assert gate.title(params)
    assert len(gate.title(params)) < 120


@pytest.mark.parametrize("use", sorted(PARAMS))
@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"candidate": None, "features": [], "slices": 3, "changes": "x", "items": [], "documents": 1, "drills": {}},
        {"candidate": {"value": "0.99"}, "ratio": {"value": True}, "tested": [], "metrics": 1, "pairs": "9"},
        {"candidate": {"value": 10**400}, "features": {"a": 1}, "fields": [1, "x"], "drills": [1], "verdict": []},
        {"candidate": {"value": None, "n": -1}, "features": {"a": {}}, "documents": {"rollback_plan": {}}},
    ],
)
def test_a_record_that_was_spoiled_never_passes(use: str, facts: Mapping[str, Any]) -> None:
    gate = GATES[use]
    judged = gate.judge(gate.Params.model_validate(PARAMS[use]), Measured(facts), compile_condition)
    assert judged.verdict is not GateVerdict.PASS
    assert judged.why


NOISE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, 10**400, 1.5, "", "x", "0.99", "diverged", [], [1], [None, {}], {}, {"a": 1},
    {"value": 1, "low": 2, "high": 0, "n": -3}, {"verdict": []}, {"unknown": None}, {"effects": 1}, {"present": "yes"},
)  # fmt: skip


def spoiled(value: Any, choices: random.Random) -> Any:
    """The same with one part, at any depth, replaced by noise or left out."""
    if not isinstance(value, dict | list) or not value or choices.random() < 0.15:
        return choices.choice(NOISE)
    key: Any = choices.choice(list(value)) if isinstance(value, dict) else choices.randrange(len(value))
    changed = value.copy()
    if choices.random() < 0.2:
        del changed[key]
    else:
        changed[key] = spoiled(value[key], choices)
    return changed


@pytest.mark.parametrize("use", sorted(PARAMS))
def test_whatever_a_record_holds_a_judgement_comes_of_it(use: str) -> None:
    gate, params, measured = whole().measure(use, **PARAMS[use])
    good = json.loads(json.dumps(dict(measured.facts)))
    verdicts = set()
    for seed in range(400):
        facts = spoiled(good, random.Random(f"{use}-{seed}"))
        facts = facts if isinstance(facts, dict) else {}
        judged = gate.judge(params, Measured(facts), compile_condition)
        verdicts.add(judged.verdict)
        assert judged.why, facts
    assert GateVerdict.UNKNOWN in verdicts


@pytest.mark.parametrize("use", sorted(PARAMS))
def test_a_release_of_which_nothing_is_known_passes_no_gate(use: str) -> None:
    judged = Bench().judge(use, **PARAMS[use])
    assert judged.verdict is GateVerdict.UNKNOWN, judged
    assert judged.why


@pytest.mark.parametrize("use", ["metric", "latency", "memory", "fairness", "drift", "parity", "schema"])
def test_everything_about_another_version_is_set_aside(use: str) -> None:
    bench = whole()
    bench.release["candidate"], bench.release["incumbent"] = "99", "98"
    for piece in list(bench.pieces):
        record = piece.record
        bench.pieces.remove(piece)
        bench.push(record.name, piece.content, media=record.media, about=record.about, version="7")
    judged = bench.judge(use, **PARAMS[use])
    assert judged.verdict is GateVerdict.UNKNOWN
    assert "about version '7'" in judged.why


def sections() -> dict[str, str]:
    """The sections of the page about gates, by the kind that each is about."""
    page = (Path(__file__).parents[2] / "docs/gates.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE))


def test_the_page_about_gates_has_an_example_that_is_valid_and_every_parameter_of_every_kind() -> None:
    found = sections()
    assert sorted(found) == sorted(PARAMS)
    for use, text in found.items():
        block = text.split("```yaml")[1].split("```")[0]
        example = yaml.safe_load(block.replace("{{ target.deployer }}", "https://deploy.example.com"))
        assert [one.pop("use") for one in example] == [use]
        for one in example:
            GATES[use].Params.model_validate(one)
        names = GATES[use].Params.model_fields
        assert [name for name in names if f"`{name}`" not in text and f"{name}:" not in text] == []


def test_listing_and_loading_the_gates_loads_no_heavy_library() -> None:
    code = (
        "import sys; from bot.gates import load_gates; load_gates();"
        "print([one for one in ('numpy', 'scipy', 'pyarrow') if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("use", ["metric", "latency", "memory", "fairness", "drift"])
def test_without_the_extra_rows_are_unknown_and_the_extra_is_named(use: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ndjson([{"label": 1, "prediction": 1, "latency_ms": 3.0, "memory_mib": 3.0, "slice": "a"}] * 600)
    bench = Bench().push("evaluation", rows, media=ROWS).push("drift", rows, media=ROWS)
    bench.push("reference", rows, media=ROWS)
    monkeypatch.setitem(sys.modules, "scipy", None)
    judged = bench.judge(use, **PARAMS[use])
    assert judged.verdict is GateVerdict.UNKNOWN
    assert "needs the extra `stats`" in judged.why
    assert "pip install 'andon[stats]'" in judged.why


def test_figures_that_were_sent_need_no_extra() -> None:
    code = (
        "import sys; sys.path.insert(0, 'tests'); sys.modules.update(numpy=None, scipy=None, pyarrow=None)\n"
        "from unit.test_gates_again import PARAMS, whole\n"
        "print(*{whole().judge(use, **PARAMS[use]).verdict for use in PARAMS if use != 'drift'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["pass"]


def test_what_parity_fetched_is_given_out_as_evidence() -> None:
    bench = whole()
    bench.http = OneAnswer(Reply(200, headers={"content-type": "application/json"}, body={"model": DIGEST}, raw=b"raw"))
    _, _, measured = bench.measure("parity", url="https://deploy.example.com/x", digests="body")
    assert [(one.media, one.content, one.source) for one in measured.fetched] == [
        ("application/json", b"raw", "GET https://deploy.example.com/x")
    ]
