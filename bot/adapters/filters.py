"""The filters and tests of `{{ expressions }}`: few, pure, and none can make much out of little."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from jinja2 import Undefined

MAX_CHARACTERS = 64 * 1024


class Unfillable(Exception):
    """An expression has no value; the text says why and quotes no value, because values may be secret."""


def _default(value: Any, instead: Any = "", when_empty: bool = False) -> Any:
    return instead if isinstance(value, Undefined) or (when_empty and not value) else value


def _text(value: Any, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        _present(value)
        raise Unfillable(f"the filter '{name}' takes text")
    return str(value)


def _present(value: Any) -> None:
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()


def _upper(value: Any) -> str:
    return _text(value, "upper").upper()


def _lower(value: Any) -> str:
    return _text(value, "lower").lower()


def _trim(value: Any) -> str:
    return _text(value, "trim").strip()


def _replace(value: Any, old: Any, new: Any) -> str:
    text, before, after = _text(value, "replace"), _text(old, "replace"), _text(new, "replace")
    if not before:
        raise Unfillable("the filter 'replace' needs a text to look for")
    _refuse_growth(len(text) + text.count(before) * len(after))
    return text.replace(before, after)


def _join(value: Any, between: Any = "") -> str:
    _present(value)
    if not isinstance(value, list | tuple):
        raise Unfillable("the filter 'join' takes a list")
    texts, separator = [_text(item, "join") for item in value], _text(between, "join")
    _refuse_growth(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def _int(value: Any) -> int:
    _present(value)
    if isinstance(value, str) and len(value) > 30:
        raise Unfillable("the filter 'int' takes a number of 30 digits at most")
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise Unfillable("the filter 'int' takes a whole number") from None


def _float(value: Any) -> float:
    _present(value)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise Unfillable("the filter 'float' takes a number") from None
    if not math.isfinite(number):
        raise Unfillable("the filter 'float' takes a finite number")
    return number


def _round(value: Any, digits: Any = 0) -> float:
    number = _float(value)
    if not isinstance(digits, int) or not 0 <= digits <= 15:
        raise Unfillable("the filter 'round' takes 0 to 15 digits")
    return round(number, digits)


def _length(value: Any) -> int:
    _present(value)
    if not isinstance(value, str | list | tuple | Mapping):
        raise Unfillable("the filter 'length' takes text, a list or a map")
    return len(value)


def _first(value: Any) -> Any:
    return _end(value, 0)


def _last(value: Any) -> Any:
    return _end(value, -1)


def _end(value: Any, position: int) -> Any:
    _present(value)
    if not isinstance(value, list | tuple | str) or not value:
        raise Unfillable("there is no first and no last of this")
    return value[position]


def _urlencode(value: Any) -> str:
    """One part of a path or query: everything but letters, digits and `_.-~` is encoded, the slash too."""
    text = quote(_text(value, "urlencode"), safe="")
    _refuse_growth(len(text))
    return text


def _tojson(value: Any) -> str:
    _present(value)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(", ", ": "))
    except (TypeError, ValueError, RecursionError):
        raise Unfillable("the filter 'tojson' takes plain values") from None
    _refuse_growth(len(text))
    return text


def _refuse_growth(characters: int) -> None:
    if characters > MAX_CHARACTERS:
        raise Unfillable(f"a text grows beyond {MAX_CHARACTERS // 1024} KiB")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "default": _default,
    "first": _first,
    "float": _float,
    "int": _int,
    "join": _join,
    "last": _last,
    "length": _length,
    "lower": _lower,
    "replace": _replace,
    "round": _round,
    "tojson": _tojson,
    "trim": _trim,
    "upper": _upper,
    "urlencode": _urlencode,
}
"""Every filter by name."""

_ABOUT = ("defined", "undefined", "none", "string", "number", "mapping", "sequence", "boolean", "true", "false")
_COMPARING = ("in", "odd", "even", "eq", "equalto", "ne", "gt", "ge", "lt", "le", "==", "!=", ">", ">=", "<", "<=")
TESTS = frozenset(_ABOUT) | frozenset(_COMPARING)
"""Every test by name; Jinja's own."""
