"""Writes minutes down: the record, its history, a line on the timeline, and an echo where it was said."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.decisions import Verdict
from bot.domain.errors import NotFound
from bot.domain.incidents import Incident
from bot.domain.letters import Medium
from bot.domain.meetings import MeetingStatus
from bot.domain.minutes import Minute, MinuteChange, MinuteStatus
from bot.domain.policies import Policy
from bot.domain.records import Notice
from bot.domain.times import format_time
from bot.domain.ways import ENGINEERING
from bot.flow import offers
from bot.flow.freshening import ECHOES
from bot.flow.items import LABELS, item_facts
from bot.flow.order import Answer, Order
from bot.flow.owners import named_in
from bot.flow.telling import About

_KEPT = frozenset({"id", "incident_id", "service", "kind", "by", "at", "source_key", "meeting_id", "revision"})


def incident_of(order: Order) -> tuple[Incident, Policy]:
    """The incident that an order is about, open or not: people go on deciding after the end."""
    incident = order.situation.tx.incident(order.command.subject)
    if incident is None:
        raise NotFound(f"No incident {order.command.subject!r}", next="`andon incident list` shows what there is")
    place = (incident.service, incident.environment)
    current = order.situation.incidents.get(place)
    known = current if current is not None and current.id == incident.id else incident
    return known, order.configuration.policy(incident.service)


def minute_of(order: Order) -> tuple[Minute, Incident, Policy]:
    """The minute that an order is about, with its incident."""
    minute = order.situation.tx.minute(order.command.subject)
    incident = order.situation.tx.incident(minute.incident_id) if minute else None
    if minute is None or incident is None:
        raise NotFound(f"No item {order.command.subject!r}", next="`andon incident show` lists those of an incident")
    return minute, incident, order.configuration.policy(incident.service)


def known_key(order: Order, incident: Incident, key: str | None) -> tuple[str | None, Minute | None]:
    """The key to record under, and what this incident has under it. One message may be about two incidents."""
    if key is None:
        return None, None
    tx = order.situation.tx
    found = tx.minute_from(key)
    if found is None or found.incident_id == incident.id:
        return key, found
    own = f"{key}@{incident.id}"
    return own, tx.minute_from(own)


def record_minute(order: Order, incident: Incident, policy: Policy, minute: Minute, *, echo: bool = True) -> Minute:
    """Write a new minute down; it belongs to the meeting that is going on, unless it names another."""
    meeting = None if minute.meeting_id else order.situation.tx.open_meeting(incident.id)
    if meeting is not None and meeting.status is MeetingStatus.STARTED:
        minute = replace(minute, meeting_id=meeting.id)
    situation = order.situation
    change = MinuteChange(minute.id, situation.now, order.actor, "recorded", {}, _values(minute))
    situation.record(minute, change)
    label, owner = LABELS[minute.kind], f" ({minute.owner})" if minute.owner else ""
    heard = "" if minute.status is not MinuteStatus.SUGGESTED else "Heard, to be confirmed: "
    _write(order, incident, minute, str(minute.kind), f"{heard}{label}{owner}: {minute.text}", "recorded")
    if echo:
        echo_minute(order, incident, policy, minute)
    return minute


def echo_minute(order: Order, incident: Incident, policy: Policy, minute: Minute) -> None:
    """Say in the channel where it was said what was understood; what came another way and is certain needs none."""
    is_suggested = minute.status is MinuteStatus.SUGGESTED
    from_chat = minute.source.get("medium") == Medium.SLACK and minute.source.get("channel")
    if not from_chat and not is_suggested:
        return
    about = order.consequences.about(
        order.situation,
        ECHOES[1] if is_suggested else ECHOES[0],
        policy,
        incident,
        cause=f"minute:{minute.id}",
        item=item_facts(minute, order.situation.now),
        by=order.actor,
        buttons=offers.for_minute(minute),
        mentions=[minute.owner] if minute.owner in named_in(policy) else [],
    )
    teller = order.consequences.teller
    where = teller.in_channel(about, str(minute.source["channel"])) if from_chat else _among_engineers(order, about)
    order.situation.tell(where)


def _among_engineers(order: Order, about: About) -> list[Notice]:
    return order.consequences.teller.in_chat(about, (ENGINEERING,))


def change_minute(order: Order, before: Minute, after: Minute, what: str, text: str, *, next_step: str = "") -> Answer:
    """Save the next revision with what it was before; every echo of it is told anew in place."""
    old, new = _values(before), _values(after)
    changed = [key for key in new if new[key] != old[key]]
    incident = order.situation.tx.incident(before.incident_id)
    if not changed or incident is None:
        return answer_about(before, f"{LABELS[before.kind]} {before.id} is so already: nothing changed.", Verdict.NO_OP)
    now = order.situation.now
    change = MinuteChange(
        before.id, now, order.actor, what, {key: old[key] for key in changed}, {key: new[key] for key in changed}
    )
    order.situation.record(change)
    order.situation.keep(after)
    _write(order, incident, after, what, text, what)
    order.situation.tx.retell(now, ECHOES, incident_id=incident.id)
    return answer_about(after, f"{text}. {next_step}".strip(), environment=incident.environment)


def answer_about(
    minute: Minute, message: str, verdict: Verdict = Verdict.ORDER, environment: str | None = None
) -> Answer:
    """The answer to an order about one minute."""
    return Answer(
        verdict, message, minute.service, environment, incident_ids=(minute.incident_id,), record_ids=(minute.id,)
    )


def _write(order: Order, incident: Incident, minute: Minute, kind: str, text: str, what: str) -> None:
    link = minute.source.get("link")
    order.consequences.write(
        order.situation,
        incident,
        kind,
        text,
        actor=order.actor,
        link=str(link) if link else None,
        data={"minute": minute.id, "what": what, "source": dict(minute.source)},
    )


def _values(minute: Minute) -> dict[str, Any]:
    """What can change of a minute, as plain JSON."""
    return {one.name: _plain(getattr(minute, one.name)) for one in fields(minute) if one.name not in _KEPT}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, StrEnum):
        return str(value)
    return list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, dict) else value
