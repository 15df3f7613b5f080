"""What judging again came to: of each decision, gate and step what is recorded, what comes out now, and the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Same(StrEnum):
    """Whether what comes out again is what is recorded. What cannot be told is never the same."""

    SAME = "same"
    DIFFERS = "differs"
    NOT_TOLD = "not told"


@dataclass(frozen=True)
class Finding:
    """One comparison."""

    kind: str
    """`decision`, `gate` or `step`."""
    id: str
    about: str
    recorded: str
    again: str
    same: Same
    why: str = ""

    def as_json(self) -> dict[str, str]:
        """Plain values."""
        return {name: str(value) for name, value in vars(self).items()}


def counted(findings: Iterable[Finding]) -> dict[str, int]:
    """How many of each answer."""
    found = Counter(str(one.same) for one in findings)
    return {str(one): found[str(one)] for one in Same}


def exit_code(findings: Sequence[Finding]) -> int:
    """0: nothing differs. 1: something does. 3: nothing is known to differ, and something could not be told."""
    answers = {one.same for one in findings}
    if Same.DIFFERS in answers:
        return 1
    return 3 if Same.NOT_TOLD in answers else 0
