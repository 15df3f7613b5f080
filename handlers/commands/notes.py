"""`/andon notes`: gives the notes or the transcript of a meeting."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Form, Give, Open, Said
from bot.domain.words import Word
from handlers.subjects import file_meant, incident_meant


class Notes:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "notes"
    usage: ClassVar[str] = "[incident or service] [text or link to a file in Slack]"
    summary: ClassVar[str] = "record what was decided and promised from notes or a transcript"

    def translate(self, said: Said) -> Give | Open:
        """Without words a form takes the text or a file."""
        incident, text = incident_meant(said)
        file = file_meant(text)
        if file:
            return Give(Word.NOTES, incident.id, details={"file": file})
        return Give(Word.NOTES, incident.id, details={"text": text}) if text else Open(Form.NOTES, incident.id)
