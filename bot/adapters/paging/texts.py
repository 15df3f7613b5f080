"""Texts and details cut to what a paging service takes."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bot.domain.strict_json import storable

_MOST_NAME = 100
_MOST_VALUE = 2000


def one_line(text: str, most: int) -> str:
    """The text on one line without control characters, at most `most` characters; what was cut ends in `…`.

    Characters are counted as UTF-16 code units, the strictest way that a service may count them.
    """
    line = " ".join("".join(char if char.isprintable() else " " for char in storable(text[: most * 4])).split())
    return line if _units(line) <= most else f"{_beginning(line, most - 1).rstrip()}…"


def fitted(details: Mapping[str, str], most_bytes: int) -> dict[str, str]:
    """As many details as fit into `most_bytes` of JSON, in their order; a last one says how many were left out."""
    kept: dict[str, str] = {}
    left_out = {"left out": f"{len(details)} more details"}
    room = most_bytes - len(json.dumps(left_out))
    for name, value in details.items():
        entry = {one_line(name, _MOST_NAME) or "?": one_line(value, _MOST_VALUE)}
        room -= len(json.dumps(entry))
        if room < 0:
            return {**kept, "left out": f"{len(details) - len(kept)} more details"}
        kept |= entry
    return kept


def _units(text: str) -> int:
    return len(text) + sum(char > "\uffff" for char in text)


def _beginning(text: str, most: int) -> str:
    end, units = 0, 0
    for char in text:
        units += 2 if char > "\uffff" else 1
        if units > most:
            break
        end += 1
    return text[:end]
