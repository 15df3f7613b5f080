"""The smaller forms: what each asks, and the order that its answers come down to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.button_values import write_value
from bot.domain.chat import Form, Give
from bot.domain.drills import Drill
from bot.domain.errors import NotFound
from bot.domain.incidents import Incident
from bot.domain.minutes import Minute, MinuteKind
from bot.domain.people import is_slack_person
from bot.domain.words import Word
from bot.ports import Transaction
from bot.slack.forms.inputs import Block, modal, note, person_input, text_input
from bot.slack.forms.sending import Sent
from handlers.commands.update import ANYWAY

INCIDENT, MINUTE, DRILL = "incident", "minute", "drill"
TEXT, OWNER, DUE, REASON, OPTIONS, EVIDENCE, UNTIL = "text", "owner", "due", "reason", "options", "evidence", "until"
AT = "at"
_DUE_HINT = "as you would say it: tomorrow noon, by Friday, in 2 h, 2026-12-01 10:00; your own time zone"

Read = Callable[[Transaction, str, str], dict[str, Any]]
Order = Callable[[Sent], Give]


@dataclass(frozen=True)
class FormKind:
    """One form: `build` makes its view of a record's id and what is filled in already."""

    build: Read
    order: Order
    field: str = TEXT
    """Where a sentence about the whole stands."""


def decision(tx: Transaction, incident_id: str, text: str) -> dict[str, Any]:
    """What was decided."""
    incident = _incident(tx, incident_id)
    blocks = [
        _about(incident),
        text_input(TEXT, "Decision", initial=text, is_needed=True, is_long=True),
        text_input(OPTIONS, "Options", hint="one a line", is_long=True),
        text_input(REASON, "Why", is_long=True),
        person_input("decider", "Who decided", hint="you, where it is left empty"),
        text_input(EVIDENCE, "Evidence", placeholder="https://…", hint="one link"),
    ]
    return modal(Form.DECISION, "Record a decision", write_value({INCIDENT: incident.id}), blocks)


def decide(sent: Sent) -> Give:
    """The order of a decision's form."""
    options = [line.strip() for line in sent.values.get(OPTIONS, "").splitlines() if line.strip()]
    return Give(
        Word.DECIDE,
        sent.about(INCIDENT),
        details=_given(sent, TEXT, REASON, "decider", EVIDENCE) | ({"options": options} if options else {}),
    )


def action_item(tx: Transaction, incident_id: str, text: str) -> dict[str, Any]:
    """What is to be done, by whom, by when."""
    incident = _incident(tx, incident_id)
    blocks = [
        _about(incident),
        text_input(TEXT, "What is to be done", initial=text, is_needed=True, is_long=True),
        person_input(OWNER, "Who does it"),
        text_input(DUE, "By when", hint=_DUE_HINT),
    ]
    return modal(Form.ACTION_ITEM, "Record an action item", write_value({INCIDENT: incident.id}), blocks)


def act(sent: Sent) -> Give:
    """The order of an action item's form."""
    return Give(Word.ACTION, sent.about(INCIDENT), details=_given(sent, TEXT, OWNER) | _due(sent))


def update(tx: Transaction, incident_id: str, text: str) -> dict[str, Any]:
    """How things stand, for every audience."""
    incident = _incident(tx, incident_id)
    hint = f"it goes to every audience at once; begin with `{ANYWAY}` where the words are to stay as they are"
    blocks = [_about(incident), text_input(TEXT, "Update", initial=text, hint=hint, is_needed=True, is_long=True)]
    return modal(Form.UPDATE, "Update", write_value({INCIDENT: incident.id}), blocks, submit="Send")


def tell(sent: Sent) -> Give:
    """The order of an update's form."""
    text = sent.values.get(TEXT, "")
    first, _, rest = text.partition(" ")
    if first.lower().rstrip(":") == ANYWAY:
        return Give(Word.UPDATE, sent.about(INCIDENT), details={"text": rest.strip(), "anyway": True})
    return Give(Word.UPDATE, sent.about(INCIDENT), details={"text": text})


