"""The forms of the pages as details of orders: which fields each order reads, and how they are written in a form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.domain.words import Word
from bot.web.report_form import report_of

Form = Mapping[str, str]

_FIELDS: Mapping[Word, tuple[str, ...]] = {
    Word.DECIDE: ("text", "choice", "reason", "decider", "evidence"),
    Word.ACTION: ("text", "owner", "due_text", "zone", "evidence"),
    Word.QUESTION: ("text", "owner", "due_text", "zone"),
    Word.UPDATE: ("text",),
    Word.NOTES: ("text", "name", "zone"),
    Word.HANDOVER: ("to",),
    Word.MEETING_PROPOSE: ("starts_at", "link", "zone"),
    Word.MEETING_START: ("link",),
    Word.ANSWER: ("text",),
    Word.FINISH: ("text",),
    Word.SNOOZE: ("until", "for", "zone"),
    Word.REASSIGN: ("owner",),
    Word.AMEND: ("text", "owner", "due_text", "zone"),
    Word.SIGN: ("item", "brief", "role"),
    Word.UNSIGN: ("item", "brief"),
    Word.MOVE_DRILL: ("at", "zone"),
    Word.POSTMORTEM_COMMENT: ("text", "section"),
    Word.POSTMORTEM_LESSON: ("text", "withdraw"),
    Word.POSTMORTEM_SIGN_OFF: ("role",),
}
"""Fields that are taken as they are where something stands in them."""

REASONED = frozenset(
    {
        Word.RESOLVE,
        Word.ENDORSE,
        Word.ABANDON,
        Word.RELEASE_ENDORSE,
        Word.RETROSPECTIVE,
        Word.POSTMORTEM_REOPEN,
        Word.SKIP_DRILL,
    }
)
"""Orders that need a reason."""
ABOUT_POSTMORTEMS = frozenset(word for word in Word if word.startswith("postmortem_"))
"""Orders whose forms stand on the page of a postmortem."""
OWN_REASON = frozenset({Word.DECIDE})
"""Orders whose reason belongs to what they record."""


def details_in(word: Word, form: Form) -> dict[str, Any]:
    """The details of an order as a form holds them. BadInput where a figure is none."""
    details: dict[str, Any] = {name: form[name].strip() for name in _FIELDS.get(word, ()) if form.get(name, "").strip()}
    more = _MORE.get(word)
    return {**details, **more(form)} if more else details


def _options(form: Form) -> dict[str, Any]:
    options = _lines(form.get("options", ""))
    return {"options": options} if options else {}


def _invitees(form: Form) -> dict[str, Any]:
    invitees = [one.strip() for one in form.get("invitees", "").replace(",", "\n").splitlines() if one.strip()]
    return {"invitees": invitees} if invitees else {}


def _anyway(form: Form) -> dict[str, Any]:
    return {"anyway": True} if form.get("anyway") else {}


def _report(form: Form) -> dict[str, Any]:
    return {"fields": report_of(form)}


def _section(form: Form) -> dict[str, Any]:
    """An empty text counts: it takes away what was there."""
    seen = {"seen": form["seen"]} if form.get("seen", "").isdecimal() else {}
    return {"section": form.get("section", ""), "text": form.get("text", ""), **seen}


def _diff(form: Form) -> dict[str, Any]:
    """As it was pasted: blanks at the ends of lines belong to it."""
    return {"diff": form["diff"]} if form.get("diff", "").strip() else {}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


_MORE: Mapping[Word, Callable[[Form], dict[str, Any]]] = {
    Word.DECIDE: _options,
    Word.MEETING_PROPOSE: _invitees,
    Word.UPDATE: _anyway,
    Word.REPORT: _report,
    Word.POSTMORTEM_EDIT: _section,
    Word.POSTMORTEM_LESSON: _diff,
}
