"""`/andon handover @x`: offers an incident to somebody."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Form, Give, Open, Said
from bot.domain.words import Word
from handlers.subjects import incident_meant


class Handover:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "handover"
    usage: ClassVar[str] = "[incident or service] <@who> [why]"
    summary: ClassVar[str] = "offer the incident to somebody; it counts once they accept"

    def translate(self, said: Said) -> Give | Open:
        """Without a person it is asked who."""
        incident, words = incident_meant(said)
        to, _, reason = words.partition(" ")
        if not to:
            return Open(Form.HANDOVER, incident.id)
        return Give(Word.HANDOVER, incident.id, reason.strip(), details={"to": to})
