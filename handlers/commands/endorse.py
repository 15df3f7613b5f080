"""`/andon endorse`: accepts the restored state."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Give, Said
from bot.domain.words import Word
from handlers.subjects import incident_meant


class Endorse:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "endorse"
    usage: ClassVar[str] = "[incident or service] [why]"
    summary: ClassVar[str] = "accept the restored state as stable"

    def translate(self, said: Said) -> Give:
        """Why is kept where it is said."""
        incident, reason = incident_meant(said)
        return Give(Word.ENDORSE, incident.id, reason or "endorsed in chat")
