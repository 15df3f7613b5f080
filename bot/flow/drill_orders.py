"""Orders about drills: start one now, carry out a planned one at once, skip it, move it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from pydantic import StrictBool

from bot.domain.decisions import Verdict
from bot.domain.drill_choice import rules_meant, rules_to_pick_from
from bot.domain.drill_rules import rule_for
from bot.domain.drill_schedules import next_look, past_reminders, rule_of
from bot.domain.drills import Drill, DrillEvent, DrillState
from bot.domain.errors import BadInput, NotFound, Refused
from bot.domain.fields import Part
from bot.domain.permits import CHAMPION, check_drill
from bot.domain.policies import DrillRule, Policy
from bot.domain.times import format_time, spoken_time
from bot.domain.words import Word
from bot.flow.deadlines import moment_of, zone_of
from bot.flow.drill_starting import why_not
from bot.flow.drill_telling import DrillTeller
from bot.flow.minute_details import Short, details_of
from bot.flow.order import Answer, Order
from bot.flow.situation import bell_for_drill

SHOW = "`andon drills show {}` tells how it goes"


class DrillDetails(Part):
    """Which drill: by its playbook, or by the name of its failure; or whichever chance picks."""

    playbook: Short = ""
    name: Short = ""
    surprise: StrictBool = False


class MoveDetails(Part):
    """When it is to start: an RFC 3339 time or people's words."""

    at: Short
    zone: Short = ""


def drill(order: Order) -> Answer:
    """Plan a drill that starts now."""
    said = details_of(order.command, DrillDetails)
    policy = order.configuration.policy(order.command.subject)
    if said.surprise:
        fits, picked = _to_pick_from(order, policy, said)
    else:
        fits, picked = rules_meant(policy, order.command.environment, said.playbook, said.name), 0
    rule, among = fits[picked], len(fits)
    made = _asked(order, policy, rule, surprise=said.surprise)
    if joined := _joined(order, made):
        return joined
    _check_may_start(order, policy, made)
    order.situation.record(made)
    order.situation.bells.append(bell_for_drill(made.id))
    what = "A surprise" if said.surprise else f"{rule.playbook}{f' against {rule.name}' if rule.name else ''}"
    which = f", one of {among} that fit" if among > 1 else ""
    message = f"{what} is rehearsed for {policy.service} in {rule.environment} now (drill {made.id}{which})"
    return _answer(Verdict.ORDER, made, f"{message}: {SHOW.format(made.id)}.")


def _to_pick_from(order: Order, policy: Policy, said: DrillDetails) -> tuple[list[DrillRule], int]:
    """The policy's entries, and which of them chance picks; on a game day only."""
    if not policy.game_days:
        raise Refused(
            f"{policy.service} has no game days", next="say under `game_days` of its policy when surprises may come"
        )
    if not policy.is_game_day(order.situation.now):
        raise Refused(
            f"This is no game day of {policy.service}",
            why="its policy says when surprises may come, and that is not now",
        )
    if said.playbook or said.name:
        raise BadInput("A surprise picks the drill itself", next="leave the playbook and the name out")
    fits = rules_to_pick_from(policy, order.command.environment)
    return fits, order.chance.pick(len(fits))


def _check_may_start(order: Order, policy: Policy, drill: Drill) -> None:
    """Refused where a worker would not start it, in the words that it would have."""
    if why := why_not(order.situation, order.configuration, policy, drill, rule_for(policy, drill)):
        raise Refused(f"{drill.playbook} cannot be rehearsed in {drill.environment} now", why=why)


def _joined(order: Order, wanted: Drill) -> Answer | None:
    """The drill that goes on, or is about to start, at the same place: two at once would measure each other."""
    place, now = (wanted.service, wanted.environment), order.situation.now
    there = order.situation.drill_at(place)
    if there is None:
        planned = order.situation.tx.planned_drills()
        there = next((one for one in planned if (one.service, one.environment) == place and one.due_at <= now), None)
    if there is None:
        return None
    how = "goes on" if there.state.is_running else "is about to start"
    message = f"Drill {there.id} {how} in {wanted.environment} already; this request joins it: {SHOW.format(there.id)}."
    return _answer(Verdict.JOIN, there, message)


def _asked(order: Order, policy: Policy, rule: DrillRule, *, surprise: bool) -> Drill:
    now, drill_id = order.situation.now, order.ids.new("drl")
    return Drill(
        id=drill_id,
        claim=f"asked:{drill_id}",
        service=policy.service,
        environment=rule.environment,
        playbook=rule.playbook,
        schedule="",
        slot=now,
        due_at=now,
        objective_seconds=rule.objective.total_seconds(),
        wake_at=now,
        requested_by=order.actor,
        surprise=surprise,
        rule=rule.as_json(),
    )


