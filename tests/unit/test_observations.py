"""What is taken in of a batch of observations, what is set aside, and what is refused as a whole."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import BadInput
from bot.evidence import observation_rows
from bot.evidence.observation_columns import Observations
from bot.evidence.observations import MOST_LINES, MOST_SENT, MOST_UNPACKED, parse_lines, parse_observations
from bot.evidence.set_aside import Reason, SetAside

GOOD = b'{"key": "good", "incumbent": "a", "candidate": "a"}'


def ndjson(*lines: dict[str, Any]) -> bytes:
    return "\n".join(json.dumps(line) for line in lines).encode()


def test_a_line_gives_one_entry_in_each_column_that_anybody_uses() -> None:
    found = parse_lines(
        ndjson(
            {"key": "a", "incumbent": "cat", "candidate": "dog", "incumbent_ms": 12.5, "candidate_ms": 9},
            {
                "key": "b",
                "incumbent": 0.25,
                "error": "timeout",
                "label": 1,
                "slice": {"device": "phone", "country": "DE"},
                "session": 17,
                "at": "2026-11-26T10:00:00+01:00",
                "ignored": "elsewhere",
            },
        ),
        unit="session",
    )
    assert found.keys == ["a", "b"]
    assert found.incumbent == ["cat", 0.25]
    assert found.candidate == ["dog", None]
    assert found.incumbent_ms == [12.5, None]
    assert found.candidate_ms == [9, None]
    assert found.incumbent_error == ["", ""]
    assert found.candidate_error == ["", "timeout"]
    assert found.labels == [None, 1]
    assert found.slices == ["", "country=DE,device=phone"]
    assert found.units == ["", "17"]
    assert found.at == [None, 1_795_683_600.0]
    assert found.aside.total == 0


def test_columns_that_nobody_uses_stay_empty() -> None:
    found = parse_lines(GOOD)
    assert (found.labels, found.slices, found.units, found.at, found.candidate_error) == ([], [], [], [], [])
    assert list(found.column("labels")) == [None]


def test_errors_may_be_of_each_side() -> None:
    found = parse_lines(ndjson({"key": "a", "candidate": 1, "error": {"incumbent": "HTTP 500"}}))
    assert (found.incumbent_error, found.candidate_error) == (["HTTP 500"], [""])


def test_one_side_or_a_label_alone_is_enough() -> None:
    found = parse_lines(
        ndjson({"key": "a", "incumbent": 1}, {"key": "b", "candidate": [1, 2]}, {"key": "c", "label": 0})
    )
    assert found.keys == ["a", "b", "c"]
    assert found.aside.total == 0


def test_null_says_nothing_rather_than_failure() -> None:
    found = parse_lines(b'{"key": "a", "incumbent": 1, "candidate": null, "error": null, "label": null}')
    assert (found.incumbent, found.candidate, found.aside.total) == ([1], [None], 0)


ASIDE = {
    "cut off": (b'{"key": "a", "incum', Reason.NOT_JSON),
    "two objects on one line": (b'{"key": "a", "label": 1}, {"key": "b", "label": 1}', Reason.NOT_JSON),
    "a raw NUL": (b'{"key": "a\x00", "label": 1}', Reason.NOT_JSON),
    "a list": (b"[1, 2]", Reason.NOT_AN_OBJECT),
    "a text": (b'"key"', Reason.NOT_AN_OBJECT),
    "a name given twice": (b'{"key": "a", "candidate": 1, "candidate": 2}', Reason.KEY_TWICE),
    "a name given twice with colons in texts": (b'{"key": "a:b", "label": 1, "label": 1}', Reason.KEY_TWICE),
    "a name given twice, the second with an escape": (b'{"key": "a", "label": 1, "\\u006cabel": 2}', Reason.KEY_TWICE),
    "a name given twice, with white space": (b'{"key" : "a", "label"\t:1, "label" : 2}', Reason.KEY_TWICE),
    "a name given twice inside": (b'{"key": "a", "label": 1, "slice": {"b": "c", "b": "c"}}', Reason.KEY_TWICE),
    "a name given twice far inside": (b'{"key": "a", "label": 1, "x": {"y": {"b": 1, "b": 1}}}', Reason.KEY_TWICE),
    "NaN": (b'{"key": "a", "candidate": NaN}', Reason.NOT_A_NUMBER),
    "infinity": (b'{"key": "a", "candidate": -Infinity}', Reason.NOT_A_NUMBER),
    "NaN in what is ignored": (b'{"key": "a", "label": 1, "ignored": NaN}', Reason.NOT_A_NUMBER),
    "infinity by overflow": (b'{"key": "a", "candidate": 1e999}', Reason.NOT_A_NUMBER),
    "infinities that cancel": (b'{"key": "a", "incumbent": 1e999, "candidate": -1e999}', Reason.NOT_A_NUMBER),
    "a huge whole number": (b'{"key": "a", "candidate": 1' + b"0" * 30 + b"}", Reason.TOO_LARGE),
    "10,000 digits": (b'{"key": "a", "candidate": ' + b"9" * 10_000 + b"}", Reason.TOO_LARGE),
    "deep": (b'{"key": "a", "candidate": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", Reason.TOO_DEEP),
    "deep objects": (b'{"key": ' * 20_000 + b"1" + b"}" * 20_000, Reason.TOO_DEEP),
    "a list in a list": (b'{"key": "a", "candidate": [[1]]}', Reason.ANSWER),
    "an object as an answer": (b'{"key": "a", "candidate": {"label": 1}}', Reason.ANSWER),
    "a list too long": (b'{"key": "a", "candidate": [' + b"1," * 5000 + b"1]}", Reason.ANSWER),
    "half a character": (b'{"key": "a\\ud800", "label": 1}', Reason.BROKEN_TEXT),
    "half a character in a name": (b'{"key": "a", "label": 1, "\\udc00": 1}', Reason.BROKEN_TEXT),
    "NUL": (b'{"key": "a", "candidate": "\\u0000"}', Reason.BROKEN_TEXT),
    "not UTF-8": (b'{"key": "a\xff", "label": 1}', Reason.BROKEN_TEXT),
    "an encoded surrogate": (b'{"key": "\xed\xa0\x80", "label": 1}', Reason.BROKEN_TEXT),
    "a long line": (b'{"key": "a", "candidate": "' + b"x" * 300_000 + b'"}', Reason.TOO_LONG),
    "no key": (b'{"incumbent": 1, "candidate": 1}', Reason.NO_KEY),
    "key of null": (b'{"key": null, "candidate": 1}', Reason.NO_KEY),
    "an empty key": (b'{"key": "", "candidate": 1}', Reason.KEY),
    "a key of 201 characters": (b'{"key": "' + b"k" * 201 + b'", "candidate": 1}', Reason.KEY),
    "a number as key": (b'{"key": 1, "candidate": 1}', Reason.KEY),
    "a list as key": (b'{"key": ["a"], "candidate": 1}', Reason.KEY),
    "a key alone": (b'{"key": "a"}', Reason.EMPTY),
    "times alone": (b'{"key": "a", "incumbent_ms": 1}', Reason.EMPTY),
    "an error that says nothing": (b'{"key": "a", "error": {"candidate": ""}}', Reason.EMPTY),
    "a negative time": (b'{"key": "a", "candidate": 1, "candidate_ms": -1}', Reason.TIME),
    "a time as text": (b'{"key": "a", "candidate": 1, "candidate_ms": "12"}', Reason.TIME),
    "a truth value as time": (b'{"key": "a", "candidate": 1, "candidate_ms": true}', Reason.TIME),
    "an endless time": (b'{"key": "a", "candidate": 1, "candidate_ms": 1e999}', Reason.TIME),
    "an error as number": (b'{"key": "a", "candidate": 1, "error": 500}', Reason.ERROR),
    "an error of somebody else": (b'{"key": "a", "candidate": 1, "error": {"proxy": "x"}}', Reason.ERROR),
    "an error within an error": (b'{"key": "a", "candidate": 1, "error": {"candidate": {}}}', Reason.ERROR),
    "a slice as number": (b'{"key": "a", "candidate": 1, "slice": 1}', Reason.SLICE),
    "a slice of numbers": (b'{"key": "a", "candidate": 1, "slice": {"age": 3}}', Reason.SLICE),
    "a slice that looks like two": (b'{"key": "a", "candidate": 1, "slice": {"a": "b,c=d"}}', Reason.SLICE),
    "a long slice": (b'{"key": "a", "candidate": 1, "slice": "' + b"s" * 201 + b'"}', Reason.SLICE),
    "a unit of fractions": (b'{"key": "a", "candidate": 1, "session": 1.5}', Reason.UNIT),
    "a time of day without offset": (b'{"key": "a", "candidate": 1, "at": "2026-11-26T10:00:00"}', Reason.AT),
    "a time of day that is none": (b'{"key": "a", "candidate": 1, "at": "yesterday"}', Reason.AT),
    "a time of day past all clocks": (b'{"key": "a", "candidate": 1, "at": 1e300}', Reason.AT),
    "a truth value as time of day": (b'{"key": "a", "candidate": 1, "at": true}', Reason.AT),
}


@pytest.mark.parametrize(("line", "reason"), ASIDE.values(), ids=ASIDE.keys())
def test_a_bad_line_is_set_aside_with_reason_and_number_and_its_neighbours_stay(line: bytes, reason: Reason) -> None:
    found = parse_lines(b"\n".join([GOOD, GOOD, line, GOOD]), unit="session")
    assert found.aside.counts == {reason: 1}
    assert found.aside.lines == {reason: [3]}
    assert found.keys == ["good"] * 3


def test_only_the_first_few_line_numbers_are_told_and_all_are_counted() -> None:
    found = parse_lines(b"\n".join([GOOD, *[b"{}"] * 1000, b"oops"]))
    assert found.aside.said() == [
        {"reason": "no key", "count": 1000, "lines": [2, 3, 4, 5, 6]},
        {"reason": "not JSON", "count": 1, "lines": [1002]},
    ]


def test_lines_that_are_whole_only_together_are_two_bad_lines() -> None:
    """Joined by a comma these two would be two objects; each by itself is none."""
    pair = [b'{"key": "a", "label": 1, "x": [{}', b'{}]}, {"key": "b", "label": 1}']
    found = parse_lines(b"\n".join([GOOD, *pair]))
    assert found.aside.counts == {Reason.NOT_JSON: 2}
    assert found.keys == ["good"]


def test_line_numbers_go_on_over_chunks_and_blank_lines() -> None:
    many = observation_rows.CHUNK // len(GOOD) * 3
    body = b"\n".join([*[GOOD] * many, b"", b"\r", b"oops", *[GOOD] * many, b"oops", b"", b""])
    found = parse_lines(body)
    assert found.aside.lines == {Reason.NOT_JSON: [many + 3, 2 * many + 4]}
    assert len(found) == 2 * many


def test_what_is_unusual_and_allowed_comes_through() -> None:
    escaped = b'{"key": "\\ud83d\\ude00", "candidate": "\\\\u0000"}'
    spaced = '{"key":"\u2028:é" ,"label" :true}'.encode()
    found = parse_lines(b"\xef\xbb\xbf" + escaped + b"\r\n" + spaced + b"\n")
    assert found.keys == ["\U0001f600", "\u2028:é"]
    assert found.candidate == ["\\u0000", None]
    assert found.labels == [None, True]
    assert found.aside.total == 0


def test_an_empty_name_is_no_unit() -> None:
    assert parse_lines(ndjson({"key": "a", "label": 1, "": [1]})).aside.total == 0


REFUSED = {
    "nothing": (b"", ""),
    "blank lines": (b"\n\n \n", ""),
    "a page": (b"<html>\n<body>\n</html>", ""),
    "one JSON list": (b'[{"key": "a", "candidate": 1}]', ""),
    "a list over lines": (b'[\n{"key": "a", "candidate": 1},\n{"key": "b", "candidate": 1},\n]', ""),
    "bytes": (b"\xff\xfe\x00\x01" * 100, ""),
    "gzip that nobody declared": (gzip.compress(GOOD), ""),
    "no gzip though declared": (GOOD, "gzip"),
    "half a gzip": (gzip.compress(GOOD)[:-6], "gzip"),
    "something after the gzip": (gzip.compress(GOOD) + b"more", "gzip"),
    "an unknown encoding": (GOOD, "br"),
    "too many bytes": (b" " * (MOST_SENT + 1), ""),
    "too many lines": (gzip.compress(b"\n" * MOST_LINES), "gzip"),
    "a bomb": (gzip.compress(b" " * (MOST_UNPACKED + 1), 9), "gzip"),
    "a bomb in parts": (gzip.compress(b" " * (MOST_UNPACKED // 2), 9) * 3, "gzip"),
}


@pytest.mark.parametrize(("body", "encoding"), REFUSED.values(), ids=REFUSED.keys())
def test_a_body_that_is_no_batch_is_the_senders_fault(body: bytes, encoding: str) -> None:
    with pytest.raises(BadInput):
        parse_observations(body, encoding=encoding)


def test_gzip_in_several_members_is_one_batch() -> None:
    body = gzip.compress(GOOD + b"\n") + gzip.compress(GOOD)
    assert parse_observations(body, encoding="gzip").keys == ["good", "good"]


# Reading many lines at once is only a quicker way of reading them one by one.

TEXTS = st.sampled_from(["a", "b:c", '":', "é", "\U0001f600", "\\u0000", "k" * 201, "", "[x]", "{", "\u2028"])
NUMBERS = st.sampled_from([0, 1, -1, 0.5, 1e308, -1e308, 2**63, 2**64, 1e999, float("nan")])
ANSWERS = st.one_of(st.none(), st.booleans(), TEXTS, NUMBERS, st.lists(st.one_of(TEXTS, NUMBERS), max_size=3))
LINES = st.fixed_dictionaries(
    {"key": st.one_of(TEXTS, st.sampled_from(["k1", "k2"]))},
    optional={
        "incumbent": ANSWERS,
        "candidate": ANSWERS,
        "incumbent_ms": st.one_of(NUMBERS, st.none()),
        "error": st.one_of(st.none(), TEXTS, st.dictionaries(st.sampled_from(["incumbent", "candidate"]), TEXTS)),
        "label": ANSWERS,
        "slice": st.one_of(TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=2)),
        "at": st.one_of(NUMBERS, st.sampled_from(["2026-11-26T10:00:00Z", "x"])),
        "session": st.one_of(TEXTS, NUMBERS),
        "other": st.dictionaries(TEXTS, NUMBERS, max_size=2),
    },
)
RAW = st.sampled_from([b"", b"oops", b"{}", b'{"key": "a", "label": 1, "label": 1}', b'{"key" : "a", "label": 1}'])


def written(line: dict[str, Any], ascii_only: bool, tight: bool) -> bytes:
    return json.dumps(line, ensure_ascii=ascii_only, separators=(",", ":") if tight else None).encode()


def columns(found: Observations) -> dict[str, list[Any]]:
    names = ("keys", "incumbent", "candidate", "incumbent_ms", "incumbent_error", "candidate_error", "labels", "slices")
    return {name: list(found.column(name, "" if "error" in name or name == "slices" else None)) for name in names}


@given(st.lists(st.one_of(st.builds(written, LINES, st.booleans(), st.booleans()), RAW), max_size=12))
def test_many_lines_at_once_are_what_they_are_one_by_one(lines: list[bytes]) -> None:
    body = b"\n".join([GOOD, *lines])
    together = parse_lines(body, unit="session")
    apart = Observations()
    for number, line in enumerate(body.split(b"\n"), 1):
        # A line that is no JSON, and one without a key, take both quick ways away from the line before them.
        aside = SetAside()
        for chunk in observation_rows.chunks_of(line + b"\noops\n{}", aside):
            apart.add(observation_rows.Chunk(chunk.rows, [number if at == 1 else 0 for at in chunk.numbers]), "session")
        for reason, at in aside.lines.items():
            if 1 in at:
                apart.aside.add(reason, number)
    apart.aside.counts[Reason.NO_KEY] -= body.count(b"\n") + 1
    apart.aside.lines[Reason.NO_KEY] = list(together.aside.lines.get(Reason.NO_KEY, []))
    apart.aside.counts = {reason: count for reason, count in apart.aside.counts.items() if count}
    apart.aside.lines = {reason: at for reason, at in apart.aside.lines.items() if at}
    assert columns(together) == columns(apart)
    assert together.aside == apart.aside
    assert list(together.column("units", "")) == list(apart.column("units", ""))
    assert list(together.column("at")) == list(apart.column("at"))
