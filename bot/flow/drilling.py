"""Carries out one drill: the failure is brought about, its alert comes in at the front door, what follows is measured.

Each move is one commit, with the service locked; any number of workers may advance a drill at once, after any crash.
What is known only outside is looked at between two commits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.conditions import Truth
from bot.domain.decisions import Decision, Verdict
from bot.domain.drill_measuring import Judged, ended_badly, injected_at, judged, measured
from bot.domain.drill_rules import is_production, patience_of
from bot.domain.drills import DRILL_SOURCE, Drill, DrillEvent, DrillState
from bot.domain.events import Accept, Delivery
from bot.domain.playbooks import PlaybookKind
from bot.domain.policies import Policy
from bot.domain.records import AuditEntry
from bot.domain.runs import Run, RunStatus
from bot.domain.times import format_time
from bot.domain.watches import Reading
from bot.flow.chores import Rounds
from bot.flow.drill_guard import is_rehearsal
from bot.flow.drill_moves import DrillMoves, taken_over
from bot.flow.drill_starting import check_start, why_not
from bot.flow.situation import Situation
from bot.flow.stable_measuring import measure
from bot.flow.stepping import Workshop

_MOST_MOVES = 20
_SOON = timedelta(seconds=1)
"""When it is looked again whether a worker is done with its last step."""
_NOT_CARRIED_OUT = frozenset({Verdict.HELD, Verdict.OBSERVE, Verdict.DEAD_LETTER, Verdict.IGNORE, Verdict.STALE})
"""Verdicts that say nothing of the way back: somebody switched it off, or the drill itself was not understood."""


class Drilling:
    """One per worker process; `advance` is safe to call twice, at once, and for drills that are long over."""

    def __init__(self, rounds: Rounds, workshop: Workshop, accept: Accept, crash: Callable[[str], None]) -> None:
        self._rounds = rounds
        self._workshop = workshop
        self._accept = accept
        self._crash = crash
        self._moves = DrillMoves(rounds.ids, workshop, rounds.consequences, self._policy_of)

    def advance(self, drill_id: str) -> None:
        """Move the drill as far as it goes now."""
        for _ in range(_MOST_MOVES):
            with self._rounds.store.read() as tx:
                drill = tx.drill(drill_id)
            if drill is None or drill.is_ended or not self._once(drill):
                return
            self._crash("after_drill_move")

    def _once(self, drill: Drill) -> bool:
        """One move; whether there was one."""
        match drill.state:
            case DrillState.PLANNED:
                return drill.due_at <= self._rounds.now() and self._locked(drill, self._start)
            case DrillState.INJECTING:
                return self._locked(drill, self._inject)
            case DrillState.RESTORING if drill.event_id is None:
                return self._post(drill)
            case DrillState.RESTORING:
                return self._locked(drill, self._measure) or self._look(drill)
        return self._locked(drill, self._clean)

    def _locked(self, seen: Drill, do: Callable[[Situation, Drill], bool]) -> bool:
        with self._rounds.at(seen.service) as situation:
            drill = situation.tx.drill(seen.id)
            if drill is None or drill.state is not seen.state:
                return drill is not None and not drill.is_ended  # somebody else was quicker
            return do(situation, drill)

    def _policy_of(self, service: str) -> Policy | None:
        return self._rounds.configuration().policies.get(service)

    def _start(self, situation: Situation, drill: Drill) -> bool:
        configuration = self._rounds.configuration()
        policy = self._policy_of(drill.service)
        rule = check_start(policy, drill)
        why = why_not(situation, configuration, policy, drill, rule)
        if why or policy is None or rule is None:
            self._moves.missed(situation, drill, why)
        else:
            situation.ensure_release(policy)
            self._moves.started(situation, policy, drill, rule)
        return True

    def _inject(self, situation: Situation, drill: Drill) -> bool:
        run = situation.tx.run(drill.inject_run_id) if drill.inject_run_id else None
        if drill.inject_run_id is None:
            self._moves.injected(situation, drill)
        elif run is not None and run.status is RunStatus.SUCCEEDED:
            self._moves.injected(situation, drill, injected_at=injected_at(run, self._workshop.acts))
        elif run is None or taken_over(run) or self._is_late(drill, drill.started_at):
            why = f"the failure could not be brought about: {run.error if run else 'its run is lost'}".rstrip(": ")
            self._moves.clean(situation, drill, Judged(DrillEvent.ABORT, why))
        else:
            return self._wait(situation, drill, drill.started_at)
        return True

    def _post(self, seen: Drill) -> bool:
        """Its alert, at the front door like any other; posted again after a crash it counts once."""
        if is_production(self._policy_of(seen.service), seen.environment):
            why = f"{seen.environment} is production now"
            return self._locked(seen, lambda at, one: self._clean_up(at, one, Judged(DrillEvent.ABORT, why)))
        headers = {"content-type": "application/json", "webhook-id": seen.id}
        receipt = self._accept([Delivery(DRILL_SOURCE, json.dumps(_alert(seen)).encode(), headers)])[0]
        self._crash("after_drill_event")
        return self._locked(seen, lambda at, one: self._posted(at, one, receipt.event_id))

    def _posted(self, situation: Situation, drill: Drill, event_id: str) -> bool:
        event = situation.tx.event(event_id)
        decision = next(iter(situation.tx.decisions(event_id=event_id)), None)
        run = situation.tx.run(decision.run_id) if decision and decision.run_id else None
        # Its service's own monitoring may have been quicker, and its alert have led to the run.
        moments = [one for one in (event.accepted_at if event else None, run.accepted_at if run else None) if one]
        drill = replace(
            drill,
            event_id=event_id,
            incident_id=decision.incident_id if decision else None,
            run_id=run.id if run else None,
            detected_at=min(moments, default=situation.now),
        )
        drill = replace(drill, wake_at=situation.now)  # its run may have ended already, and would wake nobody again
        wrong = _decided_otherwise(drill, decision, run, self._policy_of(drill.service))
        if wrong is not None:
            return self._clean_up(situation, drill, wrong)
        situation.keep(drill)
        data = {"event": event_id, "run": drill.run_id, "incident": drill.incident_id}
        situation.record(AuditEntry(situation.now, "andon", "drill.detected", f"drill:{drill.id}", data))
        return True

    def _measure(self, situation: Situation, drill: Drill) -> bool:
        run = situation.tx.run(drill.run_id) if drill.run_id else None
        if run is None:
            return self._clean_up(situation, drill, Judged(DrillEvent.ABORT, "its run is lost"))
        drill = measured(drill, run, situation.tx.approvals(run.id), self._workshop.acts)
        if (bad := ended_badly(run)) is not None:
            return self._clean_up(situation, drill, bad)
        if run.status is RunStatus.SUCCEEDED and not self._is_to_look(drill):
            return self._clean_up(situation, drill, judged(drill))
        if self._is_late(drill, drill.detected_at):
            return self._clean_up(situation, drill, _out_of_patience(run))
        return self._wait(situation, drill, drill.detected_at)

    def _is_to_look(self, drill: Drill) -> bool:
        """What was restored is proven by no step of its playbook, but the policy says in what a good state shows."""
        policy = self._policy_of(drill.service)
        watched = policy is not None and policy.stable is not None and bool(policy.stable.metrics)
        return drill.verified_at is None and drill.restored_at is not None and watched

    def _look(self, seen: Drill) -> bool:
        with self._rounds.store.read() as tx:
            drill = tx.drill(seen.id)
            run = tx.run(drill.run_id) if drill and drill.run_id else None
        policy = self._policy_of(seen.service)
        if drill is None or run is None or policy is None or policy.stable is None or not self._is_to_look(drill):
            return False
        now, monotonic = self._rounds.clock.now, self._rounds.clock.monotonic
        readings = measure(self._workshop.for_run(run), policy, drill.environment, policy.stable, now, monotonic)
        return self._locked(seen, lambda at, one: self._looked(at, one, readings))

    def _looked(self, situation: Situation, drill: Drill, readings: Sequence[Reading]) -> bool:
        policy = self._policy_of(drill.service)
        if all(one.truth is Truth.YES for one in readings):
            drill = replace(drill, verified_at=situation.now)
            return self._clean_up(situation, drill, judged(drill))
        if policy is not None and policy.stable is not None:
            situation.keep(replace(drill, wake_at=situation.now + policy.stable.every))
        return False

    def _clean_up(self, situation: Situation, drill: Drill, verdict: Judged) -> bool:
        self._moves.clean(situation, drill, verdict)
        return True

    def _clean(self, situation: Situation, drill: Drill) -> bool:
        if drill.cleanup_run_id is None:
            if self._is_at_work(situation, drill):
                situation.keep(replace(drill, wake_at=situation.now + _SOON))
                return False
            drill = self._moves.take_back(situation, drill)
            if drill.cleanup_run_id is not None:
                return True
        run = situation.tx.run(drill.cleanup_run_id) if drill.cleanup_run_id else None
        since = run.accepted_at if run else None
        if taken_over(run) or self._is_late(drill, since):
            self._moves.ended(situation, drill)
            return True
        return self._wait(situation, drill, since)

    def _is_at_work(self, situation: Situation, drill: Drill) -> bool:
        """Whether a worker still performs a step of a run that was ended, or a run that is no drill's has the place:
        nothing is taken back meanwhile."""
        there = situation.runs.get((drill.service, drill.environment))
        if there is not None and not is_rehearsal(there):
            return True
        return any(situation.tx.lease(one) is not None for one in (drill.inject_run_id, drill.run_id) if one)

    def _is_late(self, drill: Drill, since: datetime | None) -> bool:
        return since is not None and self._rounds.now() >= since + patience_of(drill)

    def _wait(self, situation: Situation, drill: Drill, since: datetime | None) -> bool:
        """Nothing moves now: it is looked at again when a run ends, else at the end of its patience."""
        waiting = replace(drill, wake_at=(since or situation.now) + patience_of(drill))
        if waiting != situation.tx.drill(drill.id):
            situation.keep(waiting)
        return False


def _alert(drill: Drill) -> dict[str, object]:
    return {
        "drill": drill.id,
        "service": drill.service,
        "environment": drill.environment,
        "playbook": drill.playbook,
        "objective_seconds": drill.objective_seconds,
        "since": format_time(drill.injected_at or drill.started_at or drill.due_at),
        "labels": dict(drill.rule.get("alert") or {}),
    }


def _decided_otherwise(
    drill: Drill, decision: Decision | None, run: Run | None, policy: Policy | None
) -> Judged | None:
    """What is wrong with the decision about its alert; None where the drilled playbook runs, or waits for somebody."""
    if decision is None or decision.verdict in _NOT_CARRIED_OUT:
        return Judged(DrillEvent.ABORT, f"its alert led nowhere: {decision.reason if decision else 'nothing decided'}")
    if policy is not None and drill.rule.get("alert") and not policy.matches({"alert": decision.alert}):
        return Judged(DrillEvent.FAIL, "the policy's `match` does not take such an alert, so nobody would have acted")
    if run is None:
        return Judged(DrillEvent.FAIL, f"its alert did not lead to {drill.playbook}: {decision.reason}")
    if run.playbook.name != drill.playbook or run.kind is PlaybookKind.PROMOTE:
        named = f"criterion {decision.criterion!r} chose" if decision.criterion else "it led to"
        return Judged(DrillEvent.FAIL, f"{named} {run.playbook.name}, not {drill.playbook}")
    if not run.drill:
        return Judged(DrillEvent.ABORT, f"run {run.id} at this place is no drill's")
    return None


def _out_of_patience(run: Run) -> Judged:
    if run.only_waits_for_approval:
        return Judged(DrillEvent.FAIL, f"nobody of {run.authority} approved it in time")
    if run.status is RunStatus.SUCCEEDED:
        return Judged(DrillEvent.FAIL, "what was restored was not measured to be good")
    return Judged(DrillEvent.FAIL, f"its run was {run.status} when its time was over")
