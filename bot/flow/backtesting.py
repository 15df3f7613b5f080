"""Replays what was recorded through two sets of policies, and says which rollbacks, questions and halts differ.

What is taken for granted, because a record of other policies cannot say it, stands in `ASSUMED`, in words for people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.decisions import Decision, Verdict
from bot.domain.policies import Policy
from bot.flow.rehearsing import Recorded, Rehearsal
from bot.flow.stage_outcomes import GateOutcome, OutcomesOf, Turn, count_turns, differences, no_releases

ASSUMED = (
    "automation is on and no service is hands off",
    "the release in flight is the policy's own, again after each cooldown",
    "a canary that diverged is about the release in flight",
    "a rollback or a question lasts until its deadline, and nobody answers it",
    "an alert that repeated another one is left out",
    "a stage is judged once, as things stood at the last judging before the release went on, else at the release's end",
    "a halt that was lifted before that is not seen",
    "a gate that asks outside is not asked again: the verdict of then counts where its parameters are the same",
    "a gate that cannot be judged like that is not known",
    "after a halt a release goes no further; where a gate is not known it goes on as it did",
    "a stage that a release never had is judged as things stood when the one before it was left",
    "evidence is what was kept by its name, and the canary's comparison is the one of then, with its tolerance",
    "roles, people and targets are those of the policy; reviewed files are those of today, where they are unchanged",
)
"""In words for people."""


class Deed(StrEnum):
    """What a policy may come to."""

    ROLLBACK = "rollback"
    ASK = "ask"
    HALT = "halt"
    UNKNOWN = "unknown promotion"
    """A release went on from a stage that is not known to pass."""


_DEEDS = {Verdict.RUN: Deed.ROLLBACK, Verdict.ASK: Deed.ASK}
_TURNS = {Turn.HALT: Deed.HALT, Turn.STUCK: Deed.UNKNOWN}


@dataclass(frozen=True)
class Difference:
    """Something that one set does and the other does not."""

    deed: Deed
    gained: bool
    service: str
    environment: str
    at: datetime
    about: str
    """The alert, or the gates."""
    event_id: str
    criterion: str
    playbook: str
    before: str
    """What the old set says, and why."""
    after: str
    release_id: str = ""
    stage: str = ""
    gates: tuple[GateOutcome, ...] = ()
    """The gates that made the difference, with their figures."""


@dataclass
class ServiceReport:
    """What changes for one service."""

    service: str
    before: Counter[Deed] = field(default_factory=Counter)
    after: Counter[Deed] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def count(self, deed: Deed, *, gained: bool) -> int:
        """How many were gained, or lost."""
        return sum(one.deed is deed and one.gained is gained for one in self.differences)


@dataclass(frozen=True)
class Report:
    """Everything that was compared."""

    alerts: int
    services: Sequence[ServiceReport]
    unchanged: Sequence[str] = ()
    """Services whose policy is the same on both sides; they were not replayed."""
    stages: int = 0
    """Stages of recorded releases with gates on either side."""

    def count(self, deed: Deed, *, gained: bool) -> int:
        """How many were gained, or lost, in all services."""
        return sum(one.count(deed, gained=gained) for one in self.services)


def compare(
    recorded: Iterable[Recorded],
    before: Mapping[str, Policy],
    after: Mapping[str, Policy],
    *,
    outcomes_of: OutcomesOf = no_releases,
) -> Report:
    """Both sets over the same alerts, oldest first, and over the same recorded releases."""
    unchanged = {name for name, policy in before.items() if name in after and _is_same(policy, after[name])}
    before = {name: policy for name, policy in before.items() if name not in unchanged}
    after = {name: policy for name, policy in after.items() if name not in unchanged}
    old, new = Rehearsal(before), Rehearsal(after)
    reports = {name: ServiceReport(name) for name in sorted({*before, *after})}
    count = 0
    for one in recorded:
        count += 1
        was, now = old.hear(one), new.hear(one)
        for service in was.keys() | now.keys():
            _weigh(reports[service], one, was.get(service), now.get(service))
    stages = sum(
        _weigh_stages(report, before.get(service), after.get(service), outcomes_of)
        for service, report in reports.items()
    )
    return Report(count, list(reports.values()), sorted(unchanged), stages)


def _is_same(one: Policy, other: Policy) -> bool:
    """By the digest of the file; a policy that came from none has no digest."""
    return bool(one.digest) and one.digest == other.digest


def _weigh(report: ServiceReport, one: Recorded, was: Decision | None, now: Decision | None) -> None:
    deed_before, deed_after = _deed(was), _deed(now)
    if deed_before:
        report.before[deed_before] += 1
    if deed_after:
        report.after[deed_after] += 1
    if deed_before == deed_after:
        return
    for deed, gained, chosen in ((deed_before, False, was), (deed_after, True, now)):
        if deed is None or chosen is None:
            continue
        report.differences.append(
            Difference(
                deed=deed,
                gained=gained,
                service=report.service,
                environment=chosen.environment or "",
                at=one.at,
                about=one.alert.name,
                event_id=one.event_id,
                criterion=chosen.criterion or "",
                playbook=chosen.playbook or "",
                before=_said(was),
                after=_said(now),
            )
        )


def _weigh_stages(report: ServiceReport, before: Policy | None, after: Policy | None, outcomes_of: OutcomesOf) -> int:
    """How many stages there were."""
    old, new = (outcomes_of(policy) if policy else () for policy in (before, after))
    for side, counts in ((old, report.before), (new, report.after)):
        counts.update({_TURNS[turn]: count for turn, count in count_turns(side).items()})
    for one in differences(old, new):
        shown = one.shown
        was, now = (side.said() if side else "not judged" for side in (one.before, one.after))
        report.differences.append(
            Difference(
                deed=_TURNS[one.turn],
                gained=one.gained,
                service=report.service,
                environment=shown.environment,
                at=shown.at,
                about=", ".join(gate.gate for gate in shown.deciding),
                event_id="",
                criterion="",
                playbook="",
                before=was,
                after=now,
                release_id=shown.release_id,
                stage=shown.stage,
                gates=shown.deciding,
            )
        )
    return len({side.key for side in (*old, *new)})


def _deed(decision: Decision | None) -> Deed | None:
    return _DEEDS.get(decision.verdict) if decision else None


def _said(decision: Decision | None) -> str:
    return f"{decision.verdict}: {decision.reason}" if decision else "no policy is about it"
