"""Light Markdown as Slack's mrkdwn, escaped, and cut into pieces where a reader would cut.

Escapes and marks: https://docs.slack.dev/messaging/formatting-message-text. Only `&`, `<` and `>` are special to
Slack's parser, inside code as well. Nothing here makes a mention; the only links are to the page of the letter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

LONGEST_LINE = 2_300
"""Of escaped text; longer lines are broken. It leaves room for the marks around links in a section of 3,000."""

FENCE = "```"
_FENCE_ROOM = 2 * len(FENCE) + 2

_FENCE_LINE = re.compile(r"\s*```[\w+-]*\s*")
_CODE = re.compile(r"(```.+?```|`[^`\n]+`)")
_BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_HEADING = re.compile(r"#{1,6}\s+(?=\S)")
_BULLET = re.compile(r"(\s*)[-*+]\s+(?=\S)")
_LINK = re.compile(r"https?://[^\s<>|\"\\^`{}]{1,2000}")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2028\u2029\u2066-\u2069]")
"""Control characters, lone surrogates, marks that turn the direction of all that follows, and line breaks that are
none; letters and joiners of every script stay."""


class Kind(Enum):
    """What a line is: words, or part of a code block."""

    WORDS = 0
    OPENS = 1
    CODE = 2
    CLOSES = 3


@dataclass(frozen=True)
class Line:
    """One line of mrkdwn."""

    text: str
    kind: Kind


def size(text: str) -> int:
    """The length in UTF-16 units, which is never less than Slack counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(text: str) -> str:
    """Without what cannot travel or would turn the text around: control characters, lone surrogates, such marks."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def escaped(text: str) -> str:
    """Text that Slack shows as it is."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def one_line(text: str, most: int) -> str:
    """Cleaned, on one line, at most so long, with an ellipsis where it was longer."""
    line = " ".join(clean(text).split())
    return line if size(line) <= most else head(line, most - 1).rstrip() + "…"


def head(text: str, most: int) -> str:
    """The longest beginning of at most so many units that ends neither in a word nor within one visible sign."""
    end, used = 0, 0
    for end, character in enumerate(text):  # noqa: B007 - the position is what is looked for
        used += size(character)
        if used > most:
            break
    else:
        return text
    space = text.rfind(" ", end * 2 // 3, end)
    if space > 0:
        return text[:space]
    return text[: _between_signs(text, end)]


def link_to(url: str | None, words: str) -> str | None:
    """A link with these (own) words, or None where the address is none that can be shown."""
    return f"<{escaped(url)}|{words}>" if url and _LINK.fullmatch(url) else None


def pieces(body: str, *, most: int, total: int, link: str | None = None) -> tuple[list[str], bool]:
    """The body as pieces of mrkdwn of at most `most` units, `total` altogether, and whether something was left out.

    It is cut between paragraphs, else between lines, else between words. A code block that is cut is closed and
    opened again. `link` is the one address that becomes clickable where the body names it.
    """
    lines, is_cut = _limited(_lines(clean(body[: total + 1]).strip("\n"), link), total)
    found = [piece for piece in map(_written, _packed(lines, most - _FENCE_ROOM)) if piece.strip()]
    return found, is_cut or len(body) > total


def _between_signs(text: str, end: int) -> int:
    """Not before a combining mark, a joiner or a variation, and not behind a joiner."""
    for position in range(end, max(0, end - 20), -1):
        follows, before = text[position], text[position - 1]
        if before != "\u200d" and follows != "\u200d" and not _is_attached(follows):
            return position
    return end


def _is_attached(character: str) -> bool:
    is_tone = "\U0001f3fb" <= character <= "\U0001f3ff"
    return is_tone or unicodedata.category(character) in ("Mn", "Me", "Mc")


def _lines(body: str, link: str | None) -> Iterator[Line]:
    in_code = False
    for raw in body.split("\n"):
        if _FENCE_LINE.fullmatch(raw):
            yield Line(FENCE, Kind.CLOSES if in_code else Kind.OPENS)
            in_code = not in_code
            continue
        for part in _broken(raw.rstrip()):
            yield Line(escaped(part), Kind.CODE) if in_code else Line(_converted(part, link), Kind.WORDS)


def _broken(raw: str) -> Iterator[str]:
    """The line in parts whose escaped text is at most `LONGEST_LINE` long; broken before it is escaped."""
    while size(escaped(raw)) > LONGEST_LINE:
        # Every character may take five when escaped.
        part = head(raw, LONGEST_LINE if size(escaped(raw[:LONGEST_LINE])) <= LONGEST_LINE else LONGEST_LINE // 5)
        yield part.rstrip()
        raw = raw[len(part) :].lstrip(" ")
    yield raw


def _converted(raw: str, link: str | None) -> str:
    heading = _HEADING.match(raw)
    if heading:
        return f"*{escaped(raw[heading.end() :]).replace('*', '')}*"
    line = _BULLET.sub(r"\1• ", raw, count=1) if _BULLET.match(raw) else raw
    parts = _CODE.split(line)
    # Every second part is code, which stays as it is.
    return "".join(escaped(part) if odd % 2 else _marked(escaped(part), link) for odd, part in enumerate(parts))


def _marked(text: str, link: str | None) -> str:
    bold = _BOLD.sub(r"*\1*", text)
    if link and _LINK.fullmatch(link):
        # The address must end where it stands: a longer one that begins like it is another's.
        return re.sub(rf"(?<![\w/]){re.escape(escaped(link))}(?![\w/?#%=&@:~+-]|\.\w)", lambda m: f"<{m[0]}>", bold)
    return bold


def _limited(lines: Iterable[Line], total: int) -> tuple[list[Line], bool]:
    kept: list[Line] = []
    for line in lines:
        total -= size(line.text) + 1
        if total < 0:
            return kept, True
        kept.append(line)
    return kept, False


def _packed(lines: list[Line], most: int) -> Iterator[list[Line]]:
    current: list[Line] = []
    used = 0
    for line in lines:
        if current and used + size(line.text) + 1 > most:
            paragraph = _last_gap(current)
            yield current[:paragraph]
            current = current[paragraph:]
            used = sum(size(one.text) + 1 for one in current)
            if current and used + size(line.text) + 1 > most:
                yield current
                current, used = [], 0
        current.append(line)
        used += size(line.text) + 1
    if current:
        yield current


def _last_gap(lines: list[Line]) -> int:
    """Where to cut: at the last empty line outside of code in the second half, else at the end."""
    for position in range(len(lines) - 1, len(lines) // 2, -1):
        if not lines[position].text and lines[position].kind is Kind.WORDS:
            return position
    return len(lines)


def _written(lines: list[Line]) -> str:
    if lines and lines[0].kind is Kind.CLOSES:
        lines = lines[1:]
    if lines and lines[-1].kind is Kind.OPENS:
        lines = lines[:-1]
    if not lines:
        return ""
    text = "\n".join(line.text for line in lines).strip("\n")
    opens = f"{FENCE}\n" if lines[0].kind is Kind.CODE else ""
    closes = f"\n{FENCE}" if lines[-1].kind in (Kind.CODE, Kind.OPENS) else ""
    return f"{opens}{text}{closes}"
