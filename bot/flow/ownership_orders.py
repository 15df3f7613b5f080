"""Who answers for an incident: taking it, handing it over with a card, accepting it, and looking at a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bot.domain.decisions import Verdict
from bot.domain.errors import BadInput, NotFound, Refused
from bot.domain.events import ANDON, Origin, Role
from bot.domain.incidents import Incident
from bot.domain.minutes import Minute
from bot.domain.people import is_slack_group
from bot.domain.permits import CHAMPION, holds
from bot.domain.policies import ROLLBACK_AUTHORITY, Policy
from bot.domain.records import Approval
from bot.domain.runs import Run
from bot.domain.times import format_time
from bot.domain.words import Word
from bot.flow import offers
from bot.flow.items import LABELS, promises
from bot.flow.levels import answer_levels
from bot.flow.order import Answer, Order
from bot.flow.owners import named_in, owner_of

_MOST_NAME = 200


def take(order: Order) -> Answer:
    """Answer for an incident from now on. Whoever was called about it is answered for too."""
    incident = order.subject_incident()
    policy = order.configuration.policy(incident.service)
    answered = _answer_calls(order, incident)
    if incident.owner and policy.person(incident.owner) == policy.person(order.actor):
        after = " The calls about it are answered." if answered else ""
        return _answer(incident, Verdict.NO_OP, f"{order.actor} owns incident {incident.id} already.{after}")
    before = f", after {incident.owner}" if incident.owner else ""
    text = f"{order.actor} took the incident{before}"
    _owned(order, policy, incident, text)
    message = f"{text}. Reminders and the updates that are due come to {order.actor} now."
    return _answer(incident, Verdict.ORDER, message)


def handover(order: Order) -> Answer:
    """Ask somebody to take it over, with a card of how things stand; it counts once that person accepts."""
    incident = order.subject_incident()
    policy = order.configuration.policy(incident.service)
    _check_may_hand_over(order, policy, incident)
    to = _person_named(order, policy)
    if incident.owner and policy.person(to) == policy.person(incident.owner):
        raise Refused(f"{to} owns incident {incident.id} already")
    offered = incident.offered(to)
    order.situation.put_incident(offered)
    text = f"{order.actor} offers the incident to {to}"
    order.consequences.write(order.situation, offered, "owner", text, actor=order.actor, data={"to": to})
    card = _card(order, policy, offered, to)
    about = order.consequences.about(
        order.situation, "handover_offered", policy, offered, cause=f"event:{order.event_id}", **card
    )
    teller = order.consequences.teller
    order.situation.tell([*teller.to_people(about, [to]), *teller.in_chat(about)])
    owner = incident.owner or "nobody"
    return _answer(offered, Verdict.ORDER, f"{text}. Until {to} accepts, {owner} owns it.")


def accept(order: Order) -> Answer:
    """Say yes to a handover: only the person whom it was offered to."""
    incident = order.subject_incident()
    policy = order.configuration.policy(incident.service)
    if incident.offered_to is None:
        raise Refused(
            f"Incident {incident.id} was not offered to anybody",
            why=f"{incident.owner or 'nobody'} owns it",
            next="`andon take` takes it",
        )
    if policy.person(incident.offered_to) != policy.person(order.actor):
        raise Refused(
            f"Incident {incident.id} was offered to {incident.offered_to}, not to {order.actor}",
            next="`andon take` takes it at once",
        )
    _answer_calls(order, incident)
    before = f" from {incident.owner}" if incident.owner else ""
    text = f"{order.actor} took the incident over{before}"
    _owned(order, policy, incident, text)
    return _answer(incident, Verdict.ORDER, f"{text}. What was promised is {order.actor}'s to keep now.")


def acknowledge(order: Order) -> Answer:
    """Say that one looks at a question, so that nobody else is called; its answer is still to be given."""
    tx, now = order.situation.tx, order.situation.now
    level = tx.escalation(order.command.subject)
    if level is None:
        raise NotFound(f"No escalation {order.command.subject!r}")
    if not level.is_open:
        by = f" by {level.acknowledged_by}" if level.acknowledged_by else ""
        raise Refused(f"This call was answered{by}" if by else "This call is over", next="look at the incident's page")
    answer_levels(tx, level.run_id, order.actor, now)
    incident = tx.incident(level.incident_id)
    if incident is None:
        raise NotFound(f"No incident {level.incident_id!r}")
    text = f"{order.actor} looks at it; nobody else is called"
    order.consequences.write(order.situation, incident, "escalation", text, actor=order.actor, run_id=level.run_id)
    answer = _answer(incident, Verdict.ORDER, f"{text}. The question is still to be answered.")
    return replace(answer, run_ids=(level.run_id,), record_ids=(level.id,))


def owned_by_halter(order: Order, policy: Policy, incident: Incident) -> Incident:
    """After a halt: who halts owns the incident where nobody does, and people hear of it at the policy's cadence."""
    if incident.owner is None and order.command.actor != ANDON:
        incident = incident.owned_by(order.actor)
        text = f"{order.actor} halted it and owns the incident"
        order.consequences.write(order.situation, incident, "owner", text, actor=order.actor)
    return order.consequences.promise_updates(order.situation, policy, incident)