def run(order: Order) -> Answer:
    """Carry out a planned drill at once: it takes the place of its slot."""
    found, policy = _subject(order)
    check_drill(order.command.actor, policy)
    if found.state.is_running or (found.state is DrillState.PLANNED and found.due_at <= order.situation.now):
        how = "goes on already" if found.state.is_running else "is about to start"
        return _answer(Verdict.NO_OP, found, f"Drill {found.id} {how}: {SHOW.format(found.id)}.")
    _check_planned(found, "start")
    if joined := _joined(order, found):
        return joined
    _check_may_start(order, policy, replace(found, due_at=order.situation.now))
    moved = _at(found, order.situation.now, order.situation.now, order.actor)
    order.situation.keep(moved)
    order.situation.bells.append(bell_for_drill(moved.id))
    return _answer(Verdict.ORDER, moved, f"Drill {moved.id} starts now: {SHOW.format(moved.id)}.")


def skip(order: Order) -> Answer:
    """Leave one drill out, with a reason that is kept; the next slot comes as planned."""
    found, policy = _subject(order)
    check_drill(order.command.actor, policy)
    if found.state is DrillState.SKIPPED:
        return _answer(Verdict.NO_OP, found, f"Drill {found.id} was skipped already by {found.actor}: {found.why}.")
    _check_planned(found, "be skipped")
    skipped = found.moved(DrillEvent.SKIP, order.situation.now, why=order.reason(), actor=order.actor)
    order.situation.keep(skipped)
    _tell(order, policy, skipped)
    return _answer(Verdict.ORDER, skipped, f"Drill {skipped.id} of {found.slot:%Y-%m-%d %H:%M} UTC is skipped.")


def move(order: Order) -> Answer:
    """Start it at another time, before the next slot of its schedule: else that one would be left out."""
    said = details_of(order.command, MoveDetails)
    found, policy = _subject(order)
    check_drill(order.command.actor, policy)
    now, rule = order.situation.now, rule_of(found)
    zone = zone_of(policy, said.zone)
    to = moment_of(said.at, zone, now)
    _check_planned(found, "be moved")
    if to == found.due_at:
        return _answer(Verdict.NO_OP, found, f"Drill {found.id} starts {spoken_time(to, zone)} already.")
    if found.schedule and rule.cron:
        following = next(order.schedules.slots(rule.cron, rule.timezone, found.slot))
        if to >= following:
            raise Refused(
                f"Drill {found.id} cannot be moved to {spoken_time(to, zone)}",
                why=f"the next one of its schedule comes {spoken_time(following, zone)}",
                next="give a time before that, or skip this one",
            )
    moved = _at(found, to, now, order.actor)
    order.situation.keep(moved)
    _tell(order, policy, moved)
    return _answer(Verdict.ORDER, moved, f"Drill {moved.id} starts {spoken_time(to, zone)}.")


def _at(found: Drill, due_at: datetime, now: datetime, actor: str) -> Drill:
    remind = rule_of(found).remind
    moved = replace(found, due_at=due_at, actor=actor, reminded=past_reminders(remind, due_at, now))
    return replace(moved, wake_at=next_look(moved, remind, now))


def _subject(order: Order) -> tuple[Drill, Policy]:
    found = order.situation.tx.drill(order.command.subject)
    if found is None:
        raise NotFound(f"No drill {order.command.subject!r}", next="`andon drills list` shows what there is")
    return found, order.configuration.policy(found.service)


def _check_planned(found: Drill, what: str) -> None:
    if found.state is DrillState.PLANNED:
        return
    how = "it goes on" if found.state.is_running else f"it is {found.state}"
    if found.ended_at is not None:
        how += f" since {format_time(found.ended_at)}"
    raise Refused(f"Drill {found.id} cannot {what} any more", why=how, next=SHOW.format(found.id))


def _tell(order: Order, policy: Policy, changed: Drill) -> None:
    teller = DrillTeller(order.ids, order.consequences.teller)
    teller.tell(order.situation, "drill_changed", policy, changed, policy.members(CHAMPION) if changed.is_ended else ())


def _answer(verdict: Verdict, about: Drill, message: str, runs: Sequence[str] = ()) -> Answer:
    incidents = (about.incident_id,) if about.incident_id else ()
    return Answer(verdict, message, about.service, about.environment, incidents, tuple(runs), (about.id,))


DRILL_ORDERS: Mapping[Word, Callable[[Order], Answer]] = {
    Word.DRILL: drill,
    Word.RUN_DRILL: run,
    Word.SKIP_DRILL: skip,
    Word.MOVE_DRILL: move,
}
