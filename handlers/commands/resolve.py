"""`/andon resolve`: closes an incident."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Give, Said
from bot.domain.errors import BadInput
from bot.domain.words import Word
from handlers.subjects import incident_meant


class Resolve:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "resolve"
    usage: ClassVar[str] = "[incident or service] <why>"
    summary: ClassVar[str] = "close the incident"

    def translate(self, said: Said) -> Give:
        """An incident is closed for a reason."""
        incident, reason = incident_meant(said)
        if not reason:
            raise BadInput(
                "A reason is needed", next="write it behind: `/andon resolve the feature is switched off for good`"
            )
        return Give(Word.RESOLVE, incident.id, reason)
