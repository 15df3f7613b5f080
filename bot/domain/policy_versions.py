"""Versions of policies and playbooks: the text that was in force, who wrote it, and who read it before it counted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import unified_diff
from enum import StrEnum
from pathlib import Path
from typing import Self

NEXT = "get it reviewed: a `Reviewed-by:` trailer by another person than the author"
"""What to do about a file that nobody else has read."""

NOT_REVIEWED = "not reviewed"
"""How a message about such a file begins."""

_NAMED = re.compile(r"\s*(?P<name>[^<>]*?)\s*<(?P<address>[^<>\s]+)>\s*")


class FileKind(StrEnum):
    """What a file of the configuration says."""

    POLICY = "policy"
    PLAYBOOK = "playbook"


FileKey = tuple[FileKind, str]
"""Kind and name: `policies/fraud-model.yaml` is the policy `fraud-model`."""


@dataclass(frozen=True)
class ConfigFile:
    """One file of the configuration folder, exactly as it was loaded."""

    kind: FileKind
    name: str
    path: Path
    raw: bytes

    @property
    def key(self) -> FileKey:
        """Kind and name."""
        return self.kind, self.name

    @property
    def digest(self) -> str:
        """As it stands with each decision: the first 16 hex digits of the SHA-256 of its bytes."""
        return digest_of(self.raw)


@dataclass(frozen=True)
class Provenance:
    """Where a file comes from. `why` says what keeps it from counting as reviewed; empty where nothing does."""

    commit: str | None = None
    committed_at: datetime | None = None
    author: str | None = None
    reviewer: str | None = None
    dirty: bool = False
    """The bytes in the folder are not those of the commit."""
    why: str = ""

    @property
    def is_reviewed(self) -> bool:
        """Another person than the author has read exactly these bytes."""
        return not self.why


@dataclass(frozen=True)
class PolicyVersion:
    """One text of one policy or playbook that was in force, with the change that brought it."""

    kind: FileKind
    name: str
    digest: str
    text: str
    first_in_force_at: datetime
    in_force_since: datetime
    ended_at: datetime | None = None
    """None while it is in force."""
    commit: str | None = None
    committed_at: datetime | None = None
    author: str | None = None
    reviewer: str | None = None
    is_reviewed: bool = False
    dirty: bool = False
    why: str = ""
    previous: str | None = None
    """Digest of the version that was in force before."""
    diff: str = ""
    """Unified, against that version."""
    reminded_at: datetime | None = None

    @property
    def is_in_force(self) -> bool:
        """It decides now."""
        return self.ended_at is None

    @property
    def is_whole(self) -> bool:
        """The text is the one that the digest was made of."""
        return digest_of(self.text.encode("utf-8")) == self.digest

    @property
    def reviewed_at(self) -> datetime:
        """When people last looked at it: its commit where it was reviewed, else when it first came into force."""
        if self.is_reviewed and self.committed_at is not None:
            return self.committed_at
        return self.first_in_force_at

    def known_from(self, found: Provenance) -> Self:
        """The version with what is known now. What was reviewed once stays so: its bytes do not change."""
        if self.is_reviewed and not found.is_reviewed:
            return self
        return replace(
            self,
            commit=found.commit,
            committed_at=found.committed_at,
            author=found.author,
            reviewer=found.reviewer,
            is_reviewed=found.is_reviewed,
            dirty=found.dirty,
            why=found.why,
        )

    def follows(self, before: PolicyVersion | None, now: datetime) -> Self:
        """The version as it comes into force after another one, or after none."""
        old = before.text if before else ""
        return replace(
            self,
            in_force_since=now,
            ended_at=None,
            previous=before.digest if before else None,
            diff=diff_of(old, self.text, f"{self.kind}/{self.name}") if before else "",
            reminded_at=None,
        )


def digest_of(raw: bytes) -> str:
    """The digest by which a text is called."""
    return hashlib.sha256(raw).hexdigest()[:16]


def diff_of(before: str, after: str, name: str) -> str:
    """A unified diff of two texts; empty where they are the same."""
    lines = unified_diff(before.splitlines(), after.splitlines(), f"{name} before", f"{name} after", lineterm="")
    return "\n".join(lines)


def same_person(one: str, other: str, persons: Mapping[str, Iterable[str]]) -> bool:
    """Whether two signatures (`Lena <lena@example.com>`, or any id) are one person's, by `persons` of the policies.

    One address or one name on both sides is one person, also where `persons` does not say so."""
    return bool(_marks(one, persons) & _marks(other, persons))


def _marks(signature: str, persons: Mapping[str, Iterable[str]]) -> set[str]:
    match = _NAMED.fullmatch(signature)
    parts = (match["name"], match["address"]) if match else (signature,)
    marks = {part.strip().casefold() for part in parts if part.strip()}
    for person, ids in persons.items():
        known = {person.casefold(), *(one.casefold() for one in ids)}
        if marks & known:
            marks |= known
    return marks
