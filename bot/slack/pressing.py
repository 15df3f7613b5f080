"""Buttons and selects: the word and the value of each are read as if nobody had ever shown them."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.button_values import read_value
from bot.domain.chat import Form, Give, Open
from bot.domain.errors import AndonError, BadInput
from bot.domain.words import SUBJECT_OF, Subject, Word
from bot.slack.answers import Body, plainly
from bot.slack.desk import Desk
from bot.slack.forms.opening import Forms
from bot.slack.halting import Halting, HaltWish, carried
from bot.slack.payloads import Action, Press
from bot.slack.talking import Talking
from bot.slack.who import Visitor

_KEYS: Mapping[Subject, str] = {
    Subject.RUN: "run",
    Subject.INCIDENT: "incident",
    Subject.MINUTE: "minute",
    Subject.ESCALATION: "escalation",
    Subject.SERVICE: "service",
    Subject.RELEASE: "release",
    Subject.DRILL: "drill",
}
_BESIDES: Mapping[Word, frozenset[str]] = {
    Word.APPROVE: frozenset({"plan"}),
    Word.REJECT: frozenset({"plan"}),
    Word.UPDATE: frozenset({"draft", "edit"}),
    Word.SNOOZE: frozenset({"until"}),
    Word.REASSIGN: frozenset({"owner"}),
    Word.HALT: frozenset({"why"}),
    Word.SIGN: frozenset({"brief"}),
}
"""What a button may say besides what it is about."""

_NEEDED: Mapping[Word, str] = {Word.APPROVE: "plan", Word.SIGN: "brief"}
"""What has to stand on the button, because nobody may answer for something that was not shown."""

_ABOUT_RELEASES = frozenset({Word.SIGN, Word.RELEASE_ENDORSE})
"""What notices about releases offer; everything else about one has to be typed."""

_DETAILS = {"plan": "plan_hash", "draft": "draft", "until": "until", "owner": "owner", "brief": "brief"}
_FORMS: Mapping[Word, Form] = {
    Word.REPORT: Form.REPORT,
    Word.UPDATE: Form.UPDATE,
    Word.DECIDE: Form.DECISION,
    Word.ACTION: Form.ACTION_ITEM,
    Word.ANSWER: Form.ANSWER,
    Word.AMEND: Form.AMEND,
    Word.SNOOZE: Form.SNOOZE,
    Word.REASSIGN: Form.REASSIGN,
    Word.HANDOVER: Form.HANDOVER,
    Word.NOTES: Form.NOTES,
    Word.SKIP_DRILL: Form.SKIP_DRILL,
    Word.MOVE_DRILL: Form.MOVE_DRILL,
}
"""Words that need more than a press; those whose button says it all are given at once."""

_SAYS_IT_ALL: Mapping[Word, str] = {Word.UPDATE: "draft", Word.SNOOZE: "until", Word.REASSIGN: "owner"}
_BY_BUTTON = "by a button in Slack"


class Pressing:
    """Every press goes through the front door, or opens a form whose order does."""

    def __init__(self, desk: Desk, talking: Talking, halting: Halting, forms: Forms) -> None:
        self._desk = desk
        self._talking = talking
        self._halting = halting
        self._forms = forms

    def press(self, press: Press, visitor: Visitor, delivery: str | None) -> Body | None:
        """The answer for whoever pressed; None where a form says it all. BadInput for what nobody was shown."""
        action = press.actions[0]
        word = _word(action)
        if word is Word.HALT:
            return self._halt(action, visitor, press, delivery)
        pairs = _pairs(action.value, word)
        about = _KEYS[SUBJECT_OF[word]]
        subject = pairs[about]
        form = _FORMS.get(word)
        if form is not None and _SAYS_IT_ALL.get(word) not in pairs:
            visitor.demand_member("fill in a form")
            text = self._forms.draft(subject, pairs["edit"]) if "edit" in pairs else ""
            self._open(Open(form, subject, text), press)
            return None
        if _NEEDED.get(word, about) not in pairs:
            raise _forged()
        details = {_DETAILS[key]: value for key, value in pairs.items() if key in _DETAILS}
        return self._talking.give(Give(word, subject, _BY_BUTTON, details=details), visitor, delivery)

    def _open(self, wanted: Open, press: Press) -> None:
        def errand() -> None:
            try:
                self._forms.open(wanted, press.trigger_id)
            except AndonError as error:
                said = plainly(f"The form could not be opened: {error} Press the button again.")
                self._desk.web.respond(press.response_url, {"replace_original": False, **said})

        self._desk.later("open a form", errand)

    def _halt(self, action: Action, visitor: Visitor, press: Press, delivery: str | None) -> Body:
        if action.selected_option is not None:
            service, reason = action.selected_option.value, carried(action.block_id)
        else:
            pairs = _pairs(action.value, Word.HALT)
            service, reason = pairs["service"], pairs.get("why", "")
        return self._halting.halt(HaltWish(visitor, service, reason, delivery, press.trigger_id))


def _word(action: Action) -> Word:
    try:
        word = Word(action.action_id)
    except ValueError:
        raise _forged() from None
    subject = SUBJECT_OF[word]
    if subject is Subject.EVERYTHING or (subject is Subject.RELEASE and word not in _ABOUT_RELEASES):
        raise _forged()
    return word


def _pairs(value: str, word: Word) -> dict[str, str]:
    """What a button of this word says; BadInput where something is missing, or too much."""
    pairs = read_value(value)
    about = _KEYS[SUBJECT_OF[word]]
    if about not in pairs or set(pairs) - {about} - _BESIDES.get(word, frozenset()):
        raise _forged()
    return pairs


def _forged() -> BadInput:
    return BadInput("This button says nothing that can be understood", next="use the button of a newer message")
