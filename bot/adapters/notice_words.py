"""How notices write facts for people: times, durations, and text from outside made harmless."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

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


_CHAT_ID = re.compile(r"\b[UW](?=[A-Z]*[0-9])[A-Z0-9]{8,12}\b", re.ASCII)
_SPAN = re.compile(r"(?:[0-9]{1,6}(?:ms|[dhms]))+", re.ASCII)
_PARTS = re.compile(r"([0-9]+)(ms|[dhms])", re.ASCII)
_UNITS = {"d": "day", "h": "hour", "m": "minute", "s": "second", "ms": "millisecond"}
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_ELSEWHERE = Markup("more than fits here; the page says it.")


@dataclass(frozen=True)
class Reader:
    """When a notice tells its facts, by which clock it is read, and by which names its reader knows people."""

    as_of: datetime | None = None
    zone: tzinfo = UTC
    people: Mapping[str, str] = field(default_factory=dict)
    """Names of the policy by the ids behind them."""


def zone_of(name: Any) -> tzinfo:
    """The time zone of that IANA name; UTC where there is none: a wrong name must not keep anybody from hearing."""
    try:
        return ZoneInfo(name) if isinstance(name, str) and name != "UTC" else UTC
    except (OSError, ValueError, LookupError):
        return UTC


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
    line = _without_marks(line).replace("`", "'")
    return _harmless(_BREAK + line if isinstance(value, str) and _BLOCK_MARK.match(line) else line)


def _without_marks(line: str) -> str:
    return _MASKED_LINK.sub("]" + _BREAK, _MENTION.sub("@" + _BREAK, _TAG.sub("‹", line)))


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


def code(value: Any, limit: int = LONGEST_VALUE) -> Markup:
    """One line of a file with its spaces, for a block of code. What cannot be seen is left out, and what another
    program may take for a tag, a mention or a link is broken: where the exact text matters, the file is given."""
    line = "".join(" " if one.isspace() else _visible(one) for one in _text(value)[:limit])
    return _harmless(_without_marks(line.rstrip()))


def known(value: Any, limit: int = LONGEST_VALUE) -> Markup:
    """The value made plain, or `not known yet` where it is absent, null or empty."""
    return UNKNOWN if _is_absent(value) else plain(value, limit)


def brief(value: Any, words: int) -> Markup:
    """A name in at most so many words, without ids of records: for readers who have a minute and no access."""
    if _is_absent(value):
        return UNKNOWN
    kept = _words(value)
    return _harmless(" ".join(kept[:words]) + (" …" if len(kept) > words else ""))


def gist(value: Any, words: int) -> Markup:
    """Whole sentences of at most so many words together, without ids; where not even one fits, where it is said."""
    if _is_absent(value):
        return _harmless(f"{UNKNOWN}.")
    kept: list[str] = []
    for one in _SENTENCE_END.split(" ".join(_words(value))):
        if len(" ".join([*kept, one]).split()) > words:
            break
        kept.append(one)
    text = " ".join(kept)
    if not text:
        return _ELSEWHERE
    return _harmless(text if text.endswith((".", "!", "?")) else f"{text}.")


def fits(value: Any, words: int) -> bool:
    """Whether there is something that has at most so many words."""
    return not _is_absent(value) and len(plain(value, _LONGEST_BRIEF).split()) <= words


def _words(value: Any) -> list[str]:
    text = _CHAT_ID.sub("(a person)", _RECORD_ID.sub("(a record)", plain(value, _LONGEST_BRIEF)))
    return [word if len(word) <= _LONGEST_WORD else word[: _LONGEST_WORD - 1] + "…" for word in text.split()]


def person(value: Any, reader: Reader) -> Markup:
    """Somebody by the name that the policy has for this id, else as it stands there."""
    known_as = reader.people.get(value.removeprefix("person:"), value) if isinstance(value, str) else value
    return known(known_as, 64)


def sentence(value: Any) -> Markup:
    """The value as `known` writes it, with a full stop unless it ends a sentence already."""
    text = known(value)
    return text if text.endswith((".", "!", "?")) else _harmless(f"{text}.")


def _is_absent(value: Any) -> bool:
    return isinstance(value, Undefined) or value is None or value == ""


def when(value: Any, reader: Reader) -> str:
    """RFC 3339 → `14:07:31 UTC`, with the date in front unless it is the date of `as_of`; else `not known yet`."""
    at = _moment(value)
    return UNKNOWN if at is None else _clock(at, reader.as_of, UTC, "%H:%M:%S")


def local(value: Any, reader: Reader) -> str:
    """RFC 3339 → `15:07:31 CET (14:07:31 UTC)`, with dates where they need saying; `12:00` where that is exact."""
    at = _moment(value)
    return UNKNOWN if at is None else _both(at, reader, "%H:%M" if not at.second else "%H:%M:%S")


def stamp(value: Any, reader: Reader) -> str:
    """RFC 3339 → `15:07:31 CET (14:07:31 UTC) on 20 Nov 2026`: the date is that of the reader."""
    at = _moment(value)
    if at is None:
        return UNKNOWN
    there = at.astimezone(reader.zone)
    return f"{_both(at, Reader(at, reader.zone))} on {there.day} {there:%b %Y}"


def _both(at: datetime, reader: Reader, form: str = "%H:%M:%S") -> str:
    there = _clock(at, reader.as_of, reader.zone, form)
    if reader.zone is UTC:
        return there
    date = "" if at.astimezone(reader.zone).date() == at.date() else f"{at.day} {at:%b}, "
    return f"{there} ({date}{at:{form}} UTC)"


def _clock(at: datetime, as_of: datetime | None, zone: tzinfo, form: str) -> str:
    there = at.astimezone(zone)
    is_today = as_of is not None and there.date() == as_of.astimezone(zone).date()
    date = "" if is_today else f"{there.day} {there:%b %Y}, "
    name = there.tzname() or ""
    return f"{date}{there:{form}} {'UTC' + name if name[:1] in '+-' else name}"


def left(value: Any, reader: Reader) -> str:
    """From `as_of` to that time: `4 min 12 s left`, or `1 min 3 s past it`; else `not known yet`."""
    at = _moment(value)
    if at is None or reader.as_of is None:
        return UNKNOWN
    remaining = int((at - reader.as_of).total_seconds())
    return f"{_whole(remaining)} left" if remaining >= 0 else f"{_whole(-remaining)} past it"


def is_past(value: Any, reader: Reader) -> bool:
    """Whether that time lies before `as_of`."""
    at = _moment(value)
    return at is not None and reader.as_of is not None and at < reader.as_of


def _whole(size: int) -> str:
    return f"{size} s" if size < 60 else seconds(float(size))


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


def span(value: Any) -> Markup:
    """A duration as policies write it, in words: `5m` reads `5 minutes`, `1h30m` reads `1 hour 30 minutes`."""
    if not isinstance(value, str) or not _SPAN.fullmatch(value):
        return known(value, 40)
    parts = [(int(count), _UNITS[unit]) for count, unit in _PARTS.findall(value)]
    return _harmless(" ".join(f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts))


def figure(value: Any) -> Markup:
    """A number as people read it: `0.73`, `-15`, `1,250`; anything else as `known` writes it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return known(value)
    return _harmless(f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}")


def items(value: Any) -> list[tuple[str, Any]]:
    """The pairs of a map in the order of their keys; none where it is absent."""
    return sorted((str(key), one) for key, one in value.items()) if isinstance(value, Mapping) else []


def capital(value: Any) -> Markup:
    """The value made plain, beginning with a capital letter: for what begins a sentence."""
    text = plain(value)
    return _harmless(text[:1].upper() + text[1:])


def spoken(value: Any) -> str:
    """A word of the house as people write it: `rolling_back` reads `rolling back`."""
    return plain(value).replace("_", " ")
