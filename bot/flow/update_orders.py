"""The order `update`: what a person says about an incident, looked through for blame and overclaiming, to everybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.domain.cadence import next_update
from bot.domain.decisions import Verdict
from bot.domain.errors import BadInput, Refused
from bot.domain.incidents import Incident
from bot.domain.policies import Policy
from bot.domain.times import format_time
from bot.domain.wording import findings
from bot.domain.words import Word
from bot.flow.order import Answer, Order

_MOST = 3000
WANTED = "update_wanted"


def update(order: Order) -> Answer:
    """Tell every audience. `text`, or `draft` for the one that was shown; `anyway` for words that fault was found in.

    Whoever writes need not own it; what was due is done by it, and the next is due a pause from now."""
    incident = order.subject_incident()
    policy = order.configuration.policy(incident.service)
    text = _text(order, incident)
    if not order.command.details.get("anyway"):
        _check_words(text, policy)
    now = order.situation.now
    told = incident.due_next(next_update(policy, incident, now)).with_fact()
    order.situation.put_incident(told)
    order.situation.tx.retell(now, (WANTED,), incident_id=incident.id)
    order.consequences.write(order.situation, told, "update", text, actor=order.actor, data={"measured": False})
    next_at = format_time(told.update_due_at) if told.update_due_at else ""
    order.consequences.tell(
        order.situation,
        "update",
        policy,
        told,
        cause=f"event:{order.event_id}",
        text=text,
        by=order.actor,
        measured=False,
        next_at=next_at,
    )
    after = f" The next update is due at {told.update_due_at:%H:%M} UTC." if told.update_due_at else ""
    message = f"The update goes to {', '.join(policy.told(told.severity))}.{after}"
    return Answer(Verdict.ORDER, message, incident.service, incident.environment, (incident.id,))


def _text(order: Order, incident: Incident) -> str:
    details = order.command.details
    draft = str(details.get("draft") or "")
    text = _drafted(order, incident, draft) if draft else str(details.get("text") or order.command.reason).strip()
    if not text:
        raise BadInput("What is the update?", next="write one or two sentences")
    if len(text) > _MOST:
        raise BadInput(f"An update has at most {_MOST} characters", why=f"this one has {len(text)}", next="shorten it")
    return text


def _drafted(order: Order, incident: Incident, draft: str) -> str:
    """The draft exactly as it was shown; refused once an update went out, because it would repeat old news."""
    shown = [one for one in order.situation.tx.notices(incident_id=incident.id, limit=10_000) if one.name == WANTED]
    found = next((one for one in reversed(shown) if one.facts.get("draft_id") == draft), None)
    asked_at = incident.update_asked_at
    if found is None or asked_at is None or format_time(asked_at) != draft:
        raise Refused(
            "This draft is not the newest", why="an update went out since it was written", next="write an update"
        )
    return str(found.facts["draft"])


def _check_words(text: str, policy: Policy) -> None:
    found = findings(text, [*policy.persons])
    if found:
        said = "; ".join(f"{one.said!r} ({one.why}): {one.better}" for one in found[:3])
        raise Refused("The update was not sent", why=said, next="put it otherwise, or say it again with 'anyway'")


UPDATE_ORDERS: Mapping[Word, Callable[[Order], Answer]] = {Word.UPDATE: update}
