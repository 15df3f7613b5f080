"""`/andon timeline`: what happened, in order."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Question, Said, Show
from handlers.subjects import incident_meant


class Timeline:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "timeline"
    usage: ClassVar[str] = "[incident or service]"
    summary: ClassVar[str] = "what happened, newest lines last"

    def translate(self, said: Said) -> Show:
        """The incident of the place where none is named."""
        return Show(Question.TIMELINE, incident_meant(said)[0].id)
