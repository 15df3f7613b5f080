"""`/andon help`: what can be typed."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Question, Said, Show


class Help:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "help"
    usage: ClassVar[str] = "[word]"
    summary: ClassVar[str] = "what can be typed"

    def translate(self, said: Said) -> Show:
        """All words, or one of them."""
        return Show(Question.HELP, said.words)
