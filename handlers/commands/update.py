"""`/andon update`: tells every audience how things stand."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Form, Give, Open, Said
from bot.domain.words import Word
from handlers.subjects import incident_meant

ANYWAY = "anyway"


class Update:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "update"
    usage: ClassVar[str] = "[incident or service] [anyway] <text>"
    summary: ClassVar[str] = "tell every audience how things stand"

    def translate(self, said: Said) -> Give | Open:
        """`anyway` sends words that fault was found in; without words a form opens."""
        incident, text = incident_meant(said)
        first, _, rest = text.partition(" ")
        if first.lower().rstrip(":") == ANYWAY:
            return Give(Word.UPDATE, incident.id, details={"text": rest.strip(), "anyway": True})
        return Give(Word.UPDATE, incident.id, details={"text": text}) if text else Open(Form.UPDATE, incident.id)
