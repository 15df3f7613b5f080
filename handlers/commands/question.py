"""`/andon question`: records an open question."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Give, Said
from bot.domain.errors import BadInput
from bot.domain.words import Word
from handlers.minutes_said import question_details
from handlers.subjects import incident_meant


class Question:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "question"
    usage: ClassVar[str] = "[incident or service] [@who] <what>"
    summary: ClassVar[str] = "record a question that somebody has to answer"

    def translate(self, said: Said) -> Give:
        """The one who asks is kept."""
        incident, text = incident_meant(said)
        if not text:
            raise BadInput(
                "What is the question?", next="write it behind: `/andon question @x which experiments are affected?`"
            )
        return Give(Word.QUESTION, incident.id, details=question_details(said.saying(text)))
