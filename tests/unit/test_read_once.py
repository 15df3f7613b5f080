"""Several gates over the same evidence read it once, and what is kept meanwhile stays within its bound."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.judging_gates import GATES, ROWS, Bench, ndjson

from bot.adapters.conditions import compile_condition
from bot.domain.errors import BadInput
from bot.domain.gates import GateVerdict
from bot.evidence.read_once import ReadOnce
from bot.evidence.rows import Rows

FOUR: list[tuple[str, dict[str, Any]]] = [
    ("metric", {"metric": "f1", "at_least": 0.9, "confident": False}),
    ("metric", {"metric": "recall", "at_least": 0.9, "confident": False}),
    ("latency", {"quantile": "p50", "at_most": 250.0, "evidence": "evaluation"}),
    ("fairness", {"metric": "accuracy", "max_difference": 0.9}),
]


def rows(n: int) -> list[dict[str, Any]]:
    return [
        {"label": i % 2, "prediction": i % 2, "latency_ms": 5.0 + i % 7, "slice": "EU" if i % 3 else "US"}
        for i in range(n)
    ]


def test_four_gates_over_one_file_of_rows_read_it_once_and_judge_as_before() -> None:
    bench, once = Bench().push("evaluation", ndjson(rows(600)), media=ROWS), ReadOnce()
    alone = [bench.judge(use, **params) for use, params in FOUR]
    bench.pieces = [replace(piece, once=once) for piece in bench.pieces]
    together = []
    for use, params in FOUR:
        gate, given = GATES[use], GATES[use].Params.model_validate(params)
        together.append(gate.judge(given, gate.collect(given, bench.context()), compile_condition))
    assert once.reads == 1
    assert together == alone
    assert {one.verdict for one in together} == {GateVerdict.PASS}


def test_another_content_is_read_for_itself_and_a_failure_is_not_kept() -> None:
    once = ReadOnce()

    def broken() -> Rows:
        raise BadInput("no")

    for _ in range(2):
        with pytest.raises(BadInput):
            once.of(("a",), broken)
    assert once.of(("a",), lambda: Rows({"x": [1]}, 1)).n == 1  # type: ignore[union-attr]
    assert once.of(("b",), lambda: Rows({"x": [1, 2]}, 2)).n == 2  # type: ignore[union-attr]
    assert once.reads == 4


def test_the_oldest_goes_where_there_are_too_many_cells() -> None:
    once = ReadOnce(most_cells=5)
    for name in ("a", "b", "a", "c", "a", "b"):
        once.of((name,), lambda: Rows({"x": [1, 2]}, 2))
    assert once.reads == 4, "a, b, c, and b again, which had gone for c"
