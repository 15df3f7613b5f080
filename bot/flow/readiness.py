"""What is open in a release: what is not signed, not measured, not read, by the role that is to give it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.gate_words import checklist_items, gate_words
from bot.domain.gates import GateResult, GateVerdict, Signature
from bot.domain.permits import CHAMPION
from bot.domain.pins import Pin
from bot.domain.policies import DEFAULT_AUDIENCES, Policy
from bot.domain.releases import Release, ReleaseStatus
from bot.domain.stages import GateUse, Stage
from bot.domain.walking import newest_of
from bot.domain.walks import ReleaseKind, Walk
from bot.flow.release_facts import endorsing_role
from bot.ports import Transaction

BRIEFS = "briefs"
"""Stands in place of a role: whoever reads for an audience acknowledges."""


@dataclass(frozen=True)
class Missing:
    """One thing that is open, and the role, or the person, that is to give it."""

    role: str
    text: str
    is_person: bool = False
    """`role` is somebody's id."""


def missing_in(tx: Transaction, policy: Policy, pin: Pin, release: Release, walk: Walk) -> list[Missing]:
    """All of it, in the order of the stages; nothing is run or asked for it."""
    signatures = [one for one in tx.signatures(release.id) if one.withdrawn_at is None]
    found = list(_of_emergency(pin, release, walk))
    if not is_over(release):
        found += _of_stages(policy, pin, release, walk, tx.gate_results(release.id), signatures)
        found += _briefs(policy, signatures)
    if release.status is ReleaseStatus.WATCHED:
        found.append(Missing(endorsing_role(policy), "it was watched to its end and waits for an endorsement"))
    if release.status is ReleaseStatus.HALTED:
        found.append(Missing(CHAMPION, "its promotion is halted"))
    return found


def is_over(release: Release) -> bool:
    """Nothing moves it any more."""
    return release.status.is_over or release.status is ReleaseStatus.ENDORSED


def owes_retrospective(walk: Walk) -> bool:
    """An emergency of which nobody has written yet what is to be learned."""
    return walk.kind is ReleaseKind.EMERGENCY and walk.retrospective_due_at is not None and not walk.retrospective_at


def _of_emergency(pin: Pin, release: Release, walk: Walk) -> Iterator[Missing]:
    if walk.kind is not ReleaseKind.EMERGENCY:
        return
    if pin.policy.emergency is not None and walk.second_person is None and not is_over(release):
        yield Missing(pin.policy.emergency.role, "no second person stands for it yet")
    if walk.retrospective_due_at is not None and owes_retrospective(walk):
        text = f"the retrospective is not written; it is due by {walk.retrospective_due_at:%d %b %Y, %H:%M} UTC"
        owing = dict.fromkeys(filter(None, (walk.started_by, walk.second_person)))
        yield from (Missing(one, text, is_person=True) for one in owing)


def _of_stages(
    policy: Policy,
    pin: Pin,
    release: Release,
    walk: Walk,
    results: Sequence[GateResult],
    signatures: Sequence[Signature],
) -> Iterator[Missing]:
    """Of the present stage every gate that does not pass; of those to come, what people can do already: sign."""
    names = [one.name for one in pin.stages]
    here = names.index(release.stage) if release.stage in names else len(names)
    for number, stage in enumerate(pin.stages[here:]):
        newest = newest_of(stage, results) if number == 0 else {}
        since = walk.stage_entered_at or release.opened_at
        for position, use in enumerate(stage.gates):
            unsigned = list(_unsigned(policy, stage, use, signatures))
            yield from unsigned
            if number == 0 and not unsigned and (said := _said(use, newest.get(position), since)):
                yield Missing(stage.owner or CHAMPION, f"{stage.name}: {said}")


def _unsigned(policy: Policy, stage: Stage, use: GateUse, signatures: Sequence[Signature]) -> Iterator[Missing]:
    for name, role in checklist_items(use):
        signed = any(one.subject == f"item:{name}" and policy.holds_role(one.by, role) for one in signatures)
        if not signed:
            yield Missing(role, f"{stage.name}: {name} is not signed")


def _said(use: GateUse, result: GateResult | None, since: datetime) -> str:
    """Why this gate is open; empty where it passes."""
    if result is None or result.at < since:
        return f"{gate_words(use)} was not run yet"
    if result.verdict is GateVerdict.PASS:
        return ""
    return f"{result.name} is {result.verdict}: {result.why[:300]}"


def _briefs(policy: Policy, signatures: Sequence[Signature]) -> Iterator[Missing]:
    read = {one.subject for one in signatures}
    for audience in policy.audiences or DEFAULT_AUDIENCES:
        if f"brief:{audience}" not in read:
            yield Missing(BRIEFS, f"{audience} has not acknowledged the brief")
