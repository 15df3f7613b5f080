"""Text for headers of mail: one visible line in which nothing can begin another header or decode into one."""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"
"""Invisible, but scripts and emoji need them."""


def one_line(text: str, limit: int) -> str:
    """At most `limit` characters, cut with `…`.

    Line breaks, control characters and marks of direction go. The standard library decodes `=?utf-8?…?=` also where it
    was written by somebody else, so that it could hold a line break that nobody saw: the two characters are parted.
    """
    line = " ".join("".join(map(_visible, text[: limit * 4])).split()).replace("=?", "= ?")
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character)[0] == "C" and character not in _JOINERS else character
