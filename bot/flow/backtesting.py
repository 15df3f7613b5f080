"""Replays what was recorded through two sets of policies, and says which rollbacks, questions and halts differ.

What is taken for granted, because a record of other policies cannot say it: automation is on and no service is hands
off; the release in flight is the policy's own, again after each cooldown; a rollback or a question occupies its place
until its deadline and nobody answers; an alert that was a repetition is one for both sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

from bot.domain.decisions import Decision, Verdict, alert_facts, alert_of
from bot.domain.errors import BadInput
from bot.domain.events import Alert
from bot.domain.judging import Known, decide
from bot.domain.playbooks import Playbook
from bot.domain.policies import AUTOMATIC, Policy
from bot.domain.releases import Release, Service
from bot.domain.runs import Run
from bot.flow.matching import PolicyIndex

ASSUMED = (
    "automation is on and no service is hands off",
    "the release in flight is the policy's own, again after each cooldown",
    "a rollback or a question lasts until its deadline, and nobody answers it",
    "an alert that repeated another one is left out",
)
"""In words for people."""


@dataclass(frozen=True)
class Recorded:
    """One alert as it came in."""

    at: datetime
    event_id: str
    alert: Alert


class Deed(StrEnum):
    """What a policy may come to."""

    ROLLBACK = "rollback"
    ASK = "ask"
    HALT = "halt"


_DEEDS = {Verdict.RUN: Deed.ROLLBACK, Verdict.ASK: Deed.ASK}


@dataclass(frozen=True)
class Halt:
    """A promotion that a gate would have halted; `key` is the same in both sets for the same evidence."""

    key: str
    at: datetime
    gate: str
    reason: str


HaltsOf = Callable[[Policy], Sequence[Halt]]
"""What recorded evidence of gates comes to under a policy. Gates bring it; until then there is none."""


def no_evidence(_policy: Policy) -> Sequence[Halt]:
    """Nothing is recorded of gates."""
    return ()


@dataclass(frozen=True)
class Difference:
    """Something that one set does and the other does not."""

    deed: Deed
    gained: bool
    service: str
    environment: str
    at: datetime
    about: str
    """The alert, or the gate."""
    event_id: str
    criterion: str
    playbook: str
    before: str
    """What the old set says, and why."""
    after: str


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

    def count(self, deed: Deed, *, gained: bool) -> int:
        """How many were gained, or lost, in all services."""
        return sum(one.count(deed, gained=gained) for one in self.services)


class Rehearsal:
    """One set of policies with what it would have come to so far."""

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        self._index = PolicyIndex(policies.values())
        self._busy: dict[tuple[str, str], tuple[Run, datetime]] = {}
        self._acted: dict[tuple[str, str], datetime] = {}

    def hear(self, recorded: Recorded) -> dict[str, Decision]:
        """The answer of each policy that is about this alert, by service."""
        facts = {"alert": alert_facts(recorded.alert)}
        candidates = self._index.candidates(recorded.alert.labels)
        return {one.service: self._answer(recorded, one, facts) for one in candidates if one.matches(facts)}

    def _answer(self, recorded: Recorded, policy: Policy, facts: Mapping[str, object]) -> Decision:
        place = policy.service, policy.environment_of(facts)
        run, until = self._busy.get(place, (None, recorded.at))
        known = Known(
            now=recorded.at,
            service=Service(policy.service),
            run=run if recorded.at < until else None,
            release=_release(policy, recorded.at),
            last_action_at=self._acted.get(place),
        )
        decision = decide(recorded.alert, policy, known)
        if decision.verdict in _DEEDS:
            self._busy[place] = _occupied(policy, decision)
        if decision.verdict is Verdict.RUN:
            self._acted[place] = recorded.at
        return decision


def compare(
    recorded: Iterable[Recorded],
    before: Mapping[str, Policy],
    after: Mapping[str, Policy],
    *,
    halts_of: HaltsOf = no_evidence,
) -> Report:
    """Both sets over the same alerts, oldest first, and over the same evidence."""
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
    for service, report in reports.items():
        _weigh_halts(report, before.get(service), after.get(service), halts_of)
    return Report(count, list(reports.values()), sorted(unchanged))


def alerts_of(decided: Iterable[Decision], unreadable: Callable[[Decision], object]) -> Iterator[Recorded]:
    """The alerts that these decisions judged, each once; repetitions are left out, and what no alert can be made of."""
    heard: set[tuple[str, str, str, str]] = set()
    for decision in decided:
        if decision.verdict in (Verdict.DUPLICATE, Verdict.STALE):
            continue
        try:
            alert = alert_of(decision.alert)
        except (KeyError, TypeError, ValueError, BadInput):
            unreadable(decision)
            continue
        # One alert has a decision for each policy that was about it.
        key = (decision.event_id, alert.source, alert.identity, str(decision.alert.get("starts_at")))
        if key not in heard:
            heard.add(key)
            yield Recorded(decision.at, decision.event_id, alert)


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


def _weigh_halts(report: ServiceReport, before: Policy | None, after: Policy | None, halts_of: HaltsOf) -> None:
    old = {one.key: one for one in halts_of(before)} if before else {}
    new = {one.key: one for one in halts_of(after)} if after else {}
    report.before[Deed.HALT], report.after[Deed.HALT] = len(old), len(new)
    for key in sorted(old.keys() ^ new.keys()):
        halt = new.get(key) or old[key]
        was, now = (f"halt: {side[key].reason}" if key in side else "no halt" for side in (old, new))
        report.differences.append(
            Difference(Deed.HALT, key in new, report.service, "", halt.at, halt.gate, key, halt.gate, "", was, now)
        )


def _deed(decision: Decision | None) -> Deed | None:
    return _DEEDS.get(decision.verdict) if decision else None


def _said(decision: Decision | None) -> str:
    return f"{decision.verdict}: {decision.reason}" if decision else "no policy is about it"


def _release(policy: Policy, now: datetime) -> Release | None:
    named = policy.release
    return Release("in flight", policy.service, named.incumbent, named.candidate, now) if named else None


def _occupied(policy: Policy, decision: Decision) -> tuple[Run, datetime]:
    """A run that stands where this decision put one, and until when."""
    criterion = next((one for one in policy.rollback if one.name == decision.criterion), None)
    until = decision.at + (criterion.within if criterion else timedelta(minutes=5))
    run = Run.planned(
        playbook=_some_playbook(),
        id=f"of {decision.criterion}",
        service=policy.service,
        environment=decision.environment or "",
        plan_hash="",
        facts={},
        accepted_at=decision.at,
        deadline=until,
        authority=decision.authority or AUTOMATIC,
    )
    return (run if decision.verdict is Verdict.RUN else run.asking()), until


@cache
def _some_playbook() -> Playbook:
    return Playbook.model_validate({"playbook": "rehearsed", "steps": [{"id": "act", "use": "pause"}]})
