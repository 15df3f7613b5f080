"""Who is a person: everybody known, and everybody who speaks, by mention, mail, handle, full or first name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from bot.domain.heard import KnownPerson, Utterance

MENTION = r"<@[A-Z0-9]{2,20}(?:\|[^>]{0,60})?>"
HANDLE = r"(?<![\w.])@[A-Za-z][\w.-]{0,40}"
MAIL = r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"
WORD = r"[^\W\d_][\w'-]{0,30}"
TITLE = r"(?:mr|ms|mrs|dr|prof)\.?\s+"

_TITLES = re.compile(TITLE, re.IGNORECASE)


class Directory:
    """One meeting's people. Names are compared without regard to case; a first name that two have names both."""

    def __init__(self, people: Sequence[KnownPerson], utterances: Iterable[Utterance] = ()) -> None:
        self._numbers: dict[str, frozenset[int]] = {}
        self._zones = [one.zone for one in people]
        for number, person in enumerate(people):
            for name in _names(person):
                self._add(name, number)
        for speaker in {one.speaker for one in utterances if one.speaker}:
            if not self._find(speaker):
                self._zones.append(None)
                for name in _variants(speaker):
                    self._add(name, len(self._zones) - 1)

    def _add(self, name: str, number: int) -> None:
        if name:
            self._numbers[name] = self._numbers.get(name, frozenset()) | {number}

    def _find(self, written: str | None) -> frozenset[int]:
        for name in _variants(written or "")[:-1] or _variants(written or ""):
            if name in self._numbers:
                return self._numbers[name]
        return frozenset()

    def knows(self, written: str | None) -> bool:
        """Whether somebody goes by that; a mention is always somebody."""
        return bool(written) and (
            (written or "").startswith(("<@", "@")) or "@" in (written or "") or self.names(written)
        )

    def names(self, written: str | None) -> bool:
        """Whether it is the name of somebody."""
        return bool(self._find(written))

    def is_same(self, one: str | None, other: str | None) -> bool:
        """Whether both may be the same person."""
        if not one or not other:
            return False
        return one.casefold() == other.casefold() or bool(self._find(one) & self._find(other))

    def zone_of(self, written: str | None, default: ZoneInfo) -> ZoneInfo:
        """The clocks of that person; the default where they are not known."""
        found = self._find(written)
        zone = self._zones[next(iter(found))] if len(found) == 1 else None
        return zone or default


def _names(person: KnownPerson) -> list[str]:
    words = person.name.casefold().split()
    handle = person.mail.casefold().partition("@")[0]
    first = words[:1] if words else []
    return [person.id.casefold(), person.mail.casefold(), handle, " ".join(words), *first, *words[1:][-1:]]


def _variants(written: str) -> list[str]:
    """Names to look for, most telling first; the last is the first word of the name alone."""
    mention = re.fullmatch(r"<@([A-Z0-9]+)(?:\|[^>]*)?>", written)
    if mention:
        return [mention[1].casefold(), ""]
    name = _TITLES.sub("", written.strip().lstrip("@")).casefold()
    words = name.split()
    return [name, words[0] if words else ""]
