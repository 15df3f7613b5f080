"""Looks through sentences that people wrote for blame, overclaiming and alarm, and says how to put it better."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from bot.domain.wording_blame import BLAME, about
from bot.domain.wording_claims import ALARM, OVERCLAIM
from bot.domain.wording_rules import WHY, Concern, Rule

_NOT_PROSE = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|^ {0,3}>[^\n]*|\b\w+://\S+|\b[\w.+-]+@[\w-]+\.[\w.-]+", re.DOTALL | re.M
)
"""Code, quoted lines, addresses: not the writer's own words."""

_RULES = (*BLAME, *OVERCLAIM, *ALARM)
_HIDDEN = "\x00"
_SENTENCE_END = re.compile(r"[.!?;:\n\x00]")
_LOOK_BACK = 60


@dataclass(frozen=True)
class Finding:
    """One place in a text: `text[start:end]` is what was said."""

    start: int
    end: int
    said: str
    concern: Concern
    why: str
    better: str
    """Advice in words."""
    swap: str | None = None
    """What can take its place as it stands; None where only the writer can say it better."""


def findings(text: str, people: Collection[str] = ()) -> tuple[Finding, ...]:
    """All places in order, none within another. `people` are names that stand for persons here: of a policy, a channel.

    It is made to be shown at three in the morning: it misses rather than nags. Code, quotes and addresses are skipped.
    """
    prose = _prose(text)
    found = [
        _finding(text, rule, match)
        for rule in (*_RULES, *about(people))
        for match in rule.pattern.finditer(prose)
        if not _is_spared(prose, rule, match)
    ]
    kept: list[Finding] = []
    # Of two at the same place the longer one is kept, then the one that knows what to say instead.
    for one in sorted(found, key=lambda one: (one.start, -one.end, one.swap is None)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return tuple(kept)


def improved(text: str, people: Collection[str] = ()) -> str:
    """The text with every finding replaced that has a `swap`; the others stay for the writer."""
    for one in reversed(findings(text, people)):
        if one.swap is not None:
            text = text[: one.start] + one.swap + text[one.end :]
    return text


def _prose(text: str) -> str:
    """The writer's own words, every character where it was: the rest is hidden, lines are joined to sentences."""
    shown = _NOT_PROSE.sub(lambda match: _HIDDEN * len(match[0]), text)
    shown = shown.replace("\u2019", "'").replace("\u00a0", " ").replace("\u202f", " ")
    return re.sub(r"(?<!\n)\n(?![\n*+-])", " ", shown)


def _is_spared(prose: str, rule: Rule, match: re.Match[str]) -> bool:
    if rule.spared_after is None:
        return False
    before = _SENTENCE_END.split(prose[max(0, match.start() - _LOOK_BACK) : match.start()])[-1]
    return rule.spared_after.search(before) is not None


def _finding(text: str, rule: Rule, match: re.Match[str]) -> Finding:
    said = text[match.start() : match.end()]
    swap = None if rule.swap is None else match.expand(rule.swap)
    if swap and said[:1].isupper():
        swap = swap[0].upper() + swap[1:]
    return Finding(match.start(), match.end(), said, rule.concern, WHY[rule.concern], rule.better, swap)
