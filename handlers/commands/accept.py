"""`/andon accept`: says yes to a handover."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Give, Said
from bot.domain.words import Word
from handlers.subjects import incident_meant


class Accept:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "accept"
    usage: ClassVar[str] = "[incident or service]"
    summary: ClassVar[str] = "say yes to a handover that was offered to you"

    def translate(self, said: Said) -> Give:
        """The incident of the place where none is named."""
        incident, reason = incident_meant(said)
        return Give(Word.ACCEPT, incident.id, reason)
