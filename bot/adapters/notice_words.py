"""How notices write facts for people: times, durations, and text from outside made harmless."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jinja2 import Undefined
from markupsafe import Markup

from bot.adapters.filters import Unfillable
from bot.domain.errors import BadInput
from bot.domain.times import parse_time

UNKNOWN = Markup("not known yet")
"""What stands where nobody knows: never a gap, never an invented figure."""

LONGEST_VALUE = 300
_LONGEST_BRIEF = 20_000
_LONGEST_WORD = 40
_BREAK = "\u200b"
"""Zero width: people see no difference, programs find no mention, link or list."""

_JOINERS = "\u200c\u200d"
"""Invisible, but scripts and emoji need them."""

_MENTION = re.compile(r"(?<!\w)@(?=\w)")
_TAG = re.compile(r"<(?=[!@#/?a-zA-Z])")
_MASKED_LINK = re.compile(r"\](?=[(\[])")
_BLOCK_MARK = re.compile(r"[#>=~+*|-]|\d+[.)](?:\s|$)")
_RECORD_ID = re.compile(r"\b[a-z]{2,5}-[0-9][0-9a-hjkmnp-tv-z]{25}\b", re.ASCII | re.IGNORECASE)


def plain(value: Any, limit: int = LONGEST_VALUE) -> Markup:
    """One line of at most `limit` characters in which nothing can forge a line, a mention, a link or a format.

    Whatever a template writes goes through this unless a template or this function wrote it: `Markup` is the mark.
    Slack reads `<!channel>` and `@channel` as mentions (https://docs.slack.dev/messaging/formatting-message-text),
    Markdown reads `](` as a link and marks at the beginning of a line as blocks.
    """
    if isinstance(value, Markup):
        return value
    line = " ".join("".join(map(_visible, _text(value)[: limit * 4])).split())
    line = line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
    line = _TAG.sub("‹", line).replace("`", "'")
    line = _MASKED_LINK.sub("]" + _BREAK, _MENTION.sub("@" + _BREAK, line))
    return _harmless(_BREAK + line if isinstance(value, str) and _BLOCK_MARK.match(line) else line)


def _harmless(text: str) -> Markup:
    return Markup(text)  # noqa: S704 - the mark says "made plain"; whatever carries it came through here


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    kind = unicodedata.category(character)
    return "" if kind[0] == "C" and character not in _JOINERS else character


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return str(value)
    if value is None:
        return str(UNKNOWN)
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()
    raise Unfillable("a list or a map cannot be written as text")


def known(value: Any, limit: int = LONGEST_VALUE) -> Markup:
    """The value made plain, or `not known yet` where it is absent, null or empty."""
    return UNKNOWN if _is_absent(value) else plain(value, limit)


def brief(value: Any, words: int) -> Markup:
    """At most so many words, without ids of records: for readers who have a minute and no access."""
    if _is_absent(value):
        return UNKNOWN
    kept = _RECORD_ID.sub("(a record)", plain(value, _LONGEST_BRIEF)).split(" ")
    cut = [word if len(word) <= _LONGEST_WORD else word[: _LONGEST_WORD - 1] + "…" for word in kept[:words]]
    return _harmless(" ".join(cut) + (" …" if len(kept) > words else ""))


def sentence(value: Any) -> Markup:
    """The value as `known` writes it, with a full stop unless it ends a sentence already."""
    text = known(value)
    return text if text.endswith((".", "!", "?")) else _harmless(f"{text}.")


def _is_absent(value: Any) -> bool:
    return isinstance(value, Undefined) or value is None or value == ""


def when(value: Any, as_of: datetime | None = None) -> str:
    """RFC 3339 → `14:07:31 UTC`, with the date in front unless it is the date of `as_of`; else `not known yet`."""
    at = _moment(value)
    if at is None:
        return UNKNOWN
    date = "" if as_of is not None and at.date() == as_of.date() else f"{date_of(value)}, "
    return f"{date}{at:%H:%M:%S} UTC"


def date_of(value: Any) -> str:
    """RFC 3339 → `20 Nov 2026`."""
    at = _moment(value)
    return UNKNOWN if at is None else f"{at.day} {at:%b %Y}"


def _moment(value: Any) -> datetime | None:
    try:
        return parse_time(value) if isinstance(value, str) else None
    except BadInput:
        return None


def seconds(value: Any) -> str:
    """Seconds as people say them: `0.42 s`, `12.3 s`, `2 min 5 s`, `1 h 10 min`; None is not known yet."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return known(value)
    sign, size = ("-" if value < 0 else ""), abs(value)
    if size < 10:
        return f"{sign}{size:.2f} s"
    if size < 59.95:
        return f"{sign}{size:.1f} s"
    whole = round(size)
    if whole < 3600:
        return f"{sign}{whole // 60} min {whole % 60} s"
    return f"{sign}{whole // 3600} h {whole % 3600 // 60} min"


def items(value: Any) -> list[tuple[str, Any]]:
    """The pairs of a map in the order of their keys; none where it is absent."""
    return sorted((str(key), one) for key, one in value.items()) if isinstance(value, Mapping) else []


def spoken(value: Any) -> str:
    """A word of the house as people write it: `rolling_back` reads `rolling back`."""
    return plain(value).replace("_", " ")
