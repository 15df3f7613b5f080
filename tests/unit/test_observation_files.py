"""Observations out of CSV and Parquet: the same columns and the same care as NDJSON."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bot.domain.errors import BadInput
from bot.evidence.observation_columns import Observations
from bot.evidence.observation_files import ROWS, from_csv, from_parquet
from bot.evidence.set_aside import Reason


def csv_of(text: str) -> Observations:
    (batch,) = from_csv(io.StringIO(text, newline=""), unit="session")
    return batch


def parquet_of(columns: dict[str, Any]) -> Observations:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    sink.seek(0)
    (batch,) = from_parquet(sink, unit="session")
    return batch


def test_csv_answers_are_numbers_when_all_of_them_are() -> None:
    found = csv_of("key,incumbent,candidate,candidate_ms,session\na,1,0.5,12,s1\nb,,2e-3,,\n")
    assert found.incumbent == [1.0, None]
    assert found.candidate == [0.5, 0.002]
    assert found.candidate_ms == [12.0, None]
    assert found.units == ["s1", ""]
    assert found.aside.total == 0


def test_csv_answers_are_text_when_one_of_them_is_none() -> None:
    found = csv_of("\ufeffkey,incumbent,candidate,other\na,1,cat,x\nb,2,2,y\n")
    assert (found.incumbent, found.candidate) == (["1", "2"], ["cat", "2"])


def test_csv_rows_that_break_a_rule_are_set_aside_with_their_line() -> None:
    found = csv_of("key,incumbent,candidate,candidate_ms\na,1,nan,\nb,1,1,soon\n,1,1,\nc,1\nd,1,1,3\ne\0,1,1,\n")
    assert found.keys == ["d"]
    assert found.aside.lines == {
        Reason.NOT_A_NUMBER: [2],
        Reason.TIME: [3],
        Reason.NO_KEY: [4, 5],
        Reason.BROKEN_TEXT: [7],
    }


def test_a_long_csv_comes_in_batches_and_a_late_word_among_numbers_is_set_aside() -> None:
    rows = [f"k{number},1,1" for number in range(ROWS + 1)]
    batches = list(from_csv(["key,incumbent,candidate", *rows, "late,1,cat"]))
    assert [len(one) for one in batches] == [ROWS, 1]
    assert batches[1].aside.lines == {Reason.ANSWER: [ROWS + 3]}


@pytest.mark.parametrize("text", ["", "key\n", "id,incumbent\n1,2\n", "key,key\na,b\n", 'key,label\n"a,b\n'])
def test_what_is_no_csv_of_observations_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        csv_of(text)


def test_parquet_gives_the_types_that_it_holds() -> None:
    found = parquet_of(
        {
            "key": [1, 2],
            "incumbent": [0.5, None],
            "candidate": [[1.0, 2.0], None],
            "error": [None, "timeout"],
            "at": [datetime(2026, 11, 26, tzinfo=UTC), None],
            "session": [7, 8],
            "ignored": [b"x", b"y"],
        }
    )
    assert found.keys == ["1", "2"]
    assert (found.incumbent, found.candidate) == ([0.5, None], [[1.0, 2.0], None])
    assert found.candidate_error == ["", "timeout"]
    assert found.at == [datetime(2026, 11, 26, tzinfo=UTC).timestamp(), None]
    assert found.units == ["7", "8"]


def test_parquet_rows_that_break_a_rule_are_set_aside() -> None:
    found = parquet_of({"key": ["a", "b", "c\0", None], "candidate": [float("nan"), 1.0, 2.0, 3.0]})
    assert found.keys == ["b"]
    assert found.aside.lines == {Reason.NOT_A_NUMBER: [1], Reason.BROKEN_TEXT: [3], Reason.NO_KEY: [4]}


def test_what_is_no_parquet_of_observations_is_refused() -> None:
    with pytest.raises(BadInput):
        list(from_parquet(io.BytesIO(b"key,incumbent\n")))
    with pytest.raises(BadInput):
        parquet_of({"id": ["a"]})
    with pytest.raises(BadInput):
        parquet_of({"key": pa.array([], pa.string())})
