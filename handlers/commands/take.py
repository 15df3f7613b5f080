"""`/andon take`: answers for an incident from now on."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Give, Said
from bot.domain.words import Word
from handlers.subjects import incident_meant


class Take:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "take"
    usage: ClassVar[str] = "[incident or service]"
    summary: ClassVar[str] = "answer for the incident from now on"

    def translate(self, said: Said) -> Give:
        """The incident of the place where none is named."""
        incident, reason = incident_meant(said)
        return Give(Word.TAKE, incident.id, reason)
