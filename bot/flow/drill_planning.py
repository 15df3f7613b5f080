"""Plans drills: one row for each slot of each schedule, by whichever clock comes first.

The row is the truth, not the clock that made it: its claim is unique, so that any number of clocks plan a slot once,
after a crash, a jump of the clock or a gap as well. Slots that went by without a row are planned or recorded as missed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.drill_schedules import claim_of, next_look, past_reminders, rule_of, schedule_of
from bot.domain.drills import Drill, DrillEvent, DrillState
from bot.domain.events import ANDON
from bot.domain.permits import CHAMPION
from bot.domain.policies import DrillRule, Mode, Policy
from bot.domain.records import AuditEntry
from bot.domain.times import spoken_time
from bot.flow.chores import Rounds, do_each
from bot.flow.drill_telling import DrillTeller
from bot.flow.situation import Situation
from bot.ports import Schedules, Transaction

MOST_ROWS = 50
"""Of the slots that went by while no clock was running, so many have a row of their own; one more stands for others."""
MOST_COUNTED = 100_000
"""Slots that are counted one by one; of more it is said that they are more."""
_DAY = timedelta(days=1)
NO_CLOCK = "no clock was running at that time"


@dataclass(frozen=True)
class Gone:
    """Slots that went by without a row."""

    latest: tuple[datetime, ...]
    """The last of them, oldest first."""
    earlier: int = 0
    """How many there were before these."""
    first: datetime | None = None
    """The very first, where there were some before."""


class DrillPlanning:
    """A chore of the clock. It remembers nothing: what is planned stands in the database."""

    def __init__(self, rounds: Rounds, schedules: Schedules) -> None:
        self._rounds = rounds
        self._schedules = schedules
        self._teller = DrillTeller(rounds.ids, rounds.consequences.teller)

    def keep(self) -> None:
        """Withdraw what no policy has any more, then plan what comes next."""
        wanted, now = self._wanted(), self._rounds.now()
        with self._rounds.store.read() as tx:
            planned = tx.planned_drills()
            ahead = {one.schedule for one in planned if one.slot > now}
            missing = [one for one in wanted if one not in ahead and _wants_more(tx, one, now)]
        do_each([one for one in planned if one.schedule and self._is_other(one, wanted)], self._align)
        do_each(missing, self._plan)

    def _wanted(self) -> Mapping[str, tuple[Policy, DrillRule]]:
        """What the policies in force have on a schedule, by its name. One that only observes touches nothing."""
        return {
            schedule_of(policy.service, rule): (policy, rule)
            for policy in self._rounds.configuration().policies.values()
            if policy.mode is Mode.ACT
            for rule in policy.drills
            if rule.cron
        }

    def _is_other(self, drill: Drill, wanted: Mapping[str, tuple[Policy, DrillRule]]) -> bool:
        found = wanted.get(drill.schedule)
        return found is None or found[1].as_json() != drill.rule

    def _align(self, seen: Drill) -> None:
        """Let a planned drill be what its policy says now."""
        with self._rounds.at(seen.service) as situation:
            drill = situation.tx.drill(seen.id)
            if drill is None or drill.state is not DrillState.PLANNED:
                return
            found = self._wanted().get(drill.schedule)
            if found is None:
                self._withdraw(situation, drill)
            elif found[1].as_json() != drill.rule:
                rule = found[1]
                drill = replace(drill, rule=rule.as_json(), objective_seconds=rule.objective.total_seconds())
                situation.keep(replace(drill, wake_at=next_look(drill, rule.remind, situation.now)))

    def _withdraw(self, situation: Situation, drill: Drill) -> None:
        """It gives its slot back, for the case that the policy has it again before that has come."""
        gone = drill.moved(DrillEvent.WITHDRAW, situation.now, why="the policy no longer has it")
        situation.keep(replace(gone, claim=f"{drill.claim}#{drill.id}"))
        audit(situation, gone)
        policy = self._rounds.configuration().policies.get(drill.service)
        if policy is not None and drill.reminded:
            self._teller.tell(situation, "drill_changed", policy, gone)

    def _plan(self, schedule: str) -> None:
        found = self._wanted().get(schedule)
        if found is None:
            return
        policy, rule = found
        with self._rounds.at(policy.service) as situation:
            if not _wants_more(situation.tx, schedule, situation.now):
                return
            self._make_up(situation, schedule, policy, rule)
            following = next(self._schedules.slots(str(rule.cron), rule.timezone, situation.now))
            situation.tx.plan_drill(self._drill(situation, schedule, policy, rule, following))

    def _make_up(self, situation: Situation, schedule: str, policy: Policy, rule: DrillRule) -> None:
        """What went by since the latest slot that has a row: the last one is run if it is not too late for it."""
        latest = situation.tx.latest_drill(schedule)
        if latest is None or latest.state is DrillState.WITHDRAWN:
            return  # seen for the first time, or again: its slots begin now
        gone = gone_by(self._schedules, rule, latest.slot, situation.now)
        if not gone.latest:
            return
        missed = list(gone.latest)
        if situation.now - missed[-1] <= rule.grace:
            slot = missed.pop()
            drill = self._drill(situation, schedule, policy, rule, slot)
            situation.tx.plan_drill(
                replace(
                    drill,
                    due_at=situation.now,
                    wake_at=situation.now,
                    reminded=past_reminders(rule.remind, slot, situation.now),
                )
            )
        self._miss(situation, policy, [self._drill(situation, schedule, policy, rule, one) for one in missed], gone)

    def _miss(self, situation: Situation, policy: Policy, drills: list[Drill], gone: Gone) -> None:
        whys = dict.fromkeys((one.id for one in drills), NO_CLOCK)
        if gone.first is not None and drills:
            many = f"{'more than ' if gone.earlier >= MOST_COUNTED else ''}{gone.earlier}"
            rest = replace(
                drills[0], id=self._rounds.ids.new("drl"), claim=claim_of(drills[0].schedule, gone.first),
                slot=gone.first, due_at=gone.first,
            )  # fmt: skip
            whys[rest.id] = f"{NO_CLOCK}; this stands for {many} slots from {spoken_time(gone.first)} on"
            drills.insert(0, rest)
        made = [one.moved(DrillEvent.MISS, situation.now, why=whys[one.id]) for one in drills]
        made = [one for one in made if situation.tx.plan_drill(one)]
        for one in made:
            audit(situation, one)
        if made:
            count = len(made) + max(0, gone.earlier - 1)
            # Of drills that end at one moment the one with the latest id counts as the last.
            last = max(made, key=lambda one: one.id)
            told = replace(last, due_at=made[-1].due_at, slot=made[-1].slot, why=made[-1].why)
            self._teller.tell_trouble(situation, "drill_missed", policy, told, policy.members(CHAMPION), slots=count)

    def _drill(self, situation: Situation, schedule: str, policy: Policy, rule: DrillRule, slot: datetime) -> Drill:
        drill = Drill(
            id=self._rounds.ids.new("drl"),
            claim=claim_of(schedule, slot),
            service=policy.service,
            environment=rule.environment,
            playbook=rule.playbook,
            schedule=schedule,
            slot=slot,
            due_at=slot,
            objective_seconds=rule.objective.total_seconds(),
            rule=rule.as_json(),
        )
        return replace(drill, wake_at=next_look(drill, rule_of(drill).remind, situation.now))


def gone_by(schedules: Schedules, rule: DrillRule, after: datetime, now: datetime) -> Gone:
    """The slots of a rule in (after, now], in bounded time."""
    latest: deque[datetime] = deque(maxlen=MOST_ROWS)
    count, first = 0, None
    for slot in schedules.slots(str(rule.cron), rule.timezone, after):
        if slot > now or count == MOST_COUNTED:
            break
        first = first or slot
        count += 1
        latest.append(slot)
    if count == MOST_COUNTED:  # too many to count them all: on with those of the last day
        for slot in schedules.slots(str(rule.cron), rule.timezone, max(latest[-1], now - _DAY)):
            if slot > now:
                break
            latest.append(slot)
    earlier = count - len(latest) if count < MOST_COUNTED else MOST_COUNTED
    return Gone(tuple(latest), earlier, first if earlier else None)


def audit(situation: Situation, drill: Drill) -> None:
    """What became of a drill that never started."""
    data = {"slot": str(drill.slot), "why": drill.why, "service": drill.service}
    situation.record(AuditEntry(situation.now, ANDON.name, f"drill.{drill.state}", f"drill:{drill.id}", data))


def _wants_more(tx: Transaction, schedule: str, now: datetime) -> bool:
    """Whether no slot ahead has a row. One that a policy no longer had counts for nothing."""
    latest = tx.latest_drill(schedule)
    return latest is None or latest.state is DrillState.WITHDRAWN or latest.slot <= now