def handover(tx: Transaction, incident_id: str, _text: str) -> dict[str, Any]:
    """Who takes it over."""
    incident = _incident(tx, incident_id)
    blocks = [
        _about(incident),
        person_input("to", "Who takes it over", hint="it counts once they accept", is_needed=True),
        text_input(REASON, "Why", is_long=True),
    ]
    return modal(Form.HANDOVER, "Hand over", write_value({INCIDENT: incident.id}), blocks, submit="Offer")


def hand_over(sent: Sent) -> Give:
    """The order of a handover's form."""
    return Give(Word.HANDOVER, sent.about(INCIDENT), sent.values.get(REASON, ""), details=_given(sent, "to"))


def notes(tx: Transaction, incident_id: str, text: str) -> dict[str, Any]:
    """Notes or a transcript, pasted."""
    incident = _incident(tx, incident_id)
    hint = "text, Markdown, WebVTT or SRT; for a file of any length: `/andon notes` with the link to it in Slack"
    blocks = [_about(incident), text_input(TEXT, "Notes", initial=text, hint=hint, is_needed=True, is_long=True)]
    return modal(Form.NOTES, "Notes of the meeting", write_value({INCIDENT: incident.id}), blocks)


def give_notes(sent: Sent) -> Give:
    """The order of the notes' form."""
    return Give(Word.NOTES, sent.about(INCIDENT), details=_given(sent, TEXT))


def answer(tx: Transaction, minute_id: str, _text: str) -> dict[str, Any]:
    """The answer to a question."""
    minute = _minute(tx, minute_id)
    blocks = [
        note(minute.text),
        text_input(TEXT, "Answer", initial=minute.answer, is_needed=True, is_long=True),
    ]
    return modal(Form.ANSWER, "Answer", write_value({MINUTE: minute.id}), blocks)


def give_answer(sent: Sent) -> Give:
    """The order of an answer's form."""
    return Give(Word.ANSWER, sent.about(MINUTE), details=_given(sent, TEXT))


def amend(tx: Transaction, minute_id: str, _text: str) -> dict[str, Any]:
    """What was recorded, to be corrected."""
    minute = _minute(tx, minute_id)
    blocks = [text_input(TEXT, "Text", initial=minute.text, is_needed=True, is_long=True)]
    if minute.kind is MinuteKind.DECISION:
        blocks.append(text_input(REASON, "Why", initial=minute.reason, is_long=True))
    else:
        owner = minute.owner if minute.owner and is_slack_person(minute.owner) else ""
        hint = f"now: {minute.due_at:%Y-%m-%d %H:%M} UTC; {_DUE_HINT}" if minute.due_at else _DUE_HINT
        blocks += [person_input(OWNER, "Who does it", initial=owner), text_input(DUE, "By when", hint=hint)]
    return modal(Form.AMEND, "Correct it", write_value({MINUTE: minute.id}), blocks)


def correct(sent: Sent) -> Give:
    """The order of a correction's form: what is left empty stays."""
    return Give(Word.AMEND, sent.about(MINUTE), details=_given(sent, TEXT, REASON, OWNER) | _due(sent))


def snooze(tx: Transaction, minute_id: str, _text: str) -> dict[str, Any]:
    """Until when nobody is reminded."""
    minute = _minute(tx, minute_id)
    blocks = [
        note(minute.text),
        text_input(UNTIL, "Remind me", placeholder="tomorrow 9:00", hint=_DUE_HINT, is_needed=True),
    ]
    return modal(Form.SNOOZE, "Snooze", write_value({MINUTE: minute.id}), blocks)


def put_off(sent: Sent) -> Give:
    """The order of a snooze's form."""
    return Give(Word.SNOOZE, sent.about(MINUTE), details=_given(sent, UNTIL) | {"zone": sent.visitor.zone})


