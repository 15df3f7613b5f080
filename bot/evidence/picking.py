"""Which piece of evidence counts: the newest about the right version; others are set aside, and that is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.domain.gates import Evidence

CANDIDATE, INCUMBENT = "candidate", "incumbent"
_MOST_SAID = 5


class Piece(Protocol):
    """A piece of evidence with its content."""

    @property
    def record(self) -> Evidence: ...

    @property
    def content(self) -> bytes: ...


@dataclass(frozen=True)
class Picked:
    """The piece that counts, if there is one, and why others do not."""

    piece: Piece | None
    set_aside: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The id of the piece that counts."""
        return (self.piece.record.id,) if self.piece else ()


def pick(pieces: Sequence[Piece], release: Mapping[str, Any], about: str = CANDIDATE) -> Picked:
    """The newest of `pieces` (newest first) that is about this side of the release.

    A piece that names another version than that side's is set aside; one that names none is taken at its word.
    """
    version = str(release.get(about) or "")
    chosen: Piece | None = None
    aside: list[str] = []
    for piece in pieces:
        record = piece.record
        if record.about != about:
            continue
        if record.version and record.version != version:
            words = f"{record.id} is about version {record.version[:80]!r}, but the {about} is {version[:80]!r}"
            aside.append(f"{words}: set aside")
        elif chosen is None:
            chosen = piece
    more = [f"and {len(aside) - _MOST_SAID} more"] if len(aside) > _MOST_SAID else []
    return Picked(chosen, (*aside[:_MOST_SAID], *more))


def missing_words(
    name: str, release: Mapping[str, Any], what: str, *, about: str = CANDIDATE, picked: Picked | None = None
) -> str:
    """That there is no such evidence, what was set aside, and how to push it."""
    more = f" ({'; '.join(picked.set_aside)})" if picked and picked.set_aside else ""
    side = " --about incumbent" if about == INCUMBENT else ""
    return (
        f"there is no evidence {name!r} about the {about}{more}; push {what}: "
        f"andon evidence push {release.get('id') or 'RELEASE'} --name {name}{side} FILE"
    )
