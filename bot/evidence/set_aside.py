"""What was not taken in, and why: counts by reason, with the numbers of the first few lines of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

FIRST_FEW = 5


class Reason(StrEnum):
    """Why a line was set aside, in words that stand in the answer to its sender."""

    NOT_JSON = "not JSON"
    NOT_AN_OBJECT = "not an object"
    KEY_TWICE = "a name given twice in one object"
    NOT_A_NUMBER = "NaN or infinity"
    TOO_LARGE = "a number too large to be one"
    TOO_DEEP = "nested too deep"
    BROKEN_TEXT = "text that is not UTF-8, or holds NUL or half a character"
    TOO_LONG = "a line of more than 256 KiB"
    NO_KEY = "no key"
    KEY = "a key that is not text of 1 to 200 characters"
    EMPTY = "neither an answer nor an error nor a label"
    ANSWER = "an answer or label that is no text, number, truth value or flat list of them"
    TIME = "milliseconds that are no number of 0 or more"
    ERROR = "an error that is neither text nor an object with text for incumbent or candidate"
    SLICE = "a slice that is neither text nor an object of text without = and ,"
    UNIT = "a unit that is neither text nor a whole number, or is longer than 200 characters"
    AT = "a time of day that is neither seconds since 1970 nor ISO 8601 with an offset"


class LineRefused(Exception):  # never leaves this package: it becomes a count
    """This line is set aside for `reason`."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass
class SetAside:
    """Counts by reason, and the first few line numbers (from 1) of each."""

    counts: dict[Reason, int] = field(default_factory=dict)
    lines: dict[Reason, list[int]] = field(default_factory=dict)

    def add(self, reason: Reason, line: int) -> None:
        """One more line."""
        self.counts[reason] = self.counts.get(reason, 0) + 1
        first = self.lines.setdefault(reason, [])
        if len(first) < FIRST_FEW:
            first.append(line)

    @property
    def total(self) -> int:
        """How many lines were set aside."""
        return sum(self.counts.values())

    def said(self) -> list[dict[str, object]]:
        """Plain values for an answer, most frequent reason first."""
        order = sorted(self.counts, key=lambda reason: (-self.counts[reason], reason))
        return [{"reason": one.value, "count": self.counts[one], "lines": self.lines[one]} for one in order]
