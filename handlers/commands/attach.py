"""`/andon attach`: keeps a file that was shared in Slack as evidence of an incident."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.chat import Give, Said
from bot.domain.errors import BadInput
from bot.domain.words import Word
from handlers.subjects import file_meant, incident_meant


class Attach:
    """`bot.plugins.ChatCommand`."""

    name: ClassVar[str] = "attach"
    usage: ClassVar[str] = "[incident or service] <link to a file in Slack>"
    summary: ClassVar[str] = "keep a file as evidence, with its digest"

    def translate(self, said: Said) -> Give:
        """The file is fetched before the order is given. BadInput without a link to one."""
        incident, text = incident_meant(said)
        file = file_meant(text)
        if file is None:
            raise BadInput("Which file?", next="share it in Slack, then `/andon attach` with the link to it")
        return Give(Word.REPORT, incident.id, details={"file": file})
