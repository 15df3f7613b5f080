"""One set of policies over recorded alerts: what it would have come to, alert by alert."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from bot.domain.decisions import Decision, Verdict, alert_facts, alert_of
from bot.domain.errors import BadInput
from bot.domain.events import Alert
from bot.domain.judging import Known, decide
from bot.domain.playbooks import Playbook
from bot.domain.policies import AUTOMATIC, Policy
from bot.domain.releases import Release, Service
from bot.domain.runs import Run
from bot.domain.stages import CANARY
from bot.flow.matching import PolicyIndex


@dataclass(frozen=True)
class Recorded:
    """One alert as it came in."""

    at: datetime
    event_id: str
    alert: Alert


class Rehearsal:
    """One set of policies with what it would have come to so far."""

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        self._policies = policies
        self._index = PolicyIndex(policies.values())
        self._busy: dict[tuple[str, str], tuple[Run, datetime]] = {}
        self._acted: dict[tuple[str, str], datetime] = {}

    def hear(self, recorded: Recorded) -> dict[str, Decision]:
        """The answer of each policy that is about this alert, by service."""
        facts = {"alert": alert_facts(recorded.alert)}
        if (
            recorded.alert.source == CANARY
        ):  # the comparison of a service is about that service, whatever its policy matches
            own = self._policies.get(recorded.alert.labels.get("service", ""))
            return {own.service: self._answer(recorded, own, facts)} if own else {}
        return {one.service: self._answer(recorded, one, facts) for one in self._index.matching(recorded.alert)}

    def _answer(self, recorded: Recorded, policy: Policy, facts: Mapping[str, object]) -> Decision:
        place = policy.service, policy.environment_of(facts)
        run, until = self._busy.get(place, (None, recorded.at))
        known = Known(
            now=recorded.at,
            service=Service(policy.service),
            run=run if recorded.at < until else None,
            release=_release(policy, recorded),
            last_action_at=self._acted.get(place),
        )
        decision = decide(recorded.alert, policy, known)
        if decision.verdict in (Verdict.RUN, Verdict.ASK):
            self._busy[place] = _occupied(policy, decision)
        if decision.verdict is Verdict.RUN:
            self._acted[place] = recorded.at
        return decision


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


def _release(policy: Policy, recorded: Recorded) -> Release | None:
    """A comparison is about the release that it names; any other alert about the policy's own."""
    named, alert = policy.release, recorded.alert
    if alert.source == CANARY:
        versions = (alert.annotations.get("incumbent", ""), alert.annotations.get("candidate", ""))
        return Release(alert.labels.get("release", ""), policy.service, *versions, recorded.at)
    return Release("in flight", policy.service, named.incumbent, named.candidate, recorded.at) if named else None


def _occupied(policy: Policy, decision: Decision) -> tuple[Run, datetime]:
    """A run that stands where this decision put one, and until when."""
    criterion = next((one for one in policy.rollback if one.name == decision.criterion), None)
    rule = criterion or (policy.canary.on_divergence if policy.canary else None)
    until = decision.at + (rule.within if rule else timedelta(minutes=5))
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
