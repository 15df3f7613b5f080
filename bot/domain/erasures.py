"""Taking a person out of the records: whom, under which spellings, and what stands there instead."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bot.domain.errors import BadInput
from bot.domain.policies import Policy

_SHORTEST = 3
_OURS = frozenset({"andon", "system", "anonymous", "policy"})


@dataclass(frozen=True)
class Erasure:
    """A person as the records name them, and the name that takes their place."""

    ids: tuple[str, ...]
    pseudonym: str
    by: str
    reason: str

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self.ids, key=len, reverse=True)
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)

    def names(self, text: str) -> bool:
        """Whether the person stands in it."""
        return self._pattern.search(text) is not None

    def without(self, text: str) -> str:
        """The text with the pseudonym in place of every spelling that stands there as a word of its own."""
        return self._pattern.sub(self.pseudonym, text)


@dataclass(frozen=True)
class Erased:
    """What was, or would be, changed."""

    pseudonym: str
    rows: Mapping[str, int]
    """Rows by table, those of the audit among them."""
    files: tuple[str, ...] = ()
    """Digests of kept files that name the person and were left as they are."""
    results: Mapping[str, str] = field(default_factory=dict)
    """The digests that verdicts have now, by their ids."""
    is_compact: bool = True
    """Whether what the database had freed is overwritten."""


def ids_of(person: str, more: Iterable[str], policies: Iterable[Policy]) -> tuple[str, ...]:
    """Every id that stands with this one in the `persons` of a policy, and those that are given besides.

    BadInput where one is so short, or so common, that it would be found in words that name nobody."""
    found = {person, *more}
    for policy in policies:
        for name, ids in policy.persons.items():
            if person.casefold() in {one.casefold() for one in (name, *ids)}:
                found |= {name, *ids}
    for one in found:
        if len(one.strip()) < _SHORTEST or one.casefold() in _OURS:
            raise BadInput(f"{one!r} cannot be erased", why="it is too short or too common to name one person")
    return tuple(sorted(found))


def pseudonym_of(person: str, secret: bytes) -> str:
    """Always the same for a person and a key; without the key nobody can try out who it was."""
    return f"erased-{hashlib.sha256(secret + person.casefold().encode()).hexdigest()[:10]}"
