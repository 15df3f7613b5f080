"""What a rule about words is: something not to say, why, and what to say instead.

Patterns are meant to miss rather than to nag. Those about people need a person as their subject: what a deploy, a
schema or Redis broke is said about the system and stays. Technical terms that only look alike are spared by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Concern(StrEnum):
    """What may be wrong with a sentence."""

    BLAME = "blame"
    OVERCLAIM = "overclaim"
    ALARM = "alarm"


@dataclass(frozen=True)
class Rule:
    """One thing not to say. `swap` takes its place where that is safe, with `\\1` for groups of the pattern."""

    concern: Concern
    pattern: re.Pattern[str]
    better: str
    swap: str | None = None
    spared_after: re.Pattern[str] | None = None
    """Ends what stands before, within the sentence: then it is meant otherwise."""


WHY = {
    Concern.BLAME: "it speaks about a person, and people stop telling what they saw",
    Concern.OVERCLAIM: "it claims more than anybody can know yet, and will be quoted when it turns out otherwise",
    Concern.ALARM: "it frightens, and says nothing that can be acted on",
}

SYSTEM = "say what the system did or let happen, and which check was missing"
MEASURED = "say what was measured, and since when"
LIKELY = "say how sure you are, and why"
FIGURES = "say what fails, for whom, and by how much"

NEGATED = r"\b(?:not|never|nobody|no one|none|without|cannot|hardly|no longer|if|whether|\w+n't)(?: \w+){0,3} $"
"""Ends what stands before something that is denied or only asked."""


def rule(
    concern: Concern, pattern: str, better: str, swap: str | None = None, *, spared_after: str | None = None
) -> Rule:
    """A rule; letters of both cases count, and words end where they end."""
    spared = re.compile(spared_after, re.IGNORECASE) if spared_after else None
    return Rule(concern, re.compile(pattern, re.IGNORECASE), better, swap, spared)
