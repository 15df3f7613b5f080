"""What strangers' JSON is refused for, and what is mended."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.errors import BadInput
from bot.domain.strict_json import MAX_DEPTH, MAX_NUMBER, parse_json, storable


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


REFUSED = {
    "empty": b"",
    "only blanks": b"  \n",
    "not UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "an encoded surrogate": b'"\xed\xa0\x80"',
    "a duplicate key": b'{"status": "resolved", "status": "firing"}',
    "a duplicate key inside": b'{"alerts": [{"a": 1, "a": 1}]}',
    "a duplicate key written with an escape": b'{"a": 1, "\\u0061": 2}',
    "keys that become one when mended": b'{"a\\u0000": 1, "a\\ud800": 2}',
    "NaN": b'{"a": NaN}',
    "Infinity": b"[Infinity]",
    "minus Infinity": b"-Infinity",
    "a number that overflows": b"[1e999]",
    "a long integer": b"1" * (MAX_NUMBER + 1),
    "5,000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "a long fraction": b"0." + b"1" * MAX_NUMBER,
    "something after the value": b"{} {}",
    "a trailing comma": b"[1,]",
    "single quotes": b"{'a': 1}",
    "a raw control character": b'"a\x00b"',
    "a raw line break in a string": b'"a\nb"',
    "an unfinished string": b'{"a": "',
    "an unfinished escape": b'"\\u12"',
    "a leading zero": b"[01]",
    "one level too many": nested(MAX_DEPTH + 1),
    "100,000 brackets": b"[" * 100_000,
    "100,000 brackets, closed": nested(100_000),
    "50,000 objects": b'{"a":' * 50_000,
    "brackets after an escaped quote": b'["\\"",' + b"[" * 100_000,
    "a string of 100,000 escaped quotes, unfinished": b"[" * 33 + b'"' + b'\\"' * 100_000,
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused_as_the_senders_fault(raw: bytes) -> None:
    with pytest.raises(BadInput):
        parse_json(raw)


def test_the_refusal_never_repeats_what_the_body_held() -> None:
    for raw in (b'{"password": hunter2}', b'{"hunter2": 1, "hunter2": 2}', b'"hunter2', b"\xffhunter2"):
        with pytest.raises(BadInput) as caught:
            parse_json(raw)
        assert "hunter2" not in str(caught.value)


def test_the_deepest_body_allowed_is_read() -> None:
    value = parse_json(nested(MAX_DEPTH))
    depth = 0
    while isinstance(value, list):
        depth, value = depth + 1, value[0] if value else None
    assert depth == MAX_DEPTH


def test_depth_is_what_is_open_at_once_however_many_brackets_there_are() -> None:
    many = b",".join([nested(MAX_DEPTH - 1)] * 3)
    assert len(parse_json(b"[" + many + b"]")) == 3
    with pytest.raises(BadInput, match="deep"):
        parse_json(b"[[" + many + b"]]")


def test_many_shallow_brackets_and_brackets_inside_strings_are_no_depth() -> None:
    value = [{"a": ["[[[[{{{{", '"]']}] * 500
    assert parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'"a\\u0000b"', "a\ufffdb"),
        (b'"a\\ud800b"', "a\ufffdb"),
        (b'"a\\uDFFFb"', "a\ufffdb"),
        (b'["\\ud83d\\ude00"]', ["\U0001f600"]),
        (b'{"k\\u0000": {"l": ["\\udc00"]}}', {"k\ufffd": {"l": ["\ufffd"]}}),
        (b'"\\\\u0000"', "\\u0000"),
    ],
)
def test_what_databases_refuse_is_replaced_and_the_rest_is_kept(raw: bytes, value: object) -> None:
    assert parse_json(raw) == value


def test_ordinary_values_come_through_as_they_are() -> None:
    value = {"a": [1, -2.5, 1e3, True, False, None, "ü", ""], "b": {}, "c": int("9" * MAX_NUMBER)}
    assert parse_json(json.dumps(value).encode()) == value


kept_text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**60), 10**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | kept_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(kept_text, inner, max_size=4),
    max_leaves=20,
)


@given(json_values, st.booleans())
def test_whatever_was_written_as_json_is_read_back(value: object, ascii_only: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.text(alphabet=st.characters(categories=["Cs", "Cc", "L", "P"])))
def test_any_text_becomes_storable(text: str) -> None:
    stored = parse_json(json.dumps(text).encode())
    assert "\x00" not in stored
    assert stored.encode("utf-8").decode() == storable(stored)


@given(st.binary(max_size=300) | st.text(alphabet='[]{}",:\\u0dD8eE+-.19NaIn ', max_size=300).map(str.encode))
@example(b'{"a"' * 1000)
def test_no_bytes_do_anything_but_parse_or_be_refused(raw: bytes) -> None:
    try:
        value = parse_json(raw)
    except BadInput:
        return
    json.dumps(value, allow_nan=False).encode()
