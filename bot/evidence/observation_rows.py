"""NDJSON bytes → rows, many lines in one call of the decoder; one line at a time only where that cannot be trusted.

One call of `json.loads` over lines joined by commas takes 0.5 to 1.1 µs a line; one call for each line takes 1.7 to
2.3 µs, and `object_pairs_hook`, which would see a name that is given twice, 0.3 µs more. So those two are kept for the
lines that need them, and the joined reading is believed only where cheap counts prove that it says the same:

- Every line starts with a brace and the text holds no bracket. Then a line can only start where an element of the
  outer list starts, and as many rows as lines means one whole object on each line.
- A colon that ends a name follows its quote, or white space. Without white space before a colon, the pairs `":` are at
  least as many as the names in the text. As many as there are names in the rows means that none was given twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.evidence.set_aside import LineRefused, Reason, SetAside

LONGEST_LINE = 256 * 1024
CHUNK = 128 * 1024
"""Bytes that are read at once. Where a bad line is among them, they are halved until it stands among few."""
_FEW = 4 * 1024

# Escapes that give NUL, which PostgreSQL refuses, or half a surrogate pair, which nothing can encode.
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Row = dict[str, Any]


@dataclass(frozen=True)
class Chunk:
    """Rows, and the number of the line of each. `text` tells which names can occur at all; "" when any may."""

    rows: list[Row]
    numbers: list[int]
    text: str = ""


def chunks_of(body: bytes, aside: SetAside) -> Iterator[Chunk]:
    """The body in chunks of whole lines; what is no object of JSON is set aside, blank lines are nothing."""
    start, number = 0, 1
    while start < len(body):
        newline = body.find(b"\n", start + CHUNK)
        end = newline if newline >= 0 else len(body)
        piece = body[start:end]
        yield from _halved(piece, number, aside)
        start, number = end + 1, number + piece.count(b"\n") + 1


def _halved(piece: bytes, number: int, aside: SetAside) -> Iterator[Chunk]:
    chunk = _at_once(piece, number)
    if chunk is not None:
        yield chunk
        return
    middle = piece.find(b"\n", len(piece) // 2)
    if middle < 0 or len(piece) <= _FEW or b"[" in piece:
        yield _one_by_one(piece, number, aside)
        return
    yield from _halved(piece[:middle], number, aside)
    yield from _halved(piece[middle + 1 :], number + piece.count(b"\n", 0, middle) + 1, aside)


def _at_once(piece: bytes, number: int) -> Chunk | None:
    """All lines of a chunk in one call, or None where that would not surely be what they say one by one."""
    if len(piece) > LONGEST_LINE:
        return None
    try:
        text = piece.decode("utf-8").rstrip("\n\r")
        lines = text.count("\n") + 1
        if "[" in text or not text.startswith("{") or text.count("\n{") != lines - 1:
            return None
        if "\\u" in text and _SUSPECT.search(text):
            return None
        rows = _BULK.decode("[" + text.replace("\n", ",\n") + "]")
    except (ValueError, RecursionError, LineRefused):
        return None
    if len(rows) != lines or not _names_are_unique(text, rows):
        return None
    return Chunk(rows, list(range(number, number + lines)), "" if "\\u" in text else text)


def _names_are_unique(text: str, rows: list[Row]) -> bool:
    names = sum(map(len, rows))
    if text.count(":") == names:
        return True
    if " :" in text or "\t:" in text or "\r:" in text or "\n:" in text:
        return False
    for name in ("slice", "error"):
        if f'"{name}"' in text:
            names += sum(len(value) for value in (row.get(name) for row in rows) if type(value) is dict)
    return text.count('":') == names


def _one_by_one(piece: bytes, number: int, aside: SetAside) -> Chunk:
    rows, numbers = [], []
    for at, line in enumerate(piece.split(b"\n"), number):
        if not line.strip():
            continue
        try:
            rows.append(_row(line))
            numbers.append(at)
        except LineRefused as refused:
            aside.add(refused.reason, at)
    return Chunk(rows, numbers)


def _row(line: bytes) -> Row:
    if len(line) > LONGEST_LINE:
        raise LineRefused(Reason.TOO_LONG)
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LineRefused(Reason.BROKEN_TEXT) from error
    try:
        value = _CAREFUL.decode(text)
        if _SUSPECT.search(text) and holds_unstorable(value):
            raise LineRefused(Reason.BROKEN_TEXT)
    except json.JSONDecodeError as error:
        raise LineRefused(Reason.NOT_JSON) from error
    except ValueError as error:  # a whole number of more digits than Python reads
        raise LineRefused(Reason.TOO_LARGE) from error
    except RecursionError as error:
        raise LineRefused(Reason.TOO_DEEP) from error
    if type(value) is not dict:
        raise LineRefused(Reason.NOT_AN_OBJECT)
    return value


def holds_unstorable(value: Any) -> bool:
    """Whether any text in a value, names included, holds NUL or half a character."""
    return any(_UNSTORABLE.search(one) for one in _texts_in(value))


def _texts_in(value: Any) -> Iterator[str]:
    if type(value) is str:
        yield value
    elif type(value) is list:
        for one in value:
            yield from _texts_in(one)
    elif type(value) is dict:
        yield from value
        yield from _texts_in(list(value.values()))


def _unique(pairs: list[tuple[str, Any]]) -> Row:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise LineRefused(Reason.KEY_TWICE)
    return values


def _refuse_constant(_: str) -> None:
    raise LineRefused(Reason.NOT_A_NUMBER)


_BULK = json.JSONDecoder(parse_constant=_refuse_constant)
_CAREFUL = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
