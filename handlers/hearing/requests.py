"""Requests and what people answer: "Can you, Tom, rerun the eval before 3pm?" - "will do"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.domain.due_dates import Due
from bot.domain.heard import Utterance
from handlers.hearing import phrases
from handlers.hearing.directory import HANDLE, MENTION, WORD, Directory
from handlers.hearing.moments import Moment, choose_due, without

LONGEST_WAIT = 6
"""Utterances of the thread in which an answer still belongs to the request."""

_START = re.compile(rf"^{phrases.LEAD_IN}(?P<who>{MENTION}|{HANDLE}|{WORD}(?:\s+{WORD})?)(?=[\s,:-]|$)", re.IGNORECASE)
_ANYWHERE = re.compile(rf"(?P<who>{MENTION}|{HANDLE})|,\s*(?P<name>{WORD}(?:\s{WORD})?)\s*(?=[,?.!]|$)")
_ASKING = re.compile(
    r"\b(?:can|could|would|will)\s+(?:you|u)\b(?:\s+please)?|\b(?:please|pls|plz)\b(?:\s+to\b)?|\byou(?:['’]ll|\s+will)?\s|\bto\s+(?=send|write|check)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Request:
    """Something that somebody was asked for and has not answered yet."""

    text: str
    target: str | None
    """As written; None where nobody was named."""
    due: Due | None
    said: Utterance
    place: int
    """Number of the utterance in its thread."""
    asks_work: bool = True
    """With "can you" or "please"; any other question to somebody named is only one if the answer gives an end."""

    def waits_for(self, speaker: str | None, place: int, directory: Directory) -> bool:
        """Whether an utterance of that speaker may be the answer."""
        if place - self.place > LONGEST_WAIT or speaker is None:
            return False
        if self.target is not None:
            return directory.is_same(self.target, speaker)
        return not directory.is_same(self.said.speaker, speaker) and place - self.place <= 2


def find_request(
    sentence: str, utterance: Utterance, place: int, directory: Directory, moment: Moment
) -> Request | None:
    """The request that a sentence makes: with "can you", "please" or "you take", or a question to somebody named."""
    if phrases.CONDITION.match(sentence.lstrip()) or phrases.JOKE.search(sentence):
        return None
    target = find_target(sentence, directory)
    asks = phrases.REQUEST.search(sentence)
    anybody = phrases.ANYBODY.search(sentence)
    is_question = sentence.rstrip().endswith("?")
    if not (asks or anybody or (target and is_question)):
        return None
    if phrases.REPORTED.search(sentence) or (target and directory.is_same(target, utterance.speaker)):
        return None
    due = choose_due(sentence, moment)
    task = without(sentence, due)
    if target:
        task = re.sub(rf"{phrases.LEAD_IN}{re.escape(target)}[\s,:-]*", "", task, count=1, flags=re.IGNORECASE)
    task = _ASKING.sub(" ", task)
    text = re.sub(r"\s+", " ", task).strip(" ,?.!:-")
    return Request(text, target, due, utterance, place, asks_work=bool(asks or anybody))


def find_target(sentence: str, directory: Directory) -> str | None:
    """Who is spoken to: a name that the sentence begins with, one between commas, or a mention."""
    start = _START.match(sentence)
    if start:
        words = start["who"].split()
        for name in (start["who"], words[0]):
            if directory.knows(name) and name.lower() not in phrases.NOT_PEOPLE:
                return name
    for found in _ANYWHERE.finditer(sentence):
        name = found["who"] or found["name"]
        if directory.knows(name) and name.lower() not in phrases.NOT_PEOPLE:
            return name
    return None


def accepts(text: str) -> bool:
    """Whether an utterance says yes, and takes nothing of it back."""
    return bool(phrases.ACCEPT.match(text)) and not phrases.BUT.search(text) and not text.rstrip().endswith("?")


def declines(text: str) -> bool:
    """Whether an utterance says no."""
    return bool(phrases.DECLINE.match(text)) or bool(phrases.ACCEPT.match(text) and phrases.BUT.search(text))
