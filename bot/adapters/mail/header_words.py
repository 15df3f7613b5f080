"""Text for headers of mail: one visible line in which nothing can begin another header or decode into one.

Headers are written out here and stored as they are. The standard library would fold them anew, and in many versions of
Python that loses an address behind a name with accents (CVE-2025-1795) or encodes the inside of a long Message-ID.
"""

from __future__ import annotations

import base64
import re
import textwrap
import unicodedata
from collections.abc import Sequence

from bot.domain.mail import MailAddress

LINE_END = "\r\n"
_LONGEST_NAME = 60
_MOST_BYTES = 45
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")

_JOINERS = "\u200c\u200d"
"""Invisible, but scripts and emoji need them."""


def one_line(text: str, limit: int) -> str:
    """At most `limit` characters, cut with `…`.

    Line breaks, control characters and marks of direction go. The standard library decodes `=?utf-8?…?=` also where it
    was written by somebody else, so that it could hold a line break that nobody saw: the two characters are parted.
    """
    line = " ".join("".join(map(_visible, text[: limit * 4])).split()).replace("=?", "= ?")
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def unstructured(text: str) -> str:
    """The value of a header such as Subject, out of one line, folded."""
    if not text.isascii():
        return _encoded(text)
    return f"{LINE_END} ".join(textwrap.wrap(text, 64, break_long_words=False, break_on_hyphens=False))


def addresses(people: Sequence[MailAddress]) -> str:
    """The value of From or To, one mailbox a line."""
    return f",{LINE_END} ".join(map(_address, people))


def folded(ids: Sequence[str]) -> str:
    """Message-IDs, one a line."""
    return f"{LINE_END} ".join(ids)


def _address(person: MailAddress) -> str:
    name = one_line(person.name, _LONGEST_NAME)
    if not name:
        return person.mailbox
    if not name.isascii():
        name = _encoded(name)
    elif not _PHRASE.fullmatch(name):
        escaped = re.sub(r'(["\\])', r"\\\1", name)
        name = f'"{escaped}"'
    return f"{name} <{person.mailbox}>"


def _encoded(text: str) -> str:
    """Encoded words of RFC 2047, of 75 characters at most; readers drop the space between two of them."""
    words, taken = [], b""
    for character in text:
        more = character.encode("utf-8", "replace")
        if len(taken) + len(more) > _MOST_BYTES:
            words.append(taken)
            taken = b""
        taken += more
    return f"{LINE_END} ".join(f"=?utf-8?b?{base64.b64encode(word).decode('ascii')}?=" for word in (*words, taken))


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character)[0] == "C" and character not in _JOINERS else character
