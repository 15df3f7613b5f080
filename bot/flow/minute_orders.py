"""Orders about what people decide, promise and ask: recorded once, said back exactly, changed with their history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.decisions import Verdict
from bot.domain.errors import BadInput, Refused
from bot.domain.incidents import Incident
from bot.domain.minutes import Minute, MinuteKind, MinuteStatus, first_reminder
from bot.domain.policies import Policy
from bot.domain.times import spoken_time
from bot.domain.words import Word
from bot.flow.deadlines import Deadline, deadline_of, moment_of, zone_of
from bot.flow.items import LABELS, quoted
from bot.flow.minute_details import (
    ActionDetails,
    AmendDetails,
    AnswerDetails,
    DecideDetails,
    FinishDetails,
    NoDetails,
    QuestionDetails,
    ReassignDetails,
    Saying,
    SnoozeDetails,
    details_of,
)
from bot.flow.order import Answer, Order
from bot.flow.owners import Owner, owner_of
from bot.flow.recording import answer_about, change_minute, incident_of, known_key, minute_of, record_minute

UNDATED = timedelta(days=1)
"""After so long somebody is asked about what has no date."""

_CORRECT = "If that is not right, correct or withdraw it."


def decide(order: Order) -> Answer:
    """Record a decision: what, out of which options, why, by whom."""
    said = details_of(order.command, DecideDetails)
    incident, policy = incident_of(order)
    decider = owner_of(said.decider or order.actor, order.command.actor, policy)
    minute = replace(
        _new(order, incident, MinuteKind.DECISION, said),
        by=decider.name or order.actor,
        options=said.options,
        answer=said.choice,
        reason=said.reason,
    )
    why = f" Because: {quoted(minute.reason)}." if minute.reason else ""
    return _record(order, incident, policy, said, minute, f"Decided by {decider.spoken()}.{why}")


def action(order: Order) -> Answer:
    """Record an action item; its owner and the exact time are said back."""
    said = details_of(order.command, ActionDetails)
    incident, policy = incident_of(order)
    now = order.situation.now
    owner = owner_of(said.owner, order.command.actor, policy)
    deadline = deadline_of(said.due_at, said.due_text, zone_of(policy, said.zone), now)
    minute = _owned(_new(order, incident, MinuteKind.ACTION_ITEM, said), owner, deadline, now)
    return _record(order, incident, policy, said, minute, f"Owner: {owner.spoken()}. {deadline.spoken(now)}")


def question(order: Order) -> Answer:
    """Record a question; it is open until somebody answers."""
    said = details_of(order.command, QuestionDetails)
    incident, policy = incident_of(order)
    now = order.situation.now
    owner = owner_of(said.owner, order.command.actor, policy)
    deadline = deadline_of(said.due_at, said.due_text, zone_of(policy, said.zone), now)
    minute = _owned(_new(order, incident, MinuteKind.QUESTION, said), owner, deadline, now)
    due = f" {deadline.spoken(now)}" if deadline.text or deadline.at else ""
    return _record(order, incident, policy, said, minute, f"To be answered by {owner.spoken()}.{due}")


def _new(order: Order, incident: Incident, kind: MinuteKind, said: Saying) -> Minute:
    status = MinuteStatus.DONE if kind is MinuteKind.DECISION else MinuteStatus.OPEN
    source: dict[str, Any] = {**said.source.as_kept(), "event": order.event_id}
    if said.why_uncertain:
        source["why_uncertain"] = said.why_uncertain
    return Minute(
        id=order.ids.new("min"),
        incident_id=incident.id,
        service=incident.service,
        kind=kind,
        status=status if said.certain else MinuteStatus.SUGGESTED,
        text=said.text,
        by=order.actor,
        at=order.situation.now,
        evidence=said.evidence,
        source=source,
    )


def _owned(minute: Minute, owner: Owner, deadline: Deadline, now: datetime) -> Minute:
    owned = replace(minute, owner=owner.name, due_at=deadline.at, due_text=deadline.text)
    return replace(owned, remind_at=next_reminder(owned, now))


def next_reminder(minute: Minute, now: datetime) -> datetime | None:
    """When its owner hears of it first: before it is due, or a day later. A question without a date waits quietly."""
    if not minute.is_open or minute.kind is MinuteKind.DECISION:
        return None
    if minute.due_at is not None:
        return first_reminder(minute.due_at, now)
    return now + UNDATED if minute.kind is MinuteKind.ACTION_ITEM else None


def _record(order: Order, incident: Incident, policy: Policy, said: Saying, minute: Minute, echo: str) -> Answer:
    key, before = known_key(order, incident, said.source_key)
    label = LABELS[minute.kind]
    if before is not None:
        return answer_about(before, f"{label} {before.id} was recorded from there already.", Verdict.NO_OP)
    minute = record_minute(order, incident, policy, replace(minute, source_key=key))
    heard = "recorded" if said.certain else "heard, but not for certain: it counts once somebody confirms it"
    message = f"{label} {minute.id} {heard}: {quoted(minute.text)}. {echo} {_CORRECT}"
    return answer_about(minute, message, environment=incident.environment)


def answer(order: Order) -> Answer:
    """Answer a question. A better answer replaces the first one, which stays in the history."""
    said = details_of(order.command, AnswerDetails)
    before, *_ = minute_of(order)
    _check_kind(before, MinuteKind.QUESTION, "answered", "use `andon item done` for an action item")
    after = before.ended(MinuteStatus.DONE, order.situation.now, answer=said.text, answered_by=order.actor)
    if (before.status, before.answer) == (MinuteStatus.DONE, said.text):
        after = before
    text = f"{order.actor} answered {quoted(before.text)}: {quoted(said.text)}"
    return change_minute(order, before, after, "answered", text)


def finish(order: Order) -> Answer:
    """Say that an action item is done; nobody is reminded of it any more."""
    said = details_of(order.command, FinishDetails)
    before, *_ = minute_of(order)
    _check_kind(before, MinuteKind.ACTION_ITEM, "done", "answer a question, or withdraw a decision")
    if before.status is MinuteStatus.DONE:
        by = before.answered_by or before.by
        return answer_about(before, f"Action item {before.id} was done already, by {by}.", Verdict.NO_OP)
    after = before.ended(MinuteStatus.DONE, order.situation.now, answer=said.text, answered_by=order.actor)
    how = f": {quoted(said.text)}" if said.text else ""
    return change_minute(order, before, after, "done", f"{order.actor} did {quoted(before.text)}{how}")


def snooze(order: Order) -> Answer:
    """Put a reminder off; what is due stays due."""
    said = details_of(order.command, SnoozeDetails)
    before, _, policy = minute_of(order)
    _check_open(before)
    zone, now = zone_of(policy, said.zone), order.situation.now
    if (said.for_ is None) == (not said.until):
        raise BadInput("Until when?", next="give either `until`, a time, or `for`, a span like 2h")
    until = now + said.for_ if said.for_ is not None else moment_of(said.until, zone, now)
    text = f"{order.actor} put the reminder of {quoted(before.text)} off until {spoken_time(until, zone)}"
    return change_minute(order, before, before.changed(remind_at=until), "snoozed", text)


def reassign(order: Order) -> Answer:
    """Give it to somebody else, who hears of it at once."""
    said = details_of(order.command, ReassignDetails)
    before, _, policy = minute_of(order)
    if before.kind is MinuteKind.DECISION:
        raise BadInput("A decision has no owner", next="record an action item for whoever carries it out")
    owner = owner_of(said.owner, order.command.actor, policy)
    remind_at = order.situation.now if before.is_open and owner.name != order.actor else before.remind_at
    after = before.changed(owner=owner.name, remind_at=remind_at, reminders=0)
    if owner.name == before.owner:
        after = before
    text = f"{order.actor} gave {quoted(before.text)} to {owner.spoken()}"
    return change_minute(order, before, after, "reassigned", text)


def amend(order: Order) -> Answer:
    """Correct what was recorded, with what it was before in its history."""
    said = details_of(order.command, AmendDetails)
    before, _, policy = minute_of(order)
    given = said.model_fields_set - {"zone"}
    if not given:
        raise BadInput("Nothing to correct was given", next="give text, owner, due_at, due_text, options or reason")
    after, notes = replace(before, **_reworded(said, before)), []
    if "owner" in given:
        owner = owner_of(said.owner or "", order.command.actor, policy)
        after, notes = replace(after, owner=owner.name), [f"Owner: {owner.spoken()}."]
    if given & {"due_at", "due_text"}:
        deadline = deadline_of(said.due_at, said.due_text, zone_of(policy, said.zone), order.situation.now)
        moved = replace(after, due_at=deadline.at, due_text=deadline.text, reminders=0)
        after = replace(moved, remind_at=next_reminder(moved, order.situation.now))
        notes.append(deadline.spoken(order.situation.now))
    if after != before:
        after = before.changed(**{name: getattr(after, name) for name in _AMENDED})
    text = (
        f"{order.actor} corrected {LABELS[before.kind].lower()} {quoted(before.text)}: it is {quoted(after.text)} now"
    )
    return change_minute(order, before, after, "amended", text, next_step=" ".join(notes))


_AMENDED = ("text", "evidence", "reason", "answer", "options", "owner", "due_at", "due_text", "remind_at", "reminders")


def _reworded(said: AmendDetails, before: Minute) -> dict[str, Any]:
    """The texts that are said anew; null takes one away, but not the text itself."""
    given = said.model_fields_set
    if "text" in given and said.text is None:
        raise BadInput("The text cannot be taken away", next="withdraw the whole item instead")
    if given & {"choice", "options"}:
        _check_kind(before, MinuteKind.DECISION, "given options or a choice", "only a decision has them")
    values = {
        "text": said.text,
        "evidence": said.evidence,
        "reason": said.reason or "",
        "answer": said.choice or "",
        "options": said.options or (),
    }
    named = {"choice" if name == "answer" else name: name for name in values}
    return {name: values[name] for spoken, name in named.items() if spoken in given}


def withdraw(order: Order) -> Answer:
    """Take it back: it counts for nothing, and stays in the history with who took it back."""
    details_of(order.command, NoDetails)
    before, *_ = minute_of(order)
    label = LABELS[before.kind]
    if before.status is MinuteStatus.WITHDRAWN:
        return answer_about(before, f"{label} {before.id} was withdrawn already.", Verdict.NO_OP)
    after = before.ended(MinuteStatus.WITHDRAWN, order.situation.now)
    verb = "dismissed" if before.status is MinuteStatus.SUGGESTED else "withdrew"
    reason = f" ({order.command.reason.strip()})" if order.command.reason.strip() else ""
    text = f"{order.actor} {verb} {label.lower()} {quoted(before.text)}{reason}"
    return change_minute(order, before, after, "withdrawn", text)


def confirm(order: Order) -> Answer:
    """What was only heard counts from now on."""
    details_of(order.command, NoDetails)
    before, *_ = minute_of(order)
    label, now = LABELS[before.kind], order.situation.now
    if before.status in (MinuteStatus.OPEN, MinuteStatus.DONE):
        return answer_about(before, f"{label} {before.id} counts already.", Verdict.NO_OP)
    status = MinuteStatus.DONE if before.kind is MinuteKind.DECISION else MinuteStatus.OPEN
    after = before.changed(status=status)
    after = replace(after, remind_at=next_reminder(after, now))
    owner = f" Owner: {after.owner}." if after.owner else ""
    due = f" Due {spoken_time(after.due_at)}." if after.due_at else ""
    text = f"{order.actor} confirmed {label.lower()} {quoted(before.text)}"
    return change_minute(order, before, after, "confirmed", text, next_step=f"{owner}{due}".strip())


def _check_kind(minute: Minute, kind: MinuteKind, verb: str, next_step: str) -> None:
    if minute.kind is not kind:
        raise BadInput(f"{LABELS[minute.kind]} {minute.id} cannot be {verb}", next=next_step)


def _check_open(minute: Minute) -> None:
    if not minute.is_open:
        why = "it counts once somebody confirms it" if minute.status is MinuteStatus.SUGGESTED else "nobody is reminded"
        raise Refused(f"{LABELS[minute.kind]} {minute.id} is {minute.status}", why=why)


MINUTE_ORDERS: Mapping[Word, Callable[[Order], Answer]] = {
    Word.DECIDE: decide,
    Word.ACTION: action,
    Word.QUESTION: question,
    Word.ANSWER: answer,
    Word.FINISH: finish,
    Word.SNOOZE: snooze,
    Word.REASSIGN: reassign,
    Word.AMEND: amend,
    Word.WITHDRAW: withdraw,
    Word.CONFIRM: confirm,
}
