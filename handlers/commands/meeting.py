"""`/andon meeting`: proposes, starts, ends or calls off the meeting of an incident."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Give, Said
from bot.domain.errors import BadInput
from bot.domain.words import Word
from handlers.subjects import incident_meant

_WORDS = {
    "propose": Word.MEETING_PROPOSE,
    "start": Word.MEETING_START,
    "end": Word.MEETING_END,
    "cancel": Word.MEETING_CANCEL,
}


class Meeting:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "meeting"
    usage: ClassVar[str] = "<start, end, propose or cancel> [incident or service] [when]"
    summary: ClassVar[str] = "the meeting of an incident; its summary goes out when it ends"

    def translate(self, said: Said) -> Give:
        """Only a proposal has a time, in people's words."""
        word = _WORDS.get(said.first.lower())
        if word is None:
            raise BadInput("What about the meeting?", next="write `/andon meeting start`, `end`, `propose` or `cancel`")
        incident, when = incident_meant(said.saying(said.rest))
        if word is Word.MEETING_PROPOSE and when:
            return Give(word, incident.id, details={"starts_at": when, "zone": said.zone})
        return Give(word, incident.id)
