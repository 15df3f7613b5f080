"""Reminds people of drills that are planned, once for each reminder, and says where one was missed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.domain.drill_schedules import next_look, reminded, reminder_due, rule_of
from bot.domain.drills import Drill, DrillEvent, DrillState
from bot.domain.permits import CHAMPION
from bot.domain.policies import Policy
from bot.domain.times import format_duration
from bot.flow.chores import Rounds, do_each
from bot.flow.drill_facts import needed_roles
from bot.flow.drill_planning import audit
from bot.flow.drill_telling import DrillTeller
from bot.flow.situation import Situation
from bot.ports import Schedules


class PlannedDrills:
    """A chore of the clock. What was sent stands in the drill's row, so that many clocks remind once."""

    def __init__(self, rounds: Rounds, schedules: Schedules) -> None:
        self._rounds = rounds
        self._schedules = schedules
        self._teller = DrillTeller(rounds.ids, rounds.consequences.teller)

    def look(self) -> None:
        """All that is due for planned drills but their start, which is up to the workers."""
        now = self._rounds.now()
        with self._rounds.store.read() as tx:
            planned = tx.planned_drills()
        do_each([one for one in planned if self._why_missed(one, now) or _is_to_remind(one, now)], self._look_at)

    def _look_at(self, seen: Drill) -> None:
        with self._rounds.at(seen.service) as situation:
            drill, now = situation.tx.drill(seen.id), situation.now
            if drill is None or drill.state is not DrillState.PLANNED:
                return
            policy = self._rounds.configuration().policies.get(drill.service)
            if why := self._why_missed(drill, now):
                self._miss(situation, policy, drill, why)
            elif _is_to_remind(drill, now):
                self._remind(situation, policy, drill)

    def _why_missed(self, drill: Drill, now: datetime) -> str:
        """Why nobody can start it any more; empty where somebody can."""
        if now < drill.due_at:
            return ""
        rule = rule_of(drill)
        if now > drill.due_at + rule.grace:
            return (
                f"nothing started it within {format_duration(rule.grace)}: no worker was there, or the place was busy"
            )
        if drill.schedule and rule.cron and next(self._schedules.slots(rule.cron, rule.timezone, drill.slot)) <= now:
            return "nothing started it before the next slot came"
        return ""

    def _miss(self, situation: Situation, policy: Policy | None, drill: Drill, why: str) -> None:
        missed = drill.moved(DrillEvent.MISS, situation.now, why=why)
        situation.keep(missed)
        audit(situation, missed)
        if policy is not None:
            self._teller.tell_trouble(situation, "drill_missed", policy, missed, policy.members(CHAMPION), slots=1)

    def _remind(self, situation: Situation, policy: Policy | None, drill: Drill) -> None:
        remind, now = rule_of(drill).remind, situation.now
        drill = replace(drill, reminded=reminded(drill, remind, now))
        situation.keep(replace(drill, wake_at=next_look(drill, remind, now)))
        if policy is None:
            return
        needed = needed_roles(policy, self._rounds.configuration(), drill.playbook)
        listed = [{"role": role, "members": list(members)} for role, members in needed.items()]
        people = [one for members in needed.values() for one in members]
        self._teller.tell(situation, "drill_reminder", policy, drill, people, needed=listed)


def _is_to_remind(drill: Drill, now: datetime) -> bool:
    return reminder_due(drill, rule_of(drill).remind, now) is not None
