"""Evidence is looked at when it comes: what no gate could read is refused with its line, and nothing takes for ever."""

from __future__ import annotations

import gzip
import json
import sys
from typing import Any

import pytest

from bot.domain.errors import BadInput
from bot.evidence.figures import Document
from bot.evidence.kinds import Kind, kind_of, media_of
from bot.evidence.measuring import Asked, measure, read_evidence
from bot.evidence.readable import check_readable
from bot.evidence.sides import told
from bot.statistics.estimates import Estimate

JSON, NDJSON, CSV = (media_of(kind) for kind in (Kind.JSON, Kind.NDJSON, Kind.CSV))
PARQUET = media_of(Kind.PARQUET)


def looked(raw: bytes | Any, media: str = JSON, **more: Any) -> bool:
    content = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    return check_readable(content, name="evaluation", media=media, **more)


def vector(*series: tuple[dict[str, str], str]) -> dict[str, Any]:
    result = [{"metric": labels, "value": [1763000000.5, value]} for labels, value in series]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def matrix(values: list[Any], **labels: str) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": labels, "values": values}]}}


@pytest.mark.parametrize(
    ("raw", "media"),
    [
        ({"metrics": {"f1": 0.9}}, JSON),
        ({"metrics": {"f1": 0.9}, "commit": "4f2a", "took": {"seconds": 12}}, JSON),
        ({"f1": 0.9, "auc": 0.97}, JSON),
        ([{"label": 1, "prediction": 1}], JSON),
        ({"fields": [{"name": "age", "type": "int64"}]}, JSON),
        ({"type": "object", "properties": {"age": {"type": "integer"}}}, JSON),
        ({"type": "object", "properties": {"age": {"type": "integer"}}}, "application/schema+json"),
        (vector(({"__name__": "f1"}, "0.9")), JSON),
        (b'{"label": 1}\n\n{"label": 0}\n', NDJSON),
        (gzip.compress(b"label,score\n1,0.9\n", mtime=0), CSV),
    ],
)
def test_what_gates_read_is_taken(raw: Any, media: str) -> None:
    assert looked(raw, media)


@pytest.mark.parametrize(
    ("raw", "media", "said"),
    [
        (b'{"metrics": {"f1": NaN}}', JSON, "write null"),
        (b'{"metrics": {"f1": 0.9, "f1": 0.8}}', JSON, "A key is given twice"),
        (b'{"label": 1}\n{"label": NaN}\n', NDJSON, "Line 2 of the evidence cannot be read"),
        (b'{"label": 1}\n{"label": NaN}\n', NDJSON, "with null where there is no value"),
        (b'{"label": 1}\n{"label": {"a": 1}}\n', NDJSON, "Line 2 of the evidence holds a list or an object"),
        (b"label,score\n1,0.9\n1,nan\n", CSV, "Line 3 of the evidence holds 'nan' among numbers"),
        (b"label,score\n1\n", CSV, "Line 2 of the evidence has 1 cells"),
        (b'{"f1": "good"}', JSON, "f1"),
        (b"<html>", JSON, "not JSON"),
        (b"PAR1 and then nothing", PARQUET, "not a Parquet file"),
        (gzip.compress(b'{"label": 1}\n', mtime=0)[:-3], NDJSON, "ends too early"),
        (vector(({"__name__": "f1"}, "NaN")), JSON, "the last value of 'f1' is nan"),
        (vector(), JSON, "is empty"),
        (vector(({"a": "1"}, "1"), ({"a": "2"}, "2")), JSON, "several series called 'evaluation'"),
    ],
)
def test_what_no_gate_could_read_is_refused_with_what_to_do(raw: Any, media: str, said: str) -> None:
    with pytest.raises(BadInput, match="nothing was kept") as caught:
        looked(raw, media)
    assert said in str(caught.value)


def test_rows_are_looked_at_for_as_long_as_there_is_time() -> None:
    rows = b'{"label": 1}\n' * 100 + b"no JSON\n"
    calls = iter(range(1000))
    assert not looked(rows, NDJSON, is_over=lambda: next(calls) > 50)
    with pytest.raises(BadInput, match="Line 101"):
        looked(rows, NDJSON)
    lines = b"label\n" + b"1\n" * 100
    assert not looked(lines, CSV, is_over=lambda: True)


def test_parquet_without_its_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(BadInput, match=r"pip install 'andon\[stats\]', or push NDJSON or CSV; nothing was kept"):
        looked(b"PAR1", PARQUET)


def test_an_answer_of_prometheus_gives_its_last_value_and_the_number_of_its_samples() -> None:
    points = [[100.0, "0.5"], [160.0, "0.7"], [220.0, "0.25"]]
    for answer, name in ((matrix(points), "lag"), (matrix(points, __name__="queue"), "queue")):
        found = read_evidence(json.dumps(answer).encode(), Kind.JSON, name="lag")
        assert isinstance(found, Document)
        estimate = measure(found, Asked(name))
        assert isinstance(estimate, Estimate)
        assert (estimate.value, estimate.n, estimate.has_interval) == (0.25, 3, False)
    scalar = {"status": "success", "data": {"resultType": "scalar", "result": [1.5, "7"]}}
    assert read_evidence(json.dumps(scalar).encode(), Kind.JSON, name="up").metrics["up"].value == 7  # type: ignore[union-attr]


def test_samples_over_time_are_no_rows_so_no_interval_of_a_share_follows() -> None:
    answer = json.dumps(matrix([[100.0, "0.5"], [160.0, "0.01"]], __name__="error_rate")).encode()
    found = read_evidence(answer, Kind.JSON)
    reading = told(found, "error_rate", measure(found, Asked("error_rate")))
    assert getattr(reading, "has_interval", None) is False


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.json", Kind.JSON), ("a.jsonl", Kind.NDJSON), ("A.CSV.GZ", Kind.CSV), ("a.parquet", Kind.PARQUET)],
)
def test_the_ending_of_a_name_tells_the_media_type(name: str, kind: Kind) -> None:
    assert kind_of(content_type=media_of(kind_of(name=name))) is kind
