"""Rows out of NDJSON, JSON, CSV and Parquet, packed or not, and what hostile bytes get: BadInput and nothing else."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import struct
import zlib
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.errors import BadInput
from bot.evidence.kinds import LIMITS, Kind, kind_of, unpacked
from bot.evidence.measuring import Asked, measure, read_evidence
from bot.evidence.rows import Rows, read_rows
from bot.evidence.schema_forms import parquet_file_schema

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A machine that does other work is slow, which is no fault of what is tested."""

NDJSON = b'{"label": 1, "score": 0.5, "slice": "eu"}\n\n{"label": 0, "slice": null}\r\n'
JSON = b'[{"label": 1, "score": 0.5, "slice": "eu"}, {"label": 0, "slice": null}]'
CSV = b"label,score,slice\n1,0.5,eu\n0,,\n"
SMALL = replace(LIMITS, unpacked_bytes=100_000, rows=1000, columns=20, cells=5000)


def parquet(columns: dict[str, object], **how: object) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, **how)
    return file.getvalue()


PARQUET = parquet({"label": pa.array([1, 0], pa.int8()), "score": [0.5, None], "slice": ["eu", None]})
EACH = [(NDJSON, Kind.NDJSON), (JSON, Kind.JSON), (CSV, Kind.CSV), (PARQUET, Kind.PARQUET)]


@pytest.mark.parametrize(("raw", "kind"), EACH)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_the_same_rows_come_out_of_every_kind(raw: bytes, kind: Kind, pack: object) -> None:
    found = read_rows(pack(raw), kind)
    assert found.n == 2
    assert {name: list(cells) for name, cells in found.columns.items()} == {
        "label": [1, 0],
        "score": [0.5, None],
        "slice": ["eu", None],
    }


REFUSED = [
    (Kind.NDJSON, b'{"a": 1}\n{"a": NaN}', "Line 2"),
    (Kind.NDJSON, b'{"a": 1}\n\n{"a": 1, "a": 2}', "Line 3"),
    (Kind.NDJSON, b'{"a": 1}\n{"a": 1e999}', "Line 2"),
    (Kind.NDJSON, b'{"a": 1}\n[1]', "Line 2"),
    (Kind.NDJSON, b'{"a": [1]}', "Line 1"),
    (Kind.NDJSON, b'{"a": 1}\n{"a": "\xff"}', "Line 2"),
    (Kind.JSON, b'{"a": 1}', "no list"),
    (Kind.JSON, b"[1]", "Row 1"),
    (Kind.CSV, b"a,b\n1,2\n1\n", "Line 3"),
    (Kind.CSV, b"a,b\n1,2,3\n", "Line 2"),
    (Kind.CSV, b"a,a\n1,2\n", "Line 1"),
    (Kind.CSV, b"a,\n1,2\n", "Line 1"),
    (Kind.CSV, b"\n1,2\n", "Line 1"),
    (Kind.CSV, b"a\n1\nNaN\n", "Line 3"),
    (Kind.CSV, b"a\n1\n-inf\n", "Line 3"),
    (Kind.CSV, b"a\n1\n1e999\n", "Line 3"),
    (Kind.CSV, b'a\n"x\ny"\n"open', "Line 4"),
    (Kind.CSV, b'a\n"x"y\n', "Line 2"),
    (Kind.CSV, b"a\n\x00\n", "Line 2"),
    (Kind.CSV, b"a\n1\n\xff\n", "Line 3"),
    (Kind.PARQUET, b"PAR1", "Parquet"),
    (Kind.PARQUET, PARQUET[:-9], "Parquet"),
    (Kind.PARQUET, parquet({"a": [1.0, float("nan")]}), "Row 2"),
    (Kind.PARQUET, parquet({"a": [float("inf"), 1.0]}), "Row 1"),
    *((kind, b"", "empty") for kind in Kind),
]


