"""Markdown notes: headings give the points under them a meaning; code, quotations and struck text say nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from bot.domain.heard import Utterance
from handlers.lines import Line, as_utterances, section_title

_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(?P<title>.*?)\s*#*\s*")
_FENCE = re.compile(r"\s*(?P<fence>`{3,}|~{3,})")
_SURE = re.compile(r"^(?:#{1,6} \S|[-*+] \[[ xX]\] )", re.MULTILINE)
_STRUCK = re.compile(r"~~[^~]{0,1000}~~")
_TABLE = re.compile(r"\s*\|.*\|\s*")


class Markdown:
    """Bullets keep their marks, so that a check box can be told from a sentence."""

    name: ClassVar[str] = "markdown"
    endings: ClassVar[tuple[str, ...]] = (".md", ".markdown")

    def recognises(self, text: str) -> bool:
        """By a heading or a check box."""
        return _SURE.search(text) is not None

    def read(self, text: str) -> list[Utterance]:
        """The lines that say something, each under its heading."""
        return as_utterances(list(_lines(text)))


def _lines(text: str) -> Iterator[Line]:
    fence, heading = "", ""
    for number, line in enumerate(text.split("\n"), 1):
        mark = _FENCE.match(line)
        if fence:
            # Only the same mark, at least as long, ends a block of code; one that never ends goes to the end.
            fence = "" if mark and mark["fence"].startswith(fence) and not line.strip(" `~") else fence
            continue
        if mark:
            fence = mark["fence"]
            continue
        found = _HEADING.fullmatch(line)
        title = found["title"].strip("*_ ") if found else section_title(line)
        if title is not None:
            heading = title
        says_nothing = title is not None or line.lstrip().startswith(">") or _TABLE.fullmatch(line)
        yield Line(number, "" if says_nothing else _STRUCK.sub("", line), heading)
