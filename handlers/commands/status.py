"""`/andon status`: how a service, an incident or everything stands."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Question, Said, Show


class Status:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "status"
    usage: ClassVar[str] = "[service or incident]"
    summary: ClassVar[str] = "how things stand: halts, incidents, runs, what waits for whom"

    def translate(self, said: Said) -> Show:
        """What is named, else the place, else everything."""
        if said.first:
            return Show(Question.STATUS, said.first)
        return Show(Question.STATUS, said.here.id if said.here else "")
