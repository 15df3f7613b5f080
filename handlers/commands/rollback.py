"""`/andon rollback`: asks for a rollback, which somebody else has to approve."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Give, Said
from bot.domain.errors import BadInput
from bot.domain.words import Word
from handlers.subjects import service_meant


class Rollback:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "rollback"
    usage: ClassVar[str] = "[service] [environment] <why>"
    summary: ClassVar[str] = "ask for a rollback; a member of the authority has to approve it"

    def translate(self, said: Said) -> Give:
        """The environment is the incident's where none is named."""
        service, words = service_meant(said)
        first, _, rest = words.partition(" ")
        here = said.here.environment if said.here and said.here.service == service else None
        environment, reason = (first, rest.strip()) if first in said.environments else (here, words)
        if not reason:
            raise BadInput(
                "A reason is needed", next="write it behind the service: `/andon rollback fraud-model F1 is down`"
            )
        return Give(Word.ROLLBACK, service, reason, environment)
