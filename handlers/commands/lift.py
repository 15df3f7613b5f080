"""`/andon lift`: ends a halt."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Give, Said
from bot.domain.errors import BadInput
from bot.domain.words import Word
from handlers.subjects import service_meant


class Lift:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "lift"
    usage: ClassVar[str] = "[service] <why>"
    summary: ClassVar[str] = "end a halt; it never ends by itself"

    def translate(self, said: Said) -> Give:
        """A halt ends for a reason."""
        service, reason = service_meant(said)
        if not reason:
            raise BadInput(
                "A reason is needed", next=f"write it behind: `/andon lift {service} the feature is switched off`"
            )
        return Give(Word.LIFT, service, reason)
