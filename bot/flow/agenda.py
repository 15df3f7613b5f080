"""The agenda of a meeting, out of the facts: what is known, what is missing, what to decide, who does what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.domain.minutes import Minute, MinuteKind, MinuteStatus
from bot.domain.records import Approval
from bot.domain.report_facts import ASKED_FOR, FIELDS, Fact, newest, spoken, spoken_alternative
from bot.domain.times import spoken_time

_LONGEST = 300
_MOST_OF_EACH = 8

_KNOWN = (
    "broken", "user_effect", "metric", "confidence_interval", "suspected_cause", "business_effect", "legal_effect",
    "confidence", "steps_taken", "cost_of_delay", "risk_of_not_halting",
)  # fmt: skip


@dataclass(frozen=True)
class Material:
    """What an agenda is made of."""

    title: str
    facts: Sequence[Fact] = ()
    """Oldest first."""
    minutes: Sequence[Minute] = ()
    approvals: Sequence[Approval] = ()


def agenda_of(material: Material) -> list[str]:
    """One point a line, in the order in which a short meeting goes through them."""
    points = [f"What happened: {material.title}", *_known(material), *_missing(material), *_to_decide(material)]
    points += [*_items(material, MinuteKind.QUESTION), *_items(material, MinuteKind.ACTION_ITEM)]
    points.append("Who owns what until when, and when people hear next")
    return [_cut(point) for point in points]


def _known(material: Material) -> Iterator[str]:
    current = newest(list(material.facts))
    for name in _KNOWN:
        fact = current.get(name)
        if fact is not None and fact.is_known:
            yield f"Known: {FIELDS[name].label.lower()}: {spoken(name, fact.value)} ({fact.source})"


def _missing(material: Material) -> Iterator[str]:
    current = newest(list(material.facts))
    for name in ASKED_FOR:
        fact = current.get(name)
        if fact is None or not fact.is_known:
            asked = f" (asked {fact.asked})" if fact is not None and fact.asked else ""
            yield f"Missing: {FIELDS[name].label.lower()}{asked}"


def _to_decide(material: Material) -> Iterator[str]:
    current = newest(list(material.facts))
    for approval in [one for one in material.approvals if one.is_open][:_MOST_OF_EACH]:
        yield f"Decide: {approval.question} (a member of {approval.role})"
    recommended = current.get("recommendation")
    if recommended is not None and recommended.is_known:
        yield f"Decide: follow the recommendation? {spoken('recommendation', recommended.value)}"
    options = current.get("alternatives")
    if options is not None and isinstance(options.value, list):
        for one in options.value[:_MOST_OF_EACH]:
            yield f"Option: {spoken_alternative(one) if isinstance(one, dict) else one}"
    for minute in _of(material, MinuteKind.DECISION)[-_MOST_OF_EACH:]:
        yield f"Decided already: {minute.text}"


def _items(material: Material, kind: MinuteKind) -> Iterator[str]:
    label = "Open question" if kind is MinuteKind.QUESTION else "Action item"
    for minute in [one for one in _of(material, kind) if one.is_open][:_MOST_OF_EACH]:
        due = f", due {spoken_time(minute.due_at)}" if minute.due_at else ""
        yield f"{label}: {minute.text} ({minute.owner or 'nobody yet'}{due})"


def _of(material: Material, kind: MinuteKind) -> list[Minute]:
    counts = (MinuteStatus.OPEN, MinuteStatus.DONE)
    return [one for one in material.minutes if one.kind is kind and one.status in counts]


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1].rstrip()}…"
