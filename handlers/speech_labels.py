"""Who speaks, by how lines of chats and transcripts begin: "Maria: …", "[10:02] Tom: …", "<luca> …", "[Olga] …"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time

_NAME = r"[^\W\d_][\w.'’-]{0,30}(?:[ ][^\W\d_][\w.'’-]{0,30}){0,3}"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp][Mm])?"
_STAMP = rf"(?:[\[(]?(?P<clock>{_CLOCK})[\])]?\s*[-–|]?\s*)"

_LABELS = (
    re.compile(rf"{_STAMP}?<(?:v(?:\.\S+)?\s)?(?P<name>{_NAME})>\s*(?P<text>.*)", re.DOTALL),
    re.compile(rf"{_STAMP}?\[(?P<name>{_NAME})\]:?\s+(?P<text>.*)", re.DOTALL),
    re.compile(rf"{_STAMP}?(?P<name>{_NAME})>\s+(?P<text>.*)", re.DOTALL),
    re.compile(rf"{_STAMP}?\*\*(?P<name>{_NAME}):?\*\*:?\s+(?P<text>.*)", re.DOTALL),
    re.compile(rf"{_STAMP}?(?P<name>{_NAME})\s*[\[(](?P<clock2>{_CLOCK})[\])]\s*:\s*(?P<text>.*)", re.DOTALL),
    re.compile(
        rf"{_STAMP}?(?P<name><@[A-Z0-9]{{2,20}}(?:\|[^>]{{0,40}})?>|@?{_NAME}):(?:\s+(?P<text>.*)|$)", re.DOTALL
    ),
)
_HEADER = re.compile(rf"(?P<name>{_NAME})\s+(?:\[|\()?(?P<clock>{_CLOCK})(?:\]|\))?\s*")

_NOT_NAMES = frozenset(
    """decision decisions decided action actions action-item ai todo todos question questions answer answers note notes
    q a from to cc bcc subject date sent owner task due options option reason present attendees participants agenda
    agreed update status summary next follow-up followup fyi ps nb warning error eta tldr result results context plan
    background impact risk risks cause http https example resolved conclusion outcome open topic topics done""".split()  # noqa: SIM905
)
"""Words before a colon that are labels and no names."""

_PHRASES = re.compile(
    r"(?:\S+\s+)?(?:action|follow[ -]?ups?|next\s+steps?|open|root|key|to[ -]do|then|so|it|that|this|we|one|two|the|my"
    r"|our|real|first|second|last|new|quick|only|anyway|ok|okay|yes|no|and|but)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Labelled:
    """A line with its label taken off."""

    speaker: str | None
    text: str
    clock: time | None = None


def read_label(line: str) -> Labelled:
    """The speaker, the words and the time of day of one line; all of it is words where no label is found."""
    stripped = line.strip()
    for pattern in _LABELS:
        found = pattern.match(stripped)
        if found and _is_name(found["name"]):
            groups = found.groupdict()
            return Labelled(
                found["name"], (found["text"] or "").strip(), read_clock(groups["clock"] or groups.get("clock2"))
            )
    return Labelled(None, stripped)


def read_header(line: str) -> Labelled | None:
    """A line of a copied chat that holds only a name and a time; what follows was said by that person."""
    found = _HEADER.fullmatch(line.strip())
    if not found or not _is_name(found["name"]):
        return None
    return Labelled(found["name"].strip(), "", read_clock(found["clock"]))


def read_clock(text: str | None) -> time | None:
    """ "10:02", "10:02:11", "1:05 PM" as a time of day; None where it is none."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s?([AaPp])?[Mm]?", text or "", re.ASCII)
    if not found:
        return None
    hours = int(found[1])
    if found[4]:
        hours = hours % 12 + (12 if found[4] in "Pp" else 0)
    try:
        return time(hours, int(found[2]), int(found[3] or 0))
    except ValueError:
        return None


def _is_name(name: str) -> bool:
    if name.startswith("<@"):
        return True
    words = name.lower().lstrip("@").split()
    return bool(words) and words[0] not in _NOT_NAMES and words[-1] not in _NOT_NAMES and not _PHRASES.match(name)
