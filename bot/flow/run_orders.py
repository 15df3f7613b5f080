"""Orders about a run or an incident: approve, reject, cancel, retry, done, undo, take over, resolve, endorse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bot.domain.decisions import Verdict
from bot.domain.errors import BadInput, NotFound, Refused
from bot.domain.incidents import Incident, IncidentEvent
from bot.domain.permits import check_answer, check_endorse, check_help
from bot.domain.playbooks import PlaybookKind
from bot.domain.policies import Policy
from bot.domain.records import Approval, ApprovalStatus
from bot.domain.runs import Run, RunEvent
from bot.domain.words import Word
from bot.flow.items import item_facts, promises
from bot.flow.meeting_orders import conclude
from bot.flow.order import Answer, Order
from bot.flow.postmortem_opening import ask_for_postmortem
from bot.flow.situation import bell_for
from bot.flow.watches import check_stable

QUESTIONS = ("approval_needed", "approval_expired", "escalated")
"""Notices that ask; once somebody has answered they say so."""


def approve(order: Order) -> Answer:
    """Say yes to what a run waits for: single use, bound to the plan, never by the one who asked."""
    run, approval, policy = _question(order)
    answered = _answer(order, approval, policy, ApprovalStatus.APPROVED)
    incident = order.incident_of(run)
    first = not run.is_approved
    run = order.situation.move_run(run.approved(order.actor, order.situation.now))
    if first and incident is not None and run.kind is PlaybookKind.ROLLBACK:
        incident = incident.moved(IncidentEvent.RUN_STARTED, order.situation.now)
        order.situation.put_incident(incident)
        order.consequences.started(order.situation, policy, incident, run)
    order.situation.bells.append(bell_for(run))
    return _told(order, run, incident, "approval", f"{order.actor} approved: {answered.question}", "It goes on now.")


def reject(order: Order) -> Answer:
    """Say no. Before the first step the run ends; a step that asked fails instead, and people are told."""
    run, approval, policy = _question(order)
    _answer(order, approval, policy, ApprovalStatus.REJECTED)
    incident = order.incident_of(run)
    now = order.situation.now
    if approval.step_id is None:
        run = order.situation.move_run(run.moved(RunEvent.REJECT, now, error=f"rejected by {order.actor}"))
        _tell_end(order, run, incident)
    else:
        run = order.situation.move_run(run.approved(order.actor, now))
        order.situation.bells.append(bell_for(run))
    return _told(
        order, run, incident, "approval", f"{order.actor} rejected: {approval.question}", f"It is {run.status}."
    )


def _question(order: Order) -> tuple[Run, Approval, Policy]:
    approvals = list(order.situation.tx.approvals(order.command.subject))
    question = next((one for one in reversed(approvals) if one.is_open), None)
    last = approvals[-1] if approvals else None
    if question is None and last is not None and last.answered_by and last.answered_at:
        # Whoever presses a button late wants to know who was quicker, also where the run has ended meanwhile.
        when = f"{last.answered_at:%H:%M:%S} UTC"
        raise Refused(
            f"Run {last.run_id} was {last.status} by {last.answered_by} at {when}", next="nothing was changed"
        )
    run = order.run()
    if question is None:
        raise Refused(f"Run {run.id} asks nothing", why="it waits for no approval")
    return run, question, order.configuration.policy(run.service)


def _answer(order: Order, approval: Approval, policy: Policy, status: ApprovalStatus) -> Approval:
    shown = order.command.details.get("plan_hash")
    check_answer(order.command.actor, policy, approval, str(shown) if shown else None)
    member = policy.membership(order.command.actor.ids, approval.role)
    as_group = member if member in order.command.actor.groups else None
    answered = approval.answered(status, order.actor, order.situation.now, as_member=as_group)
    order.situation.tx.save(answered)
    order.situation.tx.retell(order.situation.now, QUESTIONS, run_id=approval.run_id)
    return answered


def cancel(order: Order) -> Answer:
    """End a run before its next step. What was done stays done."""
    run = _helped(order)
    cancelled = run.moved(RunEvent.CANCEL, order.situation.now, error=f"cancelled by {order.actor}")
    run = order.situation.move_run(cancelled, by=order.actor)
    incident = _stopped(order, run)
    return _told(
        order, run, incident, "run", f"{order.actor} cancelled run {run.id}", "What was done before stays done."
    )


def retry(order: Order) -> Answer:
    """Perform the step that stopped once more, with fresh tries."""
    run = order.situation.move_run(_helped(order).retried(order.situation.now))
    return _resumed(order, run, f"{order.actor} retries run {run.id}")


def done(order: Order) -> Answer:
    """Say that the step that stopped is done; its check must agree before the run goes on."""
    run = _helped(order)
    step = run.next_step
    if step is not None and not _has_check(order, run, step.id):
        raise Refused(
            f"Step {step.id} has no check that could confirm it",
            next="use retry, undo or take-over, or give it a `check:`",
        )
    run = order.situation.move_run(run.said_done(order.situation.now))
    return _resumed(order, run, f"{order.actor} says that step {step.id if step else ''} is done; its check decides")


def _has_check(order: Order, run: Run, step_id: str) -> bool:
    return run.check_of(step_id) is not None or run.step(step_id).use in order.checkable


def undo(order: Order) -> Answer:
    """Take back, in reverse order, whatever acted and declares an undo."""
    stopped = _helped(order)
    if stopped.undoing:
        raise Refused(f"Run {stopped.id} is being undone already", next="use retry to go on with it, or take-over")
    run = stopped.undone(order.situation.now)
    count = sum(1 for step in run.steps if step.undoes)
    if not count:
        raise Refused(f"No step of run {run.id} that acted declares an undo", next="use retry, done or take-over")
    return _resumed(order, order.situation.move_run(run), f"{order.actor} undoes {count} steps of run {run.id}")


def take_over(order: Order) -> Answer:
    """The bot stops before its next step and never touches the run again; a person finishes by hand."""
    run = _helped(order)
    run = order.situation.move_run(
        run.moved(RunEvent.TAKE_OVER, order.situation.now, error=f"taken over by {order.actor}")
    )
    incident = _stopped(order, run)
    return _told(
        order, run, incident, "run", f"{order.actor} took over run {run.id}", "Andon does not touch it any more."
    )


def _helped(order: Order) -> Run:
    run = order.run()
    check_help(order.command.actor, order.configuration.policy(run.service), run)
    return run


def _stopped(order: Order, run: Run) -> Incident | None:
    order.consequences.after_run(order.situation, run, order.configuration)
    incident = order.incident_of(run)
    if run.kind is PlaybookKind.ROLLBACK and incident is not None and incident.allows(IncidentEvent.RUN_STOPPED):
        incident = incident.moved(IncidentEvent.RUN_STOPPED, order.situation.now)
        if order.situation.services[run.service].is_halted:
            incident = incident.moved(IncidentEvent.HALT, order.situation.now)
        order.situation.put_incident(incident)
    _tell_end(order, run, incident)
    return incident


def _tell_end(order: Order, run: Run, incident: Incident | None) -> None:
    """Whoever heard that a rollback was wanted or had begun hears that a person ended it."""
    policy = order.configuration.policies.get(run.service)
    if policy is not None and incident is not None and run.kind is PlaybookKind.ROLLBACK:
        order.consequences.tell(order.situation, "stopped", policy, incident, cause=f"run:{run.id}", run=run)


def _resumed(order: Order, run: Run, text: str) -> Answer:
    order.situation.bells.append(bell_for(run))
    return _told(order, run, order.incident_of(run), "run", text, "It goes on now.")


def _told(order: Order, run: Run, incident: Incident | None, kind: str, text: str, after: str) -> Answer:
    if incident is not None:
        order.consequences.write(order.situation, incident, kind, text, actor=order.actor, run_id=run.id)
    incidents = (run.incident_id,) if run.incident_id else ()
    message = f"{text} {after}" if text.endswith("?") else f"{text}. {after}"
    return Answer(Verdict.ORDER, message, run.service, run.environment, incidents, (run.id,))


def resolve(order: Order) -> Answer:
    """Close an incident, from every state, with a reason. A halt of its service stays."""
    incident, policy, reason = _incident(order)
    place = (incident.service, incident.environment)
    active = order.situation.runs.get(place)
    if active is not None:
        raise Refused(
            f"Run {active.id} of this incident is {active.status}",
            next="let it end, or cancel it or take it over first",
        )
    resolved = incident.moved(IncidentEvent.RESOLVE, order.situation.now)
    text = f"{order.actor} resolved the incident: {reason}"
    answer = _closed(order, policy, resolved, "resolved", text)
    conclude(order, policy, resolved, text)
    cause = f"event:{order.event_id}"
    ask_for_postmortem(order.consequences, order.situation, policy, resolved, cause=cause)
    return answer


def endorse(order: Order) -> Answer:
    """Accept the restored state as stable: one all-clear to every audience. A halt of its service stays."""
    incident, policy, reason = _incident(order)
    check_endorse(order.command.actor, policy)
    now = order.situation.now
    endorsed = incident.moved(IncidentEvent.ENDORSE, now)
    check_stable(order.situation.tx, policy, incident, now)
    order.situation.tx.retell(now, ("endorsement_wanted",), incident_id=incident.id)
    text = f"{order.actor} accepts the restored state: {reason}"
    return _closed(
        order,
        policy,
        endorsed,
        "endorsed",
        text,
        duration_seconds=round((now - incident.opened_at).total_seconds()),
        remaining=[item_facts(one, now) for one in promises(order.situation.tx.minutes(incident.id))],
        halted=order.situation.services[incident.service].is_halted,
    )


def _incident(order: Order) -> tuple[Incident, Policy, str]:
    incident = order.situation.tx.incident(order.command.subject)
    if incident is None:
        raise NotFound(f"No incident {order.command.subject!r}")
    if not incident.is_open:
        raise BadInput(f"Incident {incident.id} is resolved already")
    return incident, order.configuration.policy(incident.service), order.reason()


def _closed(order: Order, policy: Policy, incident: Incident, name: str, text: str, **facts: Any) -> Answer:
    order.situation.put_incident(incident)
    order.consequences.write(order.situation, incident, name, text, actor=order.actor)
    order.consequences.tell(
        order.situation,
        name,
        policy,
        incident,
        cause=f"event:{order.event_id}",
        reason=order.command.reason,
        by=order.actor,
        **facts,
    )
    answer = Answer(Verdict.ORDER, f"{text}.", incident.service, incident.environment)
    return replace(answer, incident_ids=(incident.id,))


RUN_ORDERS: Mapping[Word, Callable[[Order], Answer]] = {
    Word.APPROVE: approve,
    Word.REJECT: reject,
    Word.CANCEL: cancel,
    Word.RETRY: retry,
    Word.DONE: done,
    Word.UNDO: undo,
    Word.TAKE_OVER: take_over,
    Word.RESOLVE: resolve,
    Word.ENDORSE: endorse,
}
