"""Orders about a service: halt, lift, hands off, automation on and off, and asking for a rollback."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from bot.domain.decisions import Verdict
from bot.domain.errors import BadInput, Refused
from bot.domain.events import ANDON
from bot.domain.incidents import Incident, IncidentEvent
from bot.domain.permits import check_halt, check_lift
from bot.domain.playbooks import PlaybookKind
from bot.domain.policies import ROLLBACK_AUTHORITY, ApprovalRule, Criterion, Policy
from bot.domain.releases import Automation, Release, Service
from bot.domain.runs import Run, RunStatus
from bot.domain.times import format_duration, format_time, parse_duration
from bot.domain.words import Word
from bot.flow.careful import advice, calm
from bot.flow.gathering import propose
from bot.flow.offers import for_halt
from bot.flow.order import Answer, Order
from bot.flow.ownership_orders import owned_by_halter
from bot.flow.planning import Cause
from bot.flow.prefilling import known_of
from bot.flow.reporting import Known, ask, brief, checked, learn, want


def halt(order: Order) -> Answer:
    """Freeze promotion at once. Wins from every state; never rolls back and never interrupts a rollback."""
    allowed, refused = _may_halt(order)
    answers = [_halt_one(order, policy) for policy in allowed]
    if len(answers) == 1 and not refused:
        return answers[0]
    return Answer(
        Verdict.ORDER,
        " ".join([*(answer.message for answer in answers), *map(str, refused)]),
        incident_ids=tuple(one for answer in answers for one in answer.incident_ids),
        run_ids=tuple(one for answer in answers for one in answer.run_ids),
    )


def _may_halt(order: Order) -> tuple[list[Policy], list[Refused]]:
    """The policies that let this person halt, and why the others do not; refused where none does.

    A service that may not be halted keeps no other one going."""
    allowed, refused = [], []
    for name in order.situation.services:
        policy = order.configuration.policy(name)
        try:
            check_halt(order.command.actor, policy)
        except Refused as refusal:
            refused.append(refusal)
        else:
            allowed.append(policy)
    if refused and not allowed:
        raise refused[0]
    return allowed, refused


def _halt_one(order: Order, policy: Policy) -> Answer:
    situation = order.situation
    place = order.place(policy)
    release = situation.ensure_release(policy)
    service = situation.services[policy.service]
    if service.is_halted:
        return _halt_joined(order, policy, service, place)
    busy = place in situation.incidents or place in situation.runs
    if release is not None and not release.is_in_flight and not busy:
        message = f"Nothing of {policy.service} is on its way: there is nothing to halt. This was recorded."
        return Answer(Verdict.NO_OP, message, *place)
    reason = order.reason()
    situation.put_service(service.halted(order.actor, reason, situation.now))
    if release is not None:
        situation.put_release(release.with_halt(halted=True))
    incident = order.open_incident(place, f"Halted: {reason}").moved(IncidentEvent.HALT, situation.now)
    situation.put_incident(incident)
    incident = owned_by_halter(order, policy, incident)
    stopped = _stop_promotions(order, policy, incident)
    _tell_halt(order, policy, incident, reason)
    message = (
        f"{policy.service} is halted: nothing of it is promoted until somebody lifts it. "
        f"Next: fill in what is known at the incident, or `andon lift {policy.service}`. {advice(reason, policy)}"
    ).strip()
    runs = _halt_playbook(order, policy, place)
    for run in stopped:
        order.consequences.after_run(situation, run, order.configuration)
    return Answer(Verdict.ORDER, message, *place, (incident.id,), runs)


def _halt_joined(order: Order, policy: Policy, service: Service, place: tuple[str, str]) -> Answer:
    incident = order.situation.incidents.get(place)
    message = f"{service.name} is halted already, by {service.halted_by} at {service.halted_at:%H:%M:%S} UTC."
    if incident is None:
        return Answer(Verdict.JOIN, message, *place)
    text = f"{order.actor} halts too: {order.reason()}"
    order.consequences.write(order.situation, incident, "halt", text, actor=order.actor, data={"joins": True})
    owned_by_halter(order, policy, incident)
    return Answer(Verdict.JOIN, message, *place, (incident.id,))


def _stop_promotions(order: Order, policy: Policy, incident: Incident) -> list[Run]:
    situation, stopped = order.situation, []
    for run in [run for (name, _), run in situation.runs.items() if name == policy.service]:
        halted = run.halted(situation.now)
        if halted is not run:
            stopped.append(situation.move_run(halted))
            text = f"Promotion {run.id} was stopped by the halt"
            order.consequences.write(situation, incident, "run", text, run_id=run.id)
    return stopped


def _tell_halt(order: Order, policy: Policy, incident: Incident, reason: str) -> None:
    """Everything known is kept with its source; what nobody knows is asked for; everybody hears of it at once."""
    text, cause = f"{order.actor} halted the release: {reason}", f"event:{order.event_id}"
    order.consequences.write(order.situation, incident, "halt", text, actor=order.actor)
    learn(order, incident, [*known_of(order, incident), *_reported(order)])
    incident = order.situation.incidents[incident.service, incident.environment]
    missing = ask(order, policy, incident)
    offered, said = for_halt(incident), calm(reason, policy)
    order.consequences.tell(
        order.situation, "halted", policy, incident, cause=cause, reason=said, by=order.actor, buttons=offered
    )
    want(order, policy, incident, missing)
    brief(order, policy, incident)
    propose(order.consequences, order.situation, policy, incident, by=order.actor, cause=cause)


def _reported(order: Order) -> list[Known]:
    """What came with the halt. A halt never fails for its report: what cannot be used is left for later."""
    gate, found = order.command.details.get("gate"), list[Known]()
    source = f"measured by gate {gate}" if gate and order.command.actor == ANDON else f"said by {order.actor}"
    for name, value in order.command.details.items():
        try:
            found += [Known(name, one, source) for one in checked({name: value}).values()]
        except BadInput:
            continue
    return found


def _halt_playbook(order: Order, policy: Policy, place: tuple[str, str]) -> tuple[str, ...]:
    situation = order.situation
    if policy.halt is None or place in situation.runs or place[1] not in policy.targets:
        return ()
    cause = Cause(
        event_id=order.event_id, within=timedelta(minutes=5), requested_by=order.actor, reason=order.command.reason
    )
    incident = situation.incidents[place]
    run = order.consequences.start(situation, policy, order.configuration, incident, policy.halt.playbook, cause)
    return (run.id,)


def lift(order: Order) -> Answer:
    """End a halt. It never ends by itself."""
    reason = order.reason_if_any()
    answers = [_lift_one(order, order.configuration.policy(name), reason) for name in list(order.situation.services)]
    return answers[0] if len(answers) == 1 else Answer(Verdict.ORDER, " ".join(one.message for one in answers))


def _lift_one(order: Order, policy: Policy, reason: str) -> Answer:
    situation = order.situation
    service = situation.services[policy.service]
    if not service.is_halted:
        return Answer(Verdict.NO_OP, f"{policy.service} is not halted.", policy.service)
    release = situation.releases.get(policy.service)
    check_lift(order.command.actor, policy, release)
    situation.put_service(service.lifted())
    if release is not None:
        _resume(order, release.with_halt(halted=False))
    incidents = [one for (name, _), one in situation.incidents.items() if name == policy.service]
    for incident in incidents:
        moved = incident.moved(_event_of_lift(order, incident), situation.now)
        situation.put_incident(moved)
        text = f"{order.actor} lifted the halt: {reason}"
        order.consequences.write(situation, moved, "lift", text, actor=order.actor)
        order.consequences.tell(
            situation, "lifted", policy, moved, cause=f"event:{order.event_id}", reason=reason, by=order.actor
        )
        situation.tx.retell(situation.now, ("halted",), incident_id=incident.id)
    return Answer(
        Verdict.ORDER,
        f"The halt of {policy.service} is lifted.",
        policy.service,
        incident_ids=tuple(one.id for one in incidents),
    )


def _resume(order: Order, release: Release) -> None:
    """The release goes on where it was, and its gates are looked at anew before anything is promoted."""
    order.situation.put_release(release)
    walk = order.situation.tx.walk(release.id) if release.stage else None
    if walk is not None:
        # What was asked for, and measured, before the halt counts no more.
        order.moves.judge_soon(order.situation, replace(walk, wanted_by=None, wanted_at=None, judged_at=None))


def _event_of_lift(order: Order, incident: Incident) -> IncidentEvent:
    """What a rollback had restored before the halt is watched again, so that it can be endorsed."""
    if not incident.allows(IncidentEvent.LIFT_RESTORED):
        return IncidentEvent.LIFT
    rollbacks = (
        one
        for one in order.situation.tx.runs(limit=100, incident_id=incident.id)
        if one.kind is PlaybookKind.ROLLBACK and not one.drill
    )
    newest = next(rollbacks, None)
    restored = newest is not None and newest.status is RunStatus.SUCCEEDED
    return IncidentEvent.LIFT_RESTORED if restored else IncidentEvent.LIFT


def hands_off(order: Order) -> Answer:
    """Pause automation for one service for a while; people can still halt and roll back."""
    reason = order.reason_if_any()
    span = parse_duration(str(order.command.details.get("for", "")))
    if not timedelta(0) <= span <= timedelta(days=7):
        raise BadInput("Hands off lasts 7 days at most", next="give a shorter time, or use `andon automation off`")
    name = order.configuration.policy(order.command.subject).service
    until = order.situation.now + span if span else None
    service = order.situation.services[name]
    order.situation.put_service(
        replace(service, hands_off_until=until, hands_off_by=order.actor, hands_off_reason=reason)
    )
    what = f"paused until {format_time(until)}" if until else "on again"
    for (owner, _), incident in order.situation.incidents.items():
        if owner == name:
            order.consequences.write(
                order.situation,
                incident,
                "hands_off",
                f"{order.actor}: automation is {what} ({reason})",
                actor=order.actor,
            )
    return Answer(Verdict.ORDER, f"Automation of {name} is {what} ({format_duration(span)}).", name)


def automation(order: Order) -> Answer:
    """The switch for everything; readable without Redis because it is one row in SQL."""
    on = bool(order.command.details.get("on"))
    reason = order.reason_if_any()
    was = order.situation.automation
    if was.on == on:
        return Answer(Verdict.NO_OP, f"Automation is {'on' if on else 'off'} already.")
    order.situation.automation = Automation(on, order.actor, order.situation.now, reason)
    return Answer(Verdict.ORDER, f"Automation is {'on' if on else 'off'} everywhere.")


def rollback(order: Order) -> Answer:
    """Plan a rollback at a person's wish; it waits for the approval of somebody else."""
    policy = order.configuration.policy(order.command.subject)
    place, reason, situation = order.place(policy), order.reason(), order.situation
    situation.ensure_release(policy)
    if place[1] not in policy.targets:
        raise Refused(f"{place[1]!r} is not one of the targets of {policy.service}")
    name = str(order.command.details.get("playbook") or "") or _first_playbook(policy)
    playbook = order.configuration.playbook(name)
    if playbook.kind is PlaybookKind.PROMOTE or name in order.configuration.of_stages():
        raise Refused(f"{name} promotes", why="such a playbook runs only out of a passed stage; no role passes a gate")
    active = situation.runs.get(place)
    if active is not None and active.kind is not PlaybookKind.PROMOTE:  # a promotion makes way
        message = f"Run {active.id} ({active.playbook.name}, {active.status}) is at it already; this request joins it."
        incidents = (active.incident_id,) if active.incident_id else ()
        return Answer(Verdict.JOIN, message, *place, incident_ids=incidents, run_ids=(active.id,))
    criterion = _criterion_for(policy, name)
    incident = order.open_incident(place, f"Rollback requested: {reason}")
    cause = Cause(
        event_id=order.event_id,
        within=criterion.within if criterion else timedelta(minutes=30),
        authority=_role_for(policy),
        requested_by=order.actor,
        reason=reason,
    )
    rule = criterion.approval if criterion else ApprovalRule()
    run = order.consequences.start(situation, policy, order.configuration, incident, name, cause, rule)
    message = f"Run {run.id} is planned and waits for a member of {run.authority} to approve plan {run.plan_hash}."
    return Answer(Verdict.ASK, message, *place, incident_ids=(incident.id,), run_ids=(run.id,))


def _first_playbook(policy: Policy) -> str:
    if policy.rollback:
        return policy.rollback[0].playbook
    raise BadInput(f"The policy of {policy.service} has no rollback criterion", next="name a playbook")


def _criterion_for(policy: Policy, playbook: str) -> Criterion | None:
    return next((one for one in policy.rollback if one.playbook == playbook), None)


def _role_for(policy: Policy) -> str:
    """The first role that the criteria name as authority: `automatic` is for machines."""
    return next((one.authority for one in policy.rollback if not one.is_automatic), ROLLBACK_AUTHORITY)


SERVICE_ORDERS: Mapping[Word, Callable[[Order], Answer]] = {
    Word.HALT: halt,
    Word.LIFT: lift,
    Word.HANDS_OFF: hands_off,
    Word.AUTOMATION: automation,
    Word.ROLLBACK: rollback,
}
