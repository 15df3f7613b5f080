"""`/andon action`: records an action item."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Form, Give, Open, Said
from bot.domain.words import Word
from handlers.minutes_said import action_details
from handlers.subjects import incident_meant


class Action:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "action"
    usage: ClassVar[str] = "[incident or service] <@who> <what> [by when]"
    summary: ClassVar[str] = "record an action item with its owner and due date"

    def translate(self, said: Said) -> Give | Open:
        """Without words a form opens."""
        incident, text = incident_meant(said)
        if not text:
            return Open(Form.ACTION_ITEM, incident.id)
        return Give(Word.ACTION, incident.id, details=action_details(said.saying(text)))
