"""Text as both databases can hold it: no NUL, no lone surrogates, keys short enough for an index, compact JSON."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Set
from typing import Any

REPLACEMENT = "\ufffd"
KEY_LENGTH = 400
"""Characters. PostgreSQL refuses index rows over 2,704 bytes, and a character has four at most."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def clean_text(text: str) -> str:
    """The text with NUL and lone surrogates replaced by U+FFFD; PostgreSQL and UTF-8 refuse them."""
    if text.isascii():
        return text.replace("\x00", REPLACEMENT) if "\x00" in text else text
    return _UNSTORABLE.sub(REPLACEMENT, text)


def clean_key(text: str) -> str:
    """Clean text for an indexed column. Past KEY_LENGTH the rest becomes a digest, so that hostile keys still differ.

    A cut key is longer than any that is stored whole, so none can be made to look like another. Columns of keys do
    this by themselves: whoever looks something up passes what was asked for, not what is stored.
    """
    if len(text) <= KEY_LENGTH:
        return clean_text(text)
    return f"{clean_text(text[:KEY_LENGTH])}~{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def text_or_none(text: str | None) -> str | None:
    """Clean text, or nothing."""
    if text is None or (text.isascii() and "\x00" not in text):
        return text
    return clean_text(text)


def key_or_none(text: str | None) -> str | None:
    """A clean key, or nothing."""
    if text is None or (len(text) <= KEY_LENGTH and text.isascii() and "\x00" not in text):
        return text
    return clean_key(text)


def place_key(service: str, environment: str) -> str:
    """A service and an environment as one indexed key. Names of services have no slash; environments may be hostile."""
    return f"{service}/{environment}"


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not a JSON value")


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain).encode
_encode_any_float = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain).encode


def to_json(value: object) -> str:
    """Compact JSON that both databases hold. NaN and infinities, which JSON lacks, become strings."""
    if value == {}:
        return "{}"
    try:
        text = _encode(value)
    except ValueError:
        text = _encode(json.loads(_encode_any_float(value), parse_constant=str))
    if "\\u0000" in text:
        text = _ESCAPED_NUL.sub(rf"\1{REPLACEMENT}", text)
    return clean_text(text)


def from_json(text: str) -> Any:
    """What `to_json` wrote; tuples come back as lists."""
    return {} if text == "{}" else json.loads(text)
