"""`/andon notes`: gives the notes or the transcript of a meeting."""

from __future__ import annotations

import re
from typing import ClassVar

from bot.domain.chat import Form, Give, Open, Said
from bot.domain.words import Word
from handlers.subjects import incident_meant

_FILE = re.compile(r"https://[^\s/]+\.slack\.com/files/[^\s/]+/(F[A-Z0-9]{2,20})\b\S*")


class Notes:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "notes"
    usage: ClassVar[str] = "[incident or service] [text or link to a file in Slack]"
    summary: ClassVar[str] = "record what was decided and promised from notes or a transcript"

    def translate(self, said: Said) -> Give | Open:
        """Without words a form takes the text or a file."""
        incident, text = incident_meant(said)
        file = _FILE.search(text)
        if file:
            return Give(Word.NOTES, incident.id, details={"file": file[1]})
        return Give(Word.NOTES, incident.id, details={"text": text}) if text else Open(Form.NOTES, incident.id)