@pytest.mark.parametrize(("kind", "raw", "words"), REFUSED)
def test_what_cannot_be_rows_is_bad_input_that_says_where(kind: Kind, raw: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read_rows(raw, kind)


def test_cells_of_csv_are_numbers_only_where_the_whole_column_is() -> None:
    found = read_rows(b"a,b,c,d\n007,1,true,.5\n8,1e3,false,-2.\n", Kind.CSV)
    assert found.columns == {"a": ["007", "8"], "b": [1, 1000.0], "c": ["true", "false"], "d": [0.5, -2.0]}


def test_csv_may_carry_a_mark_quotes_and_lines_within_cells() -> None:
    found = read_rows(b'\xef\xbb\xbfa,b\r\n"x, ""y""\nz",1\r\n', Kind.CSV)
    assert found.columns == {"a": ['x, "y"\nz'], "b": [1]}


def test_columns_that_no_gate_reads_are_named_and_left_out() -> None:
    found = read_rows(parquet({"a": [1], "b": [[1, 2]], "c": [{"d": 1}]}), Kind.PARQUET)
    assert dict(found.columns) == {"a": [1]}
    assert found.left_out == ("b", "c")
    with pytest.raises(BadInput, match="'b'"):
        found.column("b")
    only = read_rows(parquet({"b": [[1, 2]]}), Kind.PARQUET)
    assert (dict(only.columns), only.n) == ({}, 1)


def test_parquet_of_many_groups_and_types_is_read_whole() -> None:
    columns = {
        "i": pa.array(range(3000), pa.int32()),
        "f": pa.array([0.5] * 3000, pa.float32()),
        "h": pa.array([0.5] * 3000, pa.float16()),
        "s": pa.array(["a", "b", None] * 1000).dictionary_encode(),
        "b": pa.array([True, None, False] * 1000),
    }
    found = read_rows(parquet(columns, row_group_size=700), Kind.PARQUET)
    assert found.n == 3000
    assert found.columns["i"] == list(range(3000))
    assert found.columns["s"][:3] == ["a", "b", None]
    assert found.columns["h"][-1] == 0.5


# Sizes.


@pytest.mark.parametrize("kind", [Kind.NDJSON, Kind.JSON, Kind.CSV])
def test_a_bomb_is_refused_before_it_is_unpacked(kind: Kind) -> None:
    bomb = gzip.compress(b"0" * 50_000_000, mtime=0)
    with pytest.raises(BadInput, match="too large"):
        read_rows(bomb, kind, SMALL)


def test_several_members_are_one_body_but_not_without_end() -> None:
    assert unpacked(gzip.compress(b"ab", mtime=0) + gzip.compress(b"") + gzip.compress(b"c")) == b"abc"
    with pytest.raises(BadInput, match="too many parts"):
        unpacked(gzip.compress(b"", mtime=0) * 2000)


@pytest.mark.parametrize(
    "raw",
    [
        gzip.compress(NDJSON, mtime=0)[:-3],
        gzip.compress(NDJSON, mtime=0)[:12],
        gzip.compress(NDJSON, mtime=0) + b"more",
        gzip.compress(NDJSON, mtime=0)[:-8] + b"\0" * 8,
        b"\x1f\x8b",
        b"\x1f\x8b" + b"\xff" * 50,
    ],
)
def test_damaged_packing_is_bad_input(raw: bytes) -> None:
    with pytest.raises(BadInput, match="packed evidence"):
        unpacked(raw)


def test_a_body_that_could_not_be_packed_smaller_comes_out_whole() -> None:
    body = bytes(range(256)) * 40_000
    packer = zlib.compressobj(0, wbits=31)
    packed = packer.compress(body) + packer.flush()
    assert unpacked(packed) == body


def test_too_many_rows_columns_or_cells_are_refused() -> None:
    wide = b"{" + b", ".join(b'"c%d": 1' % n for n in range(21)) + b"}"
    ten = b"{" + b", ".join(b'"c%d": 1' % n for n in range(10)) + b"}\n"
    for raw, words in ((b"{}\n" * 1001, "rows"), (wide, "columns"), (ten + b"{}\n" * 600, "cells")):
        with pytest.raises(BadInput, match=words):
            read_rows(raw, Kind.NDJSON, SMALL)
    with pytest.raises(BadInput, match="rows"):
        read_rows(parquet({"a": [1] * 1001}), Kind.PARQUET, SMALL)
    with pytest.raises(BadInput, match="columns"):
        read_rows(parquet({f"c{n}": [1] for n in range(21)}), Kind.PARQUET, SMALL)
    with pytest.raises(BadInput, match="columns"):
        read_rows(b",".join(b"c%d" % n for n in range(21)), Kind.CSV, SMALL)


def test_a_line_without_end_is_refused_before_it_is_taken_apart() -> None:
    wide = b",".join([b"a"] * 700_000)
    many = b'"' + b'\n","'.join([b"a"] * 300_000) + b'"'
    for raw, kind in (
        (wide, Kind.CSV),
        (b"a\n" + wide, Kind.CSV),
        (b"a\n" + many, Kind.CSV),
        (b'{"a": 1}\n[' + wide.replace(b"a", b"{}") + b"]", Kind.NDJSON),
    ):
        with pytest.raises(BadInput, match="too long"):
            read_rows(raw, kind)
    with pytest.raises(BadInput, match="too large"):
        read_rows(gzip.compress(b"[" + b"{}," * 6_000_000 + b"{}]", 1, mtime=0), Kind.JSON)


def test_a_late_row_cannot_open_more_columns_than_fit() -> None:
    late = b"{}\n" * 900 + b"{" + b", ".join(b'"c%d": 1' % n for n in range(15)) + b"}"
    with pytest.raises(BadInput, match="cells"):
        read_rows(late, Kind.NDJSON, SMALL)


def test_a_parquet_file_that_says_it_is_too_large_is_not_read() -> None:
    raw = parquet({"a": [float(n) for n in range(900)], "b": ["x" * 300 + str(n) for n in range(900)]})
    with pytest.raises(BadInput, match="too large"):
        read_rows(raw, Kind.PARQUET, SMALL)


def test_one_long_text_in_every_row_of_parquet_stays_small() -> None:
    found = read_rows(parquet({"a": ["x" * 9000] * 4000}), Kind.PARQUET)
    assert len({id(cell) for cell in found.columns["a"]}) == 1
    for raw, kind in (
        (parquet({"a": ["x" * 50_000]}), Kind.PARQUET),
        (b'{"a": "' + b"x" * 50_000 + b'"}', Kind.NDJSON),
        (b"a\n" + b"x" * 50_000, Kind.CSV),
    ):
        with pytest.raises(BadInput, match="too long a text"):
            read_rows(raw, kind)


# Kinds.


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"name": "rows.ndjson.gz"}, Kind.NDJSON),
        ({"name": "rows.JSONL"}, Kind.NDJSON),
        ({"name": "a.csv"}, Kind.CSV),
        ({"name": "a.txt", "content_type": "application/json; charset=utf-8"}, Kind.JSON),
        ({"raw": PARQUET}, Kind.PARQUET),
    ],
)
def test_the_kind_is_told_by_bytes_type_or_name(said: dict[str, str], kind: Kind) -> None:
    assert kind_of(**said) is kind


