"""The gates drift, fairness and schema: the data that a candidate reads, and how alike it treats its slices."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import ValidationError
from support.judging_gates import GATES, ROWS, Bench, ndjson

from bot.domain.gates import GateVerdict

PASS, FAIL, UNKNOWN = GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.UNKNOWN
SAME = [100.0] * 10
MOVED = [10.0, 20, 50, 90, 100, 100, 130, 150, 170, 180]


def features(**named: Any) -> dict[str, Any]:
    return {"features": named}


def counts(now: Sequence[float], was: Sequence[float] = SAME) -> dict[str, Any]:
    return {"counts": list(now), "reference_counts": list(was)}


def table(choices: random.Random, rows: int, shift: float = 0.0, **more: Any) -> bytes:
    return ndjson(
        [
            {
                "age": choices.gauss(40 + shift, 10),
                "country": choices.choice(["DE", "FR", "IT"]),
                "prediction": 1,
                **more,
            }
            for _ in range(rows)
        ]
    )


@pytest.mark.parametrize(("now", "verdict"), [(SAME, PASS), (MOVED, FAIL), ([1.0] * 10, UNKNOWN)])
@pytest.mark.parametrize("method", ["psi", "ks", "chi2", "js"])
def test_drift_of_counts(now: list[float], verdict: GateVerdict, method: str) -> None:
    judged = Bench().push("drift", features(age=counts(now))).judge("drift", at_most=0.1, method=method)
    assert judged.verdict is verdict, judged.why
    assert judged.figures[0].threshold == "at most 0.1"


def test_the_worst_feature_decides_and_one_may_have_its_own_bound() -> None:
    bench = Bench().push("drift", features(age=counts(MOVED), income=counts(SAME)))
    judged = bench.judge("drift", at_most=0.1)
    assert judged.verdict is FAIL
    assert judged.why.startswith("psi of age")
    assert "income" not in judged.why
    assert bench.judge("drift", at_most=0.1, features=["income"]).verdict is PASS
    assert bench.judge("drift", at_most=0.1, per_feature={"age": {"at_most": 5}}).verdict is PASS
    by_hand = sum((now / 1000 - 0.1) * math.log(now / 1000 / 0.1) for now in MOVED)
    assert judged.figures[0].value == pytest.approx(by_hand, abs=1e-12)


def test_drift_of_rows_against_a_reference_in_evidence_or_in_a_file() -> None:
    choices = random.Random("drift of rows")
    was, now, moved = table(choices, 1500), table(choices, 1500), table(choices, 1500, shift=8)
    bench = Bench().push("reference", was, media=ROWS, version="41").push("drift", now, media=ROWS)
    judged = bench.judge("drift", at_most=0.2, predictions=False)
    assert judged.verdict is PASS, judged.why
    assert judged.details["features"] == 2
    assert Bench().push("reference", was, media=ROWS).push("drift", moved, media=ROWS).judge(
        "drift", at_most=0.2, predictions=False
    ).verdict is FAIL  # fmt: skip
    filed = Bench(files={("references", "train.ndjson"): was}).push("drift", now, media=ROWS)
    assert filed.judge("drift", at_most=0.2, reference_file="train.ndjson", predictions=False).verdict is PASS
    assert filed.judge("drift", at_most=0.2, reference_file="other.ndjson").verdict is UNKNOWN
    assert Bench().push("drift", now, media=ROWS).judge("drift", at_most=0.2).verdict is UNKNOWN


def test_what_is_constant_on_both_sides_is_set_aside_and_never_a_pass_alone() -> None:
    choices = random.Random("constant")
    bench = Bench().push("reference", table(choices, 800), media=ROWS).push("drift", table(choices, 800), media=ROWS)
    judged = bench.judge("drift", at_most=0.2)
    assert (judged.verdict, judged.details["constant"]) == (PASS, ["prediction"])
    alone = bench.judge("drift", at_most=0.2, features=["prediction"])
    assert alone.verdict is UNKNOWN
    assert "constant on both sides" in alone.why


def test_a_feature_that_is_gone_or_new_is_unknown() -> None:
    choices = random.Random("gone")
    bench = Bench().push("reference", table(choices, 800, tenure=1), media=ROWS)
    bench.push("drift", table(choices, 800), media=ROWS)
    judged = bench.judge("drift", at_most=0.2)
    assert judged.verdict is UNKNOWN
    assert "no column 'tenure'" in judged.why
    assert bench.judge("drift", at_most=0.2, features=["age", "height"]).verdict is UNKNOWN


def test_a_change_of_units_is_said() -> None:
    values = [float(number % 97 + 1) for number in range(900)]
    sent = features(wait={"values": [one * 1000 for one in values], "reference": values})
    judged = Bench().push("drift", sent).judge("drift", at_most=0.2)
    assert judged.verdict is FAIL
    assert "was a unit changed?" in judged.why


@pytest.mark.parametrize(
    "sent",
    [
        {},
        features(),
        features(a={"values": [1]}),
        features(a=counts([float(0)] * 10)),
        features(a=counts([-1.0] * 10)),
        features(a={"counts": [1, 2], "reference_counts": {"x": 1}}),
        features(a={"values": [1, "x"] * 300, "reference": [None] * 600}),
        features(a={"values": [], "reference": []}),
        features(a={"values": [str(one) for one in range(1200)], "reference": ["a"] * 1200}),
        b'{"features": {"a": {"values": [1e400], "reference": [1]}}}',
        b"\xff",
    ],
)
def test_hostile_drift_evidence_is_unknown(sent: Any) -> None:
    judged = Bench().push("drift", sent).judge("drift", at_most=0.2)
    assert judged.verdict is UNKNOWN, judged.why


def fair(**rates: tuple[int, int]) -> bytes:
    """Rows of each slice: so many of so many right."""
    return ndjson(
        [
            {"label": 1, "prediction": int(number < right), "region": region}
            for region, (right, total) in rates.items()
            for number in range(total)
        ]
    )


@pytest.mark.parametrize(
    ("rates", "verdict"),
    [
        ({"EU": (4500, 5000), "US": (4510, 5000)}, PASS),
        ({"EU": (4500, 5000), "US": (3900, 5000)}, FAIL),
        ({"EU": (90, 100), "US": (86, 100)}, UNKNOWN),
        ({"EU": (90, 100), "US": (80, 100)}, UNKNOWN),
        ({"EU": (4500, 5000), "US": (2, 10)}, UNKNOWN),
        ({"EU": (4500, 5000)}, UNKNOWN),
    ],
)
def test_fairness_fails_where_surely_apart_and_passes_where_surely_not(
    rates: dict[str, tuple[int, int]], verdict: GateVerdict
) -> None:
    bench = Bench().push("evaluation", fair(**rates), media=ROWS)
    judged = bench.judge("fairness", metric="accuracy", by="region", max_difference=0.05)
    assert judged.verdict is verdict, judged.why
    shown = {one.subject: one.n for one in judged.figures if one.subject in rates}
    assert shown == {region: total for region, (_, total) in rates.items()}


def test_fairness_by_ratio_and_slices_that_must_be_there() -> None:
    bench = Bench().push("evaluation", fair(EU=(4500, 5000), US=(4400, 5000)), media=ROWS)
    asked = {"metric": "accuracy", "by": "region"}
    assert bench.judge("fairness", **asked, min_ratio=0.95).verdict is PASS
    assert bench.judge("fairness", **asked, min_ratio=0.999).verdict is FAIL
    judged = bench.judge("fairness", **asked, min_ratio=0.95, slices=["EU", "US", "APAC"])
    assert judged.verdict is UNKNOWN
    assert "'APAC'" in judged.why
    assert bench.judge("fairness", metric="accuracy", by="country", min_ratio=0.95).verdict is UNKNOWN


def test_fairness_of_figures_without_intervals_goes_by_the_values() -> None:
    document = {"slices": {"EU": {"metrics": {"f1": {"value": 0.9, "n": 500}}},
                           "US": {"metrics": {"f1": {"value": 0.87, "n": 400}}}}}  # fmt: skip
    bench = Bench().push("evaluation", document)
    assert bench.judge("fairness", metric="f1", max_difference=0.05, min_ratio=0.9).verdict is PASS
    assert bench.judge("fairness", metric="f1", max_difference=0.02).verdict is FAIL
    assert bench.judge("fairness", metric="f1", max_difference=0.05, confident=True).verdict is UNKNOWN
    document["slices"]["US"]["metrics"]["f1"].pop("n")
    judged = Bench().push("evaluation", document).judge("fairness", metric="f1", max_difference=0.05)
    assert judged.verdict is UNKNOWN
    assert "an unknown number of rows" in judged.why


OLD = {"fields": [{"name": "age", "type": "int32"}, {"name": "country", "type": "string", "categories": ["DE", "FR"]}]}


def schema(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"fields": list(fields)}


AGE, COUNTRY = OLD["fields"]


@pytest.mark.parametrize(
    ("new", "params", "verdict"),
    [
        (OLD, {}, PASS),
        (schema(AGE, COUNTRY, {"name": "income", "type": "double"}), {}, PASS),
        (schema(AGE, COUNTRY, {"name": "income", "type": "double"}), {"allow": []}, FAIL),
        (schema(AGE), {}, FAIL),
        (schema(AGE), {"allow": ["removed"]}, FAIL),
        (schema(AGE), {"reading": "requests"}, PASS),
        (schema({**AGE, "type": "int64"}, COUNTRY), {}, FAIL),
        (schema({**AGE, "type": "int64"}, COUNTRY), {"allow": ["widened"]}, PASS),
        (schema({**AGE, "type": "string"}, COUNTRY), {"allow": ["widened", "retyped"]}, FAIL),
        (schema(AGE, {**COUNTRY, "categories": ["DE", "FR", "XX"]}), {}, FAIL),
        (schema(AGE, {**COUNTRY, "categories": ["DE"]}), {}, PASS),
        (schema({**AGE, "nullable": False}, COUNTRY), {}, PASS),
        (schema(), {}, UNKNOWN),
        ({"type": "object"}, {}, UNKNOWN),
        (schema(AGE, AGE), {}, UNKNOWN),
        (schema({"name": 1, "type": []}), {}, UNKNOWN),
    ],
)
def test_schema(new: dict[str, Any], params: dict[str, Any], verdict: GateVerdict) -> None:
    bench = Bench(manifest={"data_schema": new}).push("schema", OLD, about="incumbent")
    judged = bench.judge("schema", **params)
    assert judged.verdict is verdict, judged.why


def test_a_refused_change_is_named_with_its_reason() -> None:
    bench = Bench(manifest={"data_schema": schema(AGE)}).push("schema", OLD, about="incumbent")
    judged = bench.judge("schema")
    assert "'country' removed: readers that expect it do not find it" in judged.why
    assert (judged.figures[0].value, judged.figures[0].threshold) == (1.0, "at most 0")


def test_schemas_come_from_the_manifest_evidence_a_reference_or_a_file() -> None:
    properties = {"properties": {"age": {"type": "integer"}}, "required": ["age"]}
    bench = Bench().push("schema", {"schema": properties}).push("training", properties)
    assert bench.judge("schema", reference="training").verdict is PASS
    unknown = bench.judge("schema")
    assert unknown.verdict is UNKNOWN
    assert "--name schema --about incumbent" in unknown.why
    filed = Bench(files={("references", "old.json"): b'{"properties": {"age": {"type": "string"}}}'})
    filed.push("schema", properties)
    assert filed.judge("schema", reference_file="old.json").verdict is FAIL
    assert Bench().judge("schema").verdict is UNKNOWN


def test_a_parquet_file_is_a_schema() -> None:
    pa = pytest.importorskip("pyarrow")
    from io import BytesIO

    from pyarrow import parquet

    sink = BytesIO()
    parquet.write_table(pa.table({"age": pa.array([1], pa.int32())}), sink)
    kind = "application/vnd.apache.parquet"
    bench = Bench(manifest={"data_schema": schema(AGE)}).push("schema", sink.getvalue(), media=kind, about="incumbent")
    assert bench.judge("schema").verdict is PASS


def test_of_thousands_of_changes_the_breaking_ones_are_never_cut_away() -> None:
    old = schema(*({"name": f"f{number}", "type": "int32"} for number in range(4000)))
    judged = Bench(manifest={"data_schema": schema(AGE)}).push("schema", old, about="incumbent").judge("schema")
    assert judged.verdict is FAIL
    assert judged.figures[0].value == 4000.0
    new = schema(*old["fields"], *({"name": f"g{number}", "type": "int32"} for number in range(400)))
    judged = Bench(manifest={"data_schema": new}).push("schema", old, about="incumbent").judge("schema")
    assert judged.verdict is UNKNOWN, "what is not kept cannot be judged again"


@pytest.mark.parametrize(
    ("use", "params"),
    [
        ("drift", {}),
        ("drift", {"at_most": 0}),
        ("drift", {"at_most": 0.1, "method": "wasserstein"}),
        ("drift", {"at_most": 0.1, "features": ["a"], "per_feature": {"b": {"at_most": 1}}}),
        ("fairness", {"metric": "f1"}),
        ("fairness", {"metric": "f1", "min_ratio": 1.5}),
        ("schema", {"allow": ["broken"]}),
    ],
)
def test_parameters_that_make_no_sense_are_refused(use: str, params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GATES[use].Params.model_validate(params)