def _owned(order: Order, policy: Policy, incident: Incident, text: str) -> None:
    owned = incident.owned_by(order.actor)
    order.situation.put_incident(owned)
    data: dict[str, object] = {"before": incident.owner, "after": order.actor}
    order.consequences.write(order.situation, owned, "owner", text, actor=order.actor, data=data)
    order.situation.tx.retell(order.situation.now, ("handover_offered", "halted"), incident_id=incident.id)
    facts: dict[str, Any] = {"by": order.actor, "owner": order.actor, "before": incident.owner or ""}
    order.consequences.tell(order.situation, "owner_changed", policy, owned, cause=f"event:{order.event_id}", **facts)


def _answer_calls(order: Order, incident: Incident) -> bool:
    run = order.situation.runs.get((incident.service, incident.environment))
    if run is None:
        return False
    answered = answer_levels(order.situation.tx, run.id, order.actor, order.situation.now)
    if answered:
        text = f"{order.actor} looks at it; nobody else is called"
        order.consequences.write(order.situation, incident, "escalation", text, actor=order.actor, run_id=run.id)
    return bool(answered)


def _check_may_hand_over(order: Order, policy: Policy, incident: Incident) -> None:
    actor = order.command.actor
    if incident.owner and policy.person(incident.owner) == policy.person(actor.name):
        return
    if actor.origin is Origin.TOKEN and actor.role is Role.ADMIN:
        return
    if not any(holds(actor, policy, role) for role in (CHAMPION, ROLLBACK_AUTHORITY)):
        raise Refused(
            f"{actor.name} may not hand over incident {incident.id}",
            why=f"{incident.owner or 'nobody'} owns it; besides, members of {CHAMPION} and {ROLLBACK_AUTHORITY} may",
            next="take it first",
        )


def _person_named(order: Order, policy: Policy) -> str:
    """Whom it is offered to: a person who can be told, never a whole group."""
    said = str(order.command.details.get("to") or "")[:_MOST_NAME]
    to = owner_of(said, order.command.actor, policy)
    if to.name is None:
        raise BadInput("Whom is it to be handed over to?", next="name one person")
    if is_slack_group(to.name):
        raise BadInput("An incident is handed over to one person", why="a group was named", next="name one of them")
    if not to.is_known:
        raise BadInput(
            f"Nobody is known as {to.name[:60]!r}",
            why="it is no Slack id, no mail address, and stands neither under roles nor under persons in the policy",
            next="mention the person, or use a name from the policy",
        )
    return to.name


def _card(order: Order, policy: Policy, incident: Incident, to: str) -> dict[str, Any]:
    """What somebody who takes it over has to know."""
    situation = order.situation
    run = situation.runs.get((incident.service, incident.environment))
    asked = [one for one in situation.tx.approvals(run.id) if one.is_open] if run else []
    due = incident.update_due_at
    promised = [_promise_line(one) for one in promises(situation.tx.minutes(incident.id))]
    if due:
        promised.append(f"The next update, at {due:%H:%M} UTC")
    return {
        "by": order.actor,
        "to": to,
        "runs": [_run_line(run)] if run else [],
        "approvals": [_approval_line(one) for one in asked],
        "promises": promised,
        "next_at": format_time(due) if due else "",
        "buttons": offers.for_handover(incident),
        "mentions": [to] if to in named_in(policy) else [],
    }


def _run_line(run: Run) -> str:
    error = f": {run.error}" if run.error else ""
    return f"{run.playbook.name} ({run.id}) is {run.status.replace('_', ' ')}{error}; deadline {run.deadline:%H:%M} UTC"


def _approval_line(approval: Approval) -> str:
    return f"{approval.role}: {approval.question} (until {approval.expires_at:%H:%M} UTC)"


def _promise_line(minute: Minute) -> str:
    due = f", due {minute.due_at:%d %b %H:%M} UTC" if minute.due_at else ""
    return f"{LABELS[minute.kind]}: {minute.text} ({minute.owner or 'nobody yet'}{due})"


def _answer(incident: Incident, verdict: Verdict, message: str) -> Answer:
    return Answer(verdict, message, incident.service, incident.environment, incident_ids=(incident.id,))


OWNERSHIP_ORDERS: Mapping[Word, Callable[[Order], Answer]] = {
    Word.TAKE: take,
    Word.HANDOVER: handover,
    Word.ACCEPT: accept,
    Word.ACKNOWLEDGE: acknowledge,
}
