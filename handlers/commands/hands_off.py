"""`/andon hands-off`: pauses automation for one service."""

from __future__ import annotations

import re
from typing import ClassVar

from bot.domain.chat import Give, Said
from bot.domain.errors import BadInput
from bot.domain.words import Word
from handlers.subjects import service_meant

_SPAN = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")


class HandsOff:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "hands-off"
    usage: ClassVar[str] = "[service] <2h> [why]"
    summary: ClassVar[str] = "pause automation for one service for a while (0s: on again)"

    def translate(self, said: Said) -> Give:
        """The span may stand before or behind the service."""
        service, words = service_meant(said)
        span, _, reason = words.partition(" ")
        if not _SPAN.fullmatch(span):
            raise BadInput(
                "For how long?", next=f"write it like `/andon hands-off {service} 2h`, or 0s to switch it on again"
            )
        return Give(Word.HANDS_OFF, service, reason.strip(), details={"for": span})
