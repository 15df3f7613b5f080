"""`/andon postmortem`: the account of an incident in short, a comment on it, or its signature."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Give, Question, Said, Show
from bot.domain.words import Word
from handlers.subjects import incident_meant

COMMENT, SIGN_OFF = "comment", "sign-off"


class Postmortem:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "postmortem"
    usage: ClassVar[str] = "[incident or service] [comment <text>, or sign-off]"
    summary: ClassVar[str] = "the blameless account of an incident in short, with the link to it"

    def translate(self, said: Said) -> Show | Give:
        """Alone it shows; in the thread of an incident that is over, that one is meant, and of a service its last."""
        if said.words.strip() in said.services:
            return Show(Question.POSTMORTEM, said.words.strip())
        incident, text = incident_meant(said)
        first, _, rest = text.partition(" ")
        word = first.lower().rstrip(":")
        if word == COMMENT:
            return Give(Word.POSTMORTEM_COMMENT, incident.id, details={"text": rest.strip()})
        if word == SIGN_OFF:
            role = rest.strip().replace(" ", "_")
            return Give(Word.POSTMORTEM_SIGN_OFF, incident.id, details={"role": role} if role else {})
        return Show(Question.POSTMORTEM, incident.id)
