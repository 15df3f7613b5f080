"""The values of buttons: `key=value;key=value`, read strictly, because anybody can send one that nobody was shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from bot.domain.errors import BadInput

LONGEST = 2000
KEYS = frozenset(
    {
        "run", "plan", "incident", "minute", "service", "escalation", "release", "brief", "until", "owner", "draft",
        "edit", "why", "drill",
    }
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}")


def read_value(text: str) -> dict[str, str]:
    """What a button is about, by key; `why` holds words, everything else is a name or an id. BadInput otherwise."""
    found: dict[str, str] = {}
    if len(text) > LONGEST:
        raise _forged()
    for pair in filter(None, text.split(";")):
        key, equals, value = pair.partition("=")
        if not equals or key not in KEYS or key in found:
            raise _forged()
        found[key] = unquote(value) if key == "why" else value
        if key != "why" and not _NAME.fullmatch(value):
            raise _forged()
    return found


def write_value(pairs: Mapping[str, str]) -> str:
    """The value of a button; words are cut to what fits."""
    given = {key: value for key, value in pairs.items() if key != "why"}
    text = ";".join(f"{key}={value}" for key, value in given.items())
    why = pairs.get("why", "")
    while why and len(text) + len(quote(why)) + 5 > LONGEST:
        why = why[: len(why) * 9 // 10]
    return f"{text};why={quote(why)}" if why else text


def _forged() -> BadInput:
    return BadInput("This button says nothing that can be understood", next="use the button of a newer message")
