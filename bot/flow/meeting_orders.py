"""Orders about the meeting of an incident: propose or move, start, end, call off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import Field

from bot.domain.decisions import Verdict
from bot.domain.errors import Refused
from bot.domain.fields import Part
from bot.domain.incidents import Incident
from bot.domain.meetings import Meeting, MeetingStatus
from bot.domain.policies import Policy
from bot.domain.report import Link
from bot.domain.times import spoken_time
from bot.domain.words import Word
from bot.flow.deadlines import moment_of, zone_of
from bot.flow.gathering import Gathering, invited
from bot.flow.minute_details import NoDetails, Short, details_of
from bot.flow.order import Answer, Order
from bot.flow.owners import owner_of
from bot.flow.recording import incident_of
from bot.flow.summing_up import send_summary


class ProposeDetails(Part):
    """When it begins (RFC 3339 or people's words; left out: as soon as the policy says), and who else comes."""

    starts_at: Short = ""
    invitees: Annotated[tuple[Short, ...], Field(max_length=50, strict=False)] = ()
    link: Link | None = None
    zone: Short = ""


class StartDetails(Part):
    """Where it is held."""

    link: Link | None = None


def propose(order: Order) -> Answer:
    """Propose a meeting, or move the one that is proposed."""
    said = details_of(order.command, ProposeDetails)
    incident, policy, gathering = _gathering(order)
    if not incident.is_open:
        raise Refused(f"Incident {incident.id} is resolved", next="there is nothing to meet about any more")
    zone = zone_of(policy, said.zone)
    starts_at = moment_of(said.starts_at, zone, order.situation.now) if said.starts_at else None
    others = invited(policy, [owner_of(one, order.command.actor, policy).name or "" for one in said.invitees if one])
    before = order.situation.tx.open_meeting(incident.id)
    if before is None:
        made = gathering.propose(starts_at, others, said.link)
        return _answer(incident, made, f"Meeting proposed for {spoken_time(made.starts_at, zone)}. {_who(made)}")
    if starts_at is None or before.status is MeetingStatus.STARTED or starts_at == before.starts_at:
        when = spoken_time(before.starts_at, zone)
        message = f"A meeting is {before.status} already, for {when}. {_who(before)}"
        return _answer(incident, before, message, Verdict.NO_OP)
    moved = gathering.move(before, starts_at, others)
    return _answer(incident, moved, f"The meeting is moved to {spoken_time(starts_at, zone)}. {_who(moved)}")


def start(order: Order) -> Answer:
    """The meeting goes on; what is recorded from now on belongs to it."""
    said = details_of(order.command, StartDetails)
    incident, _, gathering = _gathering(order)
    before = order.situation.tx.open_meeting(incident.id)
    if before is not None and before.status is MeetingStatus.STARTED:
        message = f"The meeting goes on already, since {spoken_time(before.started_at or before.starts_at)}."
        return _answer(incident, before, message, Verdict.NO_OP)
    started = gathering.begin(before, said.link)
    return _answer(incident, started, f"The meeting goes on. {_HOW}")


_HOW = "Write `decision: …`, `action: @who what by when` or `question: …`; ending it sends the summary."


def end(order: Order) -> Answer:
    """The meeting is over: the summary goes out, without anyone writing it."""
    details_of(order.command, NoDetails)
    incident, policy, gathering = _gathering(order)
    ended = gathering.end(_open_one(order, incident))
    send_summary(order.consequences, order.situation, policy, incident, meeting=ended, cause=f"meeting:{ended.id}")
    return _answer(incident, ended, "The meeting is over. The summary is on its way to everybody concerned.")


def cancel(order: Order) -> Answer:
    """Call a proposed meeting off."""
    details_of(order.command, NoDetails)
    incident, _, gathering = _gathering(order)
    cancelled = gathering.call_off(_open_one(order, incident))
    return _answer(incident, cancelled, "The meeting is called off, and calendars are told.")


def conclude(order: Order, policy: Policy, incident: Incident, text: str) -> None:
    """With the end of an incident: a meeting that goes on is over, one that is only proposed is called off; summary."""
    gathering = Gathering(order.consequences, order.situation, policy, incident, f"event:{order.event_id}", order.actor)
    meeting = order.situation.tx.open_meeting(incident.id)
    ended = None
    if meeting is not None and meeting.status is MeetingStatus.STARTED:
        ended = gathering.end(meeting)
    elif meeting is not None:
        gathering.call_off(meeting)
    cause = f"event:{order.event_id}"
    last = f"{order.situation.now:%H:%M} UTC: {text}"
    send_summary(order.consequences, order.situation, policy, incident, meeting=ended, cause=cause, last=last)


def _gathering(order: Order) -> tuple[Incident, Policy, Gathering]:
    incident, policy = incident_of(order)
    cause = f"event:{order.event_id}"
    return incident, policy, Gathering(order.consequences, order.situation, policy, incident, cause, order.actor)


def _open_one(order: Order, incident: Incident) -> Meeting:
    found = order.situation.tx.open_meeting(incident.id)
    if found is None:
        raise Refused("No meeting is proposed or going on", next=f"`andon meeting start {incident.id}` starts one")
    return found


def _who(meeting: Meeting) -> str:
    if not meeting.invitees:
        return "Nobody is invited: the policy names nobody under meeting.invite."
    return f"Invited: {', '.join(meeting.invitees)}."


def _answer(incident: Incident, meeting: Meeting, message: str, verdict: Verdict = Verdict.ORDER) -> Answer:
    return Answer(
        verdict, message, incident.service, incident.environment, incident_ids=(incident.id,), record_ids=(meeting.id,)
    )


MEETING_ORDERS: Mapping[Word, Callable[[Order], Answer]] = {
    Word.MEETING_PROPOSE: propose,
    Word.MEETING_START: start,
    Word.MEETING_END: end,
    Word.MEETING_CANCEL: cancel,
}
