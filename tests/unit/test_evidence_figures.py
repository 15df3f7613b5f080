"""Documents of figures, named figures out of documents and rows alike, fairness and drift out of both."""

from __future__ import annotations

import gzip
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.errors import BadInput
from bot.evidence.comparing import drift, fairness
from bot.evidence.figures import Document, read_document
from bot.evidence.kinds import Kind
from bot.evidence.measuring import OF_A_POSITIVE, OF_PREDICTIONS, OF_SCORES, Asked, Side, change, measure, read_evidence
from bot.evidence.rows import Rows
from bot.statistics.drift import Drift
from bot.statistics.estimates import Estimate, Unknown

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
DIGEST = "sha256:" + "ab" * 32
WHOLE = {
    "metrics": {"f1": 0.93, "auc": {"value": 0.97, "low": 0.96, "high": 0.98, "n": 1000}},
    "incumbent": {"metrics": {"f1": 0.95, "auc": {"value": 0.96, "low": 0.95, "high": 0.97, "n": 1000}}},
    "slices": {
        "eu": {"metrics": {"f1": {"value": 0.9, "low": 0.88, "high": 0.92, "n": 500}}},
        "us": {"metrics": {"f1": 0.8}},
    },
    "latency_ms": {"p99": 31.5, "p50": {"value": 4, "n": 7}, "n": 2000},
    "memory_mib": {"peak": 512},
    "features": {
        "age": {"counts": [200, 300, 500], "reference_counts": [300, 300, 400]},
        "country": {"counts": {"de": 600, "xx": 10}, "reference_counts": {"de": 500, "fr": 100}},
        "height": {"values": [1.5, 1.7, None], "reference": [1.6, 1.7]},
        "colour": {"values": ["red", None], "reference": ["blue"]},
        "empty": {"counts": [], "reference_counts": []},
    },
    "digests": {"model": DIGEST},
    "schema": {"fields": [{"name": "age", "type": "int64"}]},
}  # fmt: skip


def document(**parts: Any) -> Document:
    return read_document(json.dumps(parts).encode())


def table(**columns: list[Any]) -> Rows:
    return Rows(columns, len(next(iter(columns.values()), [])))


def test_a_whole_document_is_read_packed_or_not() -> None:
    raw = json.dumps(WHOLE).encode()
    found = read_evidence(gzip.compress(raw), Kind.JSON)
    assert found == read_document(raw)
    assert isinstance(found, Document)
    assert found.digests == {"model": DIGEST}
    assert found.data_schema == WHOLE["schema"]
    assert measure(found, Asked("auc")) == Estimate(0.97, 0.96, 0.98, 1000, "as sent")
    assert measure(found, Asked("latency_ms.p99")) == Estimate(31.5, -math.inf, math.inf, 2000, "as sent")
    assert measure(found, Asked("latency_ms.p50")).n == 7
    assert measure(found, Asked("memory_mib.peak")).value == 512
    assert measure(found, Asked("f1"), Side.INCUMBENT).value == 0.95
    assert measure(found, Asked("f1", slice="eu")).value == 0.9


def test_a_document_cannot_be_changed() -> None:
    found = document(metrics={"f1": 0.9})
    with pytest.raises(ValueError, match="frozen"):
        found.metrics["f1"].value = 1.0


WRONG = [
    ({"metric": {"f1": 0.9}}, "metric"),
    ({"metrics": {"f1": "0.9"}}, "metrics.f1"),
    ({"metrics": {"f1": True}}, "metrics.f1"),
    ({"metrics": {"f1": None}}, "metrics.f1"),
    ({"metrics": {"f1": {"value": 0.9, "low": 0.95, "high": 0.99}}}, "outside its own interval"),
    ({"metrics": {"f1": {"value": 0.9, "low": 0.8}}}, "both ends"),
    ({"metrics": {"f1": {"value": 0.9, "n": -1}}}, "n"),
    ({"metrics": {"f1": {"value": 0.9, "n": 1.5}}}, "n"),
    ({"metrics": {"": 0.9}}, "metrics"),
    ({"metrics": {"x" * 201: 0.9}}, "metrics"),
    ({"metrics": [0.9]}, "metrics"),
    ({"digests": {"model": "latest"}}, "digests.model"),
    ({"features": {"age": {}}}, "either values"),
    ({"features": {"age": {"counts": [1, 2], "reference_counts": [1]}}}, "same cells"),
    ({"features": {"age": {"counts": [1], "reference_counts": {"a": 1}}}}, "both lists"),
    ({"features": {"age": {"values": [1], "counts": [1], "reference_counts": [1]}}}, "either values"),
    ({"schema": []}, "schema"),
]


@pytest.mark.parametrize(("value", "words"), WRONG)
def test_a_document_that_is_wrong_is_bad_input_that_says_where(value: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read_document(json.dumps(value).encode())


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"1", b'{"metrics": {"f1": NaN}}', b'{"metrics": {"f1": 1, "f1": 2}}', b"{"]
)
def test_what_is_no_document_is_bad_input(raw: bytes) -> None:
    with pytest.raises(BadInput):
        read_document(raw)


JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from([*WHOLE, "f1", "value", "low", "high", "n", "values", "reference", "counts", "peak"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@UNHURRIED
@given(JSON_VALUES)
def test_any_json_is_evidence_or_bad_input(value: Any) -> None:
    try:
        found = read_evidence(json.dumps(value).encode(), Kind.JSON)
    except BadInput:
        return
    if isinstance(found, Document):
        measure(found, Asked("f1"))
        for name in found.features:
            with_bad_counts(found, name)


def with_bad_counts(found: Document, name: str) -> None:
    try:
        drift(found, name)
    except BadInput:
        return


# The same name out of either form.


ROWS = table(
    label=[1, 1, 0, 0, None],
    prediction=[1, 0, 0, 1, 1],
    incumbent_prediction=[1, 1, 0, 0, 0],
    score=[0.9, 0.4, 0.2, 0.6, 0.5],
    incumbent_score=[0.8, 0.7, 0.1, 0.2, 0.3],
    latency_ms=[1.0, 2.0, 3.0, 4.0, 5.0],
    incumbent_latency_ms=[1.0, 1.0, 1.0, 1.0, 2.0],
    memory_mib=[10, 11, 12, 11, 10],
    error=[None, "", False, "timeout", 0],
    slice=["eu", "eu", "us", "us", None],
)


@pytest.mark.parametrize(
    ("name", "candidate", "incumbent"),
    [
        ("accuracy", 0.5, 1.0),
        ("f1", 0.5, 1.0),
        ("f1_macro", 0.5, 1.0),
        ("auc", 0.75, 1.0),
        ("brier", (0.01 + 0.36 + 0.04 + 0.36) / 4, (0.04 + 0.09 + 0.01 + 0.04) / 4),
        ("rmse", math.sqrt(0.5), 0.0),
        ("positive_rate", 0.6, 0.4),
        ("latency_ms.p50", 3.0, 1.0),
        ("mean.latency_ms", 3.0, 1.2),
        ("latency_ms.mean", 3.0, 1.2),
    ],
)
def test_rows_give_the_figure_of_either_side_and_the_change(name: str, candidate: float, incumbent: float) -> None:
    sides = [measure(ROWS, Asked(name), side) for side in (Side.CANDIDATE, Side.INCUMBENT)]
    assert [one.value for one in sides] == pytest.approx([candidate, incumbent])
    found = change(ROWS, Asked(name))
    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(candidate - incumbent)


def test_rows_give_memory_and_errors() -> None:
    assert measure(ROWS, Asked("memory_mib.peak")).value == 12
    assert measure(ROWS, Asked("memory_mib.mean")).value == pytest.approx(10.8)
    assert measure(ROWS, Asked("error_rate")).value == 0.2


def test_rows_without_a_label_are_left_out_and_the_number_tells() -> None:
    assert measure(ROWS, Asked("accuracy")).n == 4
    assert measure(ROWS, Asked("accuracy", slice="us")).n == 2


UNKNOWN = [
    (ROWS, Asked("accuracy", slice="apac"), "'apac' is empty"),
    (ROWS, Asked("bleu"), "no figure 'bleu'"),
    (ROWS, Asked("f1", positive="spam"), "no label is the positive class"),
    (ROWS, Asked("mean.height"), "no column 'height'"),
    (table(), Asked("f1"), "no rows"),
    (table(label=[1, 0]), Asked("f1"), "no column 'prediction'"),
    (table(label=[None], prediction=[1]), Asked("f1"), "no row has a label"),
    (table(label=[1, 1], prediction=[1, None]), Asked("accuracy"), "1 of 2 rows with a label have no prediction"),
    (table(label=["spam", "ham"], score=[0.9, 0.1]), Asked("brier"), "which class is the positive one"),
    (table(label=[0, 1, 2], prediction=[0, 1, 2]), Asked("f1"), "which class is the positive one"),
    (table(latency_ms=[1.0, None]), Asked("latency_ms.p99"), "1 of 2 rows have no latency_ms"),
    (table(label=[1]), Asked("f1", slice="eu"), "no column 'slice'"),
    (table(label=[1]), Asked("error_rate"), "no column 'error'"),
    (document(metrics={"f1": 1}), Asked("auc"), "no figure 'auc'"),
    (document(metrics={"f1": 1}), Asked("f1", slice="eu"), "no slice 'eu'"),
    (document(metrics={"f1": 1}), Asked("latency_ms.p99"), "no figure"),
]


@pytest.mark.parametrize(("evidence", "asked", "words"), UNKNOWN)
def test_a_figure_that_is_not_there_is_unknown_and_says_why(evidence: Any, asked: Asked, words: str) -> None:
    found = measure(evidence, asked)
    assert isinstance(found, Unknown)
    assert words in found.why


def test_the_positive_class_can_be_named() -> None:
    rows = table(label=["spam", "ham", "spam"], prediction=["spam", "spam", "ham"])
    assert measure(rows, Asked("recall", positive="spam")).value == 0.5


def test_the_change_of_a_document_comes_from_both_intervals() -> None:
    found = change(read_document(json.dumps(WHOLE).encode()), Asked("auc"))
    assert isinstance(found, Estimate)
    assert (found.value, found.low) == pytest.approx((0.01, 0.01 - math.hypot(0.01, 0.01)))
    bare = change(read_document(json.dumps(WHOLE).encode()), Asked("f1"))
    assert isinstance(bare, Estimate)
    assert not bare.has_interval
    assert bare.value == pytest.approx(-0.02)


def test_a_change_without_the_incumbent_is_unknown() -> None:
    assert "incumbent" in change(document(metrics={"f1": 1}), Asked("f1")).why
    assert isinstance(change(table(label=[1], prediction=[1]), Asked("f1")), Unknown)
    assert isinstance(change(ROWS, Asked("accuracy", slice="apac")), Unknown)


def test_fairness_comes_out_of_rows_and_documents() -> None:
    found = fairness(ROWS, Asked("accuracy"), expected=("eu", "us"))
    assert found.unmeasured == ("",)  # the row that names no slice has no label either
    labelled = table(label=[1] * 40, prediction=[1] * 30 + [0] * 10, slice=["eu"] * 20 + ["us"] * 20)
    rows = fairness(labelled, Asked("accuracy"))
    assert isinstance(rows.difference, Estimate)
    assert rows.difference.value == 0.5
    assert 0 < rows.difference.low < 0.5 < rows.difference.high < 1
    sent = fairness(read_document(json.dumps(WHOLE).encode()), Asked("f1"))
    assert isinstance(sent.difference, Estimate)
    assert sent.difference.value == pytest.approx(0.1)
    assert "not corrected" in sent.difference.method
    lacking = fairness(read_document(json.dumps(WHOLE).encode()), Asked("f1"), expected=("apac",))
    assert lacking.unmeasured == ("apac",)


def test_drift_comes_out_of_documents_with_their_own_reference() -> None:
    found = read_document(json.dumps(WHOLE).encode())
    age = drift(found, "age")
    assert isinstance(age, Drift)
    assert age.effects["ks"].value == pytest.approx(0.1)
    country = drift(found, "country")
    assert isinstance(country, Drift)
    assert country.unseen == pytest.approx(10 / 610)
    assert "ks" not in country.effects
    height = drift(found, "height")
    assert isinstance(height, Drift)
    assert (height.kind, height.missing) == ("numeric", pytest.approx(1 / 3))
    assert height.unknown
    assert drift(found, "colour").kind == "categorical"
    assert isinstance(drift(found, "empty"), Unknown)
    assert isinstance(drift(found, "weight"), Unknown)


def test_drift_of_rows_is_held_against_other_rows() -> None:
    was, now = table(x=[1.0, 2.0] * 300, y=["a"] * 600), table(x=[1.0, 3.0] * 300, y=["a"] * 600)
    found = drift(now, "x", reference=was)
    assert isinstance(found, Drift)
    assert (found.kind, found.unseen) == ("numeric", 0.5)
    assert drift(now, "y", reference=was).exceeds("psi", 0.1) is False
    assert "reference to drift from" in drift(now, "x").why
    assert "no column 'z'" in drift(now, "z", reference=was).why


def test_the_examples_of_the_page_are_read(checkout: Path) -> None:
    page = (checkout / "docs" / "measures.md").read_text("utf-8")
    blocks = re.findall(r"```(\w+)\n(.*?)```", page, re.DOTALL)
    found = [
        read_evidence(text.encode(), kind)
        for (_, text), kind in zip(blocks, (Kind.JSON, Kind.NDJSON, Kind.CSV), strict=True)
    ]
    assert isinstance(found[0], Document)
    assert found[1] == found[2]
    assert measure(found[1], Asked("accuracy")).value == 1.0
    for feature in found[0].features:
        assert isinstance(drift(found[0], feature), Drift)


def test_every_metric_is_on_the_page(checkout: Path) -> None:
    page = (checkout / "docs" / "measures.md").read_text("utf-8")
    names = (*OF_PREDICTIONS, *OF_SCORES, *OF_A_POSITIVE, "psi", "ks", "chi_square", "jensen_shannon")
    assert [name for name in names if f"`{name}`" not in page] == []


WITHOUT_EXTRA = """
import sys
import bot.evidence.comparing, bot.evidence.schema_forms, bot.evidence.schemas, bot.statistics.fairness
from bot.evidence.kinds import Kind
from bot.evidence.measuring import Asked, change, measure, read_evidence
found = read_evidence(b'{"metrics": {"f1": 0.9}, "incumbent": {"metrics": {"f1": 0.8}}}', Kind.JSON)
assert measure(found, Asked("f1")).value == 0.9 and change(found, Asked("f1")).value > 0
read_evidence(b"label,prediction\\n1,1\\n", Kind.CSV)
print([name for name in ("numpy", "scipy", "pyarrow") if name in sys.modules])
"""


def test_documents_and_lines_are_read_without_the_libraries_of_the_extra() -> None:
    told = subprocess.run([sys.executable, "-c", WITHOUT_EXTRA], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
