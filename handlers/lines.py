"""Lines of written notes: headings, bullets, and speakers that go on over several lines."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bot.domain.heard import Utterance
from handlers.speech_labels import read_header, read_label

LONGEST_LINE = 4_000

BULLET = re.compile(r"(?:[-*+•–]|\d{1,3}[.)])[ \t]+")
_TITLE = re.compile(r"(?:\*\*|__)?(?P<title>[^\W\d_][^:.?!|]{1,60}?)(?:\*\*|__)?:?(?:\*\*|__)?")
_SECTIONS = re.compile(
    r"(?:actions?|action[ -]items?|follow[ -]?ups?|next[ -]steps?|to[ -]?dos?|tasks?|decisions?|decided|agreements?"
    r"|(?:open[ -])?questions?|discussion|notes?|attendees|participants|agenda|risks?|summary|background)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Line:
    """One line of a text, numbered from 1, under its heading."""

    number: int
    text: str
    heading: str = ""


def section_title(line: str) -> str | None:
    """A line that is the title of a section without Markdown's marks: "Action items:", "**Decisions**"."""
    found = _TITLE.fullmatch(line.strip())
    return found["title"].strip("*_ ") if found and _SECTIONS.fullmatch(found["title"].strip("*_ ")) else None


def as_utterances(lines: list[Line]) -> list[Utterance]:
    """One utterance for each line that says something; a line without a label goes on with the speaker before it.

    Bullets belong to nobody, and a blank line or a heading ends whose turn it is."""
    said: list[Utterance] = []
    turn: Utterance | None = None
    for line in lines:
        text = line.text.strip()[:LONGEST_LINE]
        if not text:
            turn = None if turn is None or turn.text else turn
            continue
        header = read_header(text)
        if header:
            turn = Utterance("", line.number, header.speaker, clock=header.clock)
            continue
        if BULLET.match(text):
            said.append(Utterance(text, line.number, heading=line.heading))
            turn = None
            continue
        utterance = _labelled(line, text, turn)
        turn = utterance if utterance.speaker else None
        if utterance.text:
            said.append(utterance)
    return said


def _labelled(line: Line, text: str, turn: Utterance | None) -> Utterance:
    label = read_label(text)
    plain = Utterance(label.text, line.number, label.speaker, clock=label.clock, heading=line.heading)
    if label.speaker or turn is None:
        return plain
    return replace(plain, speaker=turn.speaker, clock=turn.clock)
