"""Files that people share: their text, for notes and transcripts."""

from __future__ import annotations

from typing import Any

from bot.domain.errors import BadInput
from bot.slack.desk import Desk


class Files:
    """Fetches files with the bot's token."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def text_of(self, file_id: str) -> dict[str, Any]:
        """`text` and `name` of a file. An AndonError where it cannot be read; BadInput where it is no text."""
        name, text = self._desk.web.text_of_file(file_id)
        if "\x00" in text or not text.strip():
            raise BadInput(f"{name[:100]} is no text", next="give plain text, Markdown, WebVTT, SRT or a Slack export")
        return {"text": text, "name": name[:200], "source": {"medium": "slack", "name": name[:200]}}
