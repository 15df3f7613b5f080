"""Decisions, action items and questions in the words of one message or command, as the details of orders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.chat import Said
from bot.domain.due_dates import zone_named
from bot.domain.heard import HeardItem, HeardKind, Utterance
from handlers.hearing import hear, hear_message

LONGEST = 4000
_ASKED = re.compile(r"(<@[UW][A-Z0-9]{2,20}>)[\s:,]+(?=\S)")


def items_in(said: Said) -> list[HeardItem]:
    """What a message records by the explicit forms, line by line; nothing for any other message."""
    return [item for item in hear_message(_utterance(said), said.people, said.at, _zone(said)) if item.certain]


def decision_details(said: Said) -> Mapping[str, Any]:
    """A decision: options, choice and reason where they were said."""
    return details_of(_read("decision", HeardKind.DECISION, said), said)


def action_details(said: Said) -> Mapping[str, Any]:
    """An action item: its owner as written, its date in the speaker's words and zone."""
    return details_of(_read("action", HeardKind.ACTION, said), said)


def question_details(said: Said) -> Mapping[str, Any]:
    """A question: whom it is put to, where it begins with a mention."""
    asked = _ASKED.match(said.words)
    words = said.words[asked.end() :] if asked else said.words
    details = details_of(_read("question", HeardKind.QUESTION, said.saying(words)), said)
    return {"owner": asked[1], **details} if asked else details


def details_of(item: HeardItem, said: Said) -> dict[str, Any]:
    """The details of the order that an item comes down to."""
    details: dict[str, Any] = {"text": item.text[:LONGEST]}
    if item.kind is HeardKind.DECISION:
        details |= {"options": list(item.options), "choice": item.choice, "reason": item.reason}
    elif item.kind in (HeardKind.ACTION, HeardKind.QUESTION):
        details |= {"owner": item.owner, "due_text": item.due_text}
        if item.due_text:
            details["zone"] = said.zone
    return {name: value for name, value in details.items() if value}


def item_of(kind: HeardKind, said: Said) -> HeardItem:
    """What a whole message records as a decision or an action item: by its form, by a promise in it, or as it is."""
    explicit = [one for one in items_in(said) if one.kind is kind]
    if explicit:
        return explicit[0]
    if kind is HeardKind.ACTION:
        spoken = [one for one in hear([_utterance(said)], said.people, said.at, _zone(said)) if one.kind is kind]
        if len(spoken) == 1 and spoken[0].owner:
            return spoken[0]
    return _read(str(kind), kind, said)


def _read(form: str, kind: HeardKind, said: Said) -> HeardItem:
    """The words as if they stood behind `decision:`; kept as they are where nothing more is heard in them."""
    words = " ".join(said.words.split())
    heard = items_in(said.saying(f"{form}: {words}"))
    found = [one for one in heard if one.kind is kind]
    return found[0] if len(found) == 1 else HeardItem(kind, words, 1, words[:500])


def _utterance(said: Said) -> Utterance:
    speaker = f"<@{said.speaker}>" if said.speaker else None
    return Utterance(said.words, 1, speaker, at=said.at.astimezone(UTC))


def _zone(said: Said) -> ZoneInfo:
    return zone_named(said.zone) or ZoneInfo("UTC")
