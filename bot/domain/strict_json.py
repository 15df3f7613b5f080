"""JSON from strangers: one parser that refuses what parsers disagree about, and mends what databases refuse."""

from __future__ import annotations

import json
import re
from typing import Any

from bot.domain.errors import BadInput

MAX_DEPTH = 32
MAX_NUMBER = 64

# Escapes that give NUL, which PostgreSQL refuses, or half a surrogate pair, which nothing can encode.
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# Possessive, and the closing quote optional: a hostile body cannot make it read any character twice.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NOT_BRACKET = re.compile(r"[^\[\]{}]++")


def parse_json(raw: bytes) -> Any:
    """UTF-8 JSON → plain values; NUL and lone surrogates inside strings come out as U+FFFD.

    BadInput for: a byte order mark or anything else that is not UTF-8, a key given twice in one object, NaN and
    infinities, numbers of more than 64 characters, more than 32 levels, and whatever RFC 8259 does not allow.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput("The body is not UTF-8", why=f"byte {error.start} cannot be read") from error
    if text.startswith("\ufeff"):
        raise BadInput("The body starts with a byte order mark", next="send UTF-8 without one")
    _refuse_deep(text)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        # The error's own text names a place and a rule, never what stands there.
        raise BadInput("The body is not JSON", why=f"{error.msg} at character {error.pos}") from error
    except RecursionError as error:  # the depth was checked: only a very deep caller gets here
        raise BadInput("The body is nested too deep") from error
    return _mended(value) if _SUSPECT.search(text) else value


def _refuse_deep(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    # Up to the first mistake, which the decoder refuses, quotes pair here exactly as they do in JSON.
    for bracket in _NOT_BRACKET.sub("", _STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise BadInput("The body is nested too deep", why=f"{MAX_DEPTH} levels are allowed")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise BadInput(
            "A key is given twice in one object of the body",
            why="readers disagree about which one counts",
            next="send each key once",
        )
    return values


def _integer(digits: str) -> int:
    return int(_short(digits))


def _fraction(digits: str) -> float:
    number = float(_short(digits))
    if number in (float("inf"), float("-inf")):
        raise BadInput("The body holds a number that is too large to be one")
    return number


def _short(digits: str) -> str:
    if len(digits) > MAX_NUMBER:
        raise BadInput(f"The body holds a number of more than {MAX_NUMBER} characters")
    return digits


def _refuse_constant(name: str) -> None:
    raise BadInput(f"The body holds {name}, which is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_fraction, parse_constant=_refuse_constant
)


def storable(text: str) -> str:
    """The text with NUL and lone surrogates replaced by U+FFFD: what every database and encoder takes."""
    return _UNSTORABLE.sub("\ufffd", text)


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_mended(one) for one in value]
    if isinstance(value, dict):
        # Two keys may become the same one: then they are refused like any pair.
        return _unique([(_mended(key), _mended(one)) for key, one in value.items()])
    return value
