"""`/andon promote`: asks to go on to the next stage of a release."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Give, Said
from bot.domain.words import Word
from handlers.subjects import service_meant


class Promote:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "promote"
    usage: ClassVar[str] = "[service] [why]"
    summary: ClassVar[str] = "ask to go on to the next stage of the release; its gates decide"

    def translate(self, said: Said) -> Give:
        """By the name of the service: the release that is under way there is meant."""
        service, reason = service_meant(said)
        return Give(Word.PROMOTE, service, reason)
