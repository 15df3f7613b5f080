"""`/andon decide`: records a decision."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Form, Give, Open, Said
from bot.domain.words import Word
from handlers.minutes_said import decision_details
from handlers.subjects import incident_meant


class Decide:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "decide"
    usage: ClassVar[str] = "[incident or service] <what> [because why]"
    summary: ClassVar[str] = "record a decision"

    def translate(self, said: Said) -> Give | Open:
        """Without words a form opens."""
        incident, text = incident_meant(said)
        if not text:
            return Open(Form.DECISION, incident.id)
        return Give(Word.DECIDE, incident.id, details=decision_details(said.saying(text)))