def test_an_unknown_kind_is_bad_input() -> None:
    with pytest.raises(BadInput, match="not known"):
        kind_of(name="model.pkl", content_type="application/octet-stream")


# Hostile bytes.


def survives(raw: bytes, kind: Kind) -> None:
    try:
        found = read_evidence(raw, kind, SMALL)
    except BadInput:
        return
    if isinstance(found, Rows):
        assert all(len(cells) == found.n for cells in found.columns.values())
        for name in ("accuracy", "f1", "auc", "rmse", "log_loss", "latency_ms.p99", "error_rate", "mean.label"):
            try:
                measure(found, Asked(name))
            except BadInput:
                continue


@UNHURRIED
@given(st.binary(max_size=300), st.sampled_from(Kind))
def test_any_bytes_are_rows_or_bad_input(raw: bytes, kind: Kind) -> None:
    survives(raw, kind)
    survives(gzip.compress(raw, 1, mtime=0), kind)


@UNHURRIED
@given(st.text(alphabet='{}[]",:\n\r01eE+-.naNif \ufeff\x00label', max_size=200), st.sampled_from(Kind))
def test_any_text_like_evidence_is_rows_or_bad_input(text: str, kind: Kind) -> None:
    survives(text.encode(), kind)


@UNHURRIED
@given(st.data())
def test_evidence_with_bytes_changed_is_rows_or_bad_input(data: st.DataObject) -> None:
    raw, kind = data.draw(st.sampled_from([*EACH, (gzip.compress(NDJSON, mtime=0), Kind.NDJSON)]))
    broken = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(broken)))
    survives(bytes(broken), kind)
    survives(bytes(broken[:cut]), kind)
    if kind is Kind.PARQUET:
        with contextlib.suppress(BadInput):
            parquet_file_schema(bytes(broken))


@UNHURRIED
@given(st.binary(max_size=200), st.integers(0, 2**31 - 1))
def test_any_footer_of_parquet_is_bad_input(footer: bytes, size: int) -> None:
    for said in (size, len(footer)):
        survives(b"PAR1" + footer + struct.pack("<I", said) + b"PAR1", Kind.PARQUET)


@UNHURRIED
@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                name: st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just(1))
                for name in ("label", "prediction", "score", "incumbent_prediction", "latency_ms", "error", "slice")
            },
        ),
        max_size=8,
    )
)
def test_any_rows_are_measured_or_refused(rows: list[dict[str, object]]) -> None:
    survives("\n".join(json.dumps(row) for row in rows).encode(), Kind.NDJSON)
