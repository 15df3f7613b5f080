"""`/andon gate`: what the gates of a release say."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Question, Said, Show
from handlers.subjects import service_meant


class Gate:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "gate"
    usage: ClassVar[str] = "[service]"
    summary: ClassVar[str] = "what the gates of the present stage say, and why"

    def translate(self, said: Said) -> Show:
        """Nothing is run for it: it shows what was found last."""
        return Show(Question.GATE, service_meant(said)[0])