def reassign(tx: Transaction, minute_id: str, _text: str) -> dict[str, Any]:
    """Who does it from now on."""
    minute = _minute(tx, minute_id)
    blocks: list[Block] = [note(minute.text), person_input(OWNER, "Who does it", is_needed=True)]
    return modal(Form.REASSIGN, "Reassign", write_value({MINUTE: minute.id}), blocks)


def give_to(sent: Sent) -> Give:
    """The order of a reassignment's form."""
    return Give(Word.REASSIGN, sent.about(MINUTE), details=_given(sent, OWNER))


def skip_drill(tx: Transaction, drill_id: str, _text: str) -> dict[str, Any]:
    """Why a drill is left out."""
    drill = _drill(tx, drill_id)
    blocks = [_planned(drill), text_input(REASON, "Why is it left out?", is_needed=True, is_long=True)]
    return modal(Form.SKIP_DRILL, "Skip the drill", write_value({DRILL: drill.id}), blocks, submit="Skip it")


def leave_out(sent: Sent) -> Give:
    """The order of that form."""
    return Give(Word.SKIP_DRILL, sent.about(DRILL), sent.values.get(REASON, ""))


def move_drill(tx: Transaction, drill_id: str, _text: str) -> dict[str, Any]:
    """When a drill is to start instead."""
    drill = _drill(tx, drill_id)
    blocks = [
        _planned(drill),
        text_input(
            AT, "Start it", placeholder="tomorrow 9:00", hint=f"{_DUE_HINT}; before the next one", is_needed=True
        ),
    ]
    return modal(Form.MOVE_DRILL, "Move the drill", write_value({DRILL: drill.id}), blocks, submit="Move it")


def put_elsewhere(sent: Sent) -> Give:
    """The order of that form."""
    return Give(Word.MOVE_DRILL, sent.about(DRILL), details=_given(sent, AT) | {"zone": sent.visitor.zone})


KINDS: Mapping[Form, FormKind] = {
    Form.DECISION: FormKind(decision, decide),
    Form.ACTION_ITEM: FormKind(action_item, act),
    Form.UPDATE: FormKind(update, tell),
    Form.HANDOVER: FormKind(handover, hand_over, "to"),
    Form.NOTES: FormKind(notes, give_notes),
    Form.ANSWER: FormKind(answer, give_answer),
    Form.AMEND: FormKind(amend, correct),
    Form.SNOOZE: FormKind(snooze, put_off, UNTIL),
    Form.REASSIGN: FormKind(reassign, give_to, OWNER),
    Form.SKIP_DRILL: FormKind(skip_drill, leave_out, REASON),
    Form.MOVE_DRILL: FormKind(move_drill, put_elsewhere, AT),
}
"""Every form but the halt report."""


def _given(sent: Sent, *names: str) -> dict[str, Any]:
    return {name: sent.values[name] for name in names if sent.values.get(name)}


def _due(sent: Sent) -> dict[str, Any]:
    return {"due_text": sent.values[DUE], "zone": sent.visitor.zone} if sent.values.get(DUE) else {}


def _about(incident: Incident) -> Block:
    return note(f"{incident.service}, {incident.environment}: {incident.title[:300]}")


def _planned(drill: Drill) -> Block:
    return note(
        f"{drill.playbook} for {drill.service} in {drill.environment}, planned for {drill.due_at:%Y-%m-%d %H:%M} UTC"
    )


def _drill(tx: Transaction, drill_id: str) -> Drill:
    found = tx.drill(drill_id)
    if found is None:
        raise NotFound(f"There is no drill {drill_id!r}")
    return found


def _incident(tx: Transaction, incident_id: str) -> Incident:
    found = tx.incident(incident_id)
    if found is None:
        raise NotFound(f"No incident {incident_id!r}", next="`/andon status` shows what there is")
    return found


def _minute(tx: Transaction, minute_id: str) -> Minute:
    found = tx.minute(minute_id)
    if found is None:
        raise NotFound(f"There is no item {minute_id!r}")
    return found
