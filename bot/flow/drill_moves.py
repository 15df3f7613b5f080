"""Moves of a drill inside a transaction: it starts, its failure is there, its verdict is known, it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bot.domain.conditions import Finding, Truth
from bot.domain.drill_measuring import Judged
from bot.domain.drill_rules import patience_of
from bot.domain.drills import Drill, DrillEvent
from bot.domain.events import ANDON
from bot.domain.incidents import IncidentEvent
from bot.domain.permits import CHAMPION
from bot.domain.policies import DrillRule, Policy
from bot.domain.records import AuditEntry
from bot.domain.runs import Run, RunEvent, RunStatus
from bot.flow.consequences import Consequences
from bot.flow.drill_facts import rehearsed
from bot.flow.drill_guard import is_rehearsal
from bot.flow.drill_runs import cleaning, injection, left_behind
from bot.flow.drill_telling import DrillTeller
from bot.flow.situation import Situation
from bot.flow.stepping import Workshop
from bot.ports import Ids


class _Nothing:
    """A condition that holds for no alert."""

    text = "false"

    def judge(self, facts: Mapping[str, Any]) -> Finding:  # noqa: ARG002
        return Finding(Truth.NO)

    def value(self, facts: Mapping[str, Any]) -> bool:  # noqa: ARG002
        return False


Policies = Callable[[str], Policy | None]
"""The policy of a service, as it is now."""


class DrillMoves:
    """Writes what a move of a drill implies: its runs, its incident, notices, audit rows. It never decides."""

    def __init__(self, ids: Ids, workshop: Workshop, consequences: Consequences, policy_of: Policies) -> None:
        self._ids = ids
        self._workshop = workshop
        self._consequences = consequences
        self._policy_of = policy_of
        self._teller = DrillTeller(ids, consequences.teller)

    def missed(self, situation: Situation, drill: Drill, why: str) -> None:
        """It cannot start now, and everybody who waits for it hears why."""
        missed = drill.moved(DrillEvent.MISS, situation.now, why=why)
        self.keep(situation, missed)
        self._tell(situation, "drill_missed", missed, to_champion=True, slots=1)

    def started(self, situation: Situation, policy: Policy, drill: Drill, rule: DrillRule) -> None:
        """Its failure is brought about, where the policy states one."""
        drill = replace(drill.moved(DrillEvent.START, situation.now), rule=rule.as_json())
        if rule.inject:
            run = injection(self._workshop, situation, policy, drill, rule)
            drill = replace(drill, inject_run_id=run.id, wake_at=situation.now + patience_of(drill))
            self._audit(situation, drill, "run.planned", run_id=run.id)
        self.keep(situation, drill)

    def injected(self, situation: Situation, drill: Drill, **moments: Any) -> None:
        """The failure is there, so its alert is due."""
        # Due at once: where this worker dies before the alert is in, the next one posts it.
        moved = replace(drill.moved(DrillEvent.INJECTED, situation.now), **moments)
        self.keep(situation, replace(moved, wake_at=situation.now))

    def clean(self, situation: Situation, drill: Drill, judged: Judged) -> None:
        """The verdict is known: whatever is still at work there ends, before what was injected is taken back."""
        self._end_runs(situation, drill)
        moved = replace(drill.moved(DrillEvent.CLEAN, situation.now, why=judged.why), verdict=judged.verdict)
        self.keep(situation, replace(moved, wake_at=situation.now))

    def take_back(self, situation: Situation, drill: Drill) -> Drill:
        """Plan what takes back what was injected; the drill without such a run where there is nothing to take back."""
        self._end_runs(situation, drill)  # one more may have come meanwhile
        policy = self._policy_of(drill.service) or _without_policy(drill.service)
        injected = situation.tx.run(drill.inject_run_id) if drill.inject_run_id else None
        run = cleaning(situation, policy, drill, injected)
        if run is None:
            return drill
        drill = replace(drill, cleanup_run_id=run.id, wake_at=situation.now + patience_of(drill))
        self._audit(situation, drill, "run.planned", run_id=run.id)
        situation.keep(drill)
        return drill

    def ended(self, situation: Situation, drill: Drill) -> None:
        """What was injected is taken back, or it is known that it is not: the drill has its end, and its report."""
        self._end_runs(situation, drill)
        runs = [situation.tx.run(one) if one else None for one in (drill.inject_run_id, drill.cleanup_run_id)]
        left = left_behind(self._workshop, *runs)
        is_unclean = runs[1] is not None and runs[1].status is not RunStatus.SUCCEEDED
        verdict, why = drill.verdict or DrillEvent.ABORT, drill.why
        if is_unclean:
            verdict = DrillEvent.FAIL if verdict is DrillEvent.PASS else verdict
            why = "; ".join(filter(None, (why, "its clean-up did not come to its end")))
        ended = drill.moved(verdict, situation.now, why=why)
        self.keep(situation, ended)
        self._resolve(situation, ended, left)
        alarmed = verdict is not DrillEvent.PASS or bool(left)
        self._tell(situation, "drill_report", ended, to_champion=alarmed, left=left, rehearsed=rehearsed(ended))

    def keep(self, situation: Situation, drill: Drill) -> None:
        """Save it with its audit row."""
        situation.keep(drill)
        self._audit(situation, drill, f"drill.{drill.state}", why=drill.why)

    def _end_runs(self, situation: Situation, drill: Drill) -> None:
        """Whatever of a drill has its place. A run that is no drill's is left alone."""
        run = situation.runs.get((drill.service, drill.environment))
        if run is None or not is_rehearsal(run):
            return
        error = f"drill {drill.id} ends what did not come to its end"
        situation.move_run(run.moved(RunEvent.TAKE_OVER, situation.now, error=error))
        incident = situation.incidents.get((drill.service, drill.environment))
        if incident is not None and incident.allows(IncidentEvent.RUN_STOPPED):
            situation.put_incident(incident.moved(IncidentEvent.RUN_STOPPED, situation.now))

    def _resolve(self, situation: Situation, drill: Drill, left: list[str]) -> None:
        incident = situation.incidents.get((drill.service, drill.environment))
        if incident is None or not incident.drill:
            return
        words = f"Drill {drill.id} {drill.state}" + (f": {drill.why}" if drill.why else "")
        words += f". Left to do by hand: {'; '.join(left)}" if left else ""
        self._consequences.write(situation, incident, "drill", words, data={"drill": drill.id, "left": left})
        self._release_alerts(situation, drill, incident.id)
        situation.put_incident(incident.moved(IncidentEvent.RESOLVE, situation.now))

    def _release_alerts(self, situation: Situation, drill: Drill, incident_id: str) -> None:
        """What somebody's monitoring said meanwhile was taken as the drill's; if it goes on, it counts."""
        for decision in situation.tx.decisions(incident_id=incident_id):
            if decision.run_id and decision.alert and decision.event_id != drill.event_id:
                situation.release(decision.alert, decision.run_id)

    def _tell(self, situation: Situation, name: str, drill: Drill, *, to_champion: bool, **facts: Any) -> None:
        policy = self._policy_of(drill.service)
        if policy is not None:
            people = policy.members(CHAMPION) if to_champion else ()
            self._teller.tell_trouble(situation, name, policy, drill, people, **facts)
            return
        problem = f"{drill.service} has no policy any more; {drill.state}: {drill.why}"
        cause = f"drill:{drill.id}"
        told = self._consequences.teller.about_house(name, cause=cause, now=situation.now, problem=problem, **facts)
        situation.tell([told])

    def _audit(self, situation: Situation, drill: Drill, action: str, **data: Any) -> None:
        situation.record(AuditEntry(situation.now, ANDON.name, action, f"drill:{drill.id}", data))


def _without_policy(service: str) -> Policy:
    """Of a service whose policy is gone: what was begun is taken back all the same, where it was begun."""
    return Policy.model_construct(service=service, match=_Nothing())


def taken_over(run: Run | None) -> bool:
    """Whether a run will not move any more unless somebody says so."""
    return run is None or run.is_ended or run.status is RunStatus.NEEDS_HUMAN
