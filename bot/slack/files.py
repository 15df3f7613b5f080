"""Files that people share: their text, for notes and transcripts; or kept as evidence."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from bot.domain.attachments import MOST_BYTES, attached_as, kept_file
from bot.domain.errors import BadInput
from bot.slack.desk import Desk

FETCHING = timedelta(seconds=1)
"""For each of two calls: Slack waits three seconds for the answer to a form."""


class Files:
    """Fetches files with the bot's token, for a person (`reader`) who may see them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def text_of(self, file_id: str, reader: str) -> dict[str, Any]:
        """`text` and `name` of a file. An AndonError where it cannot be read; BadInput where it is no text."""
        name, text = self._desk.web.text_of_file(file_id, reader=reader)
        if "\x00" in text or not text.strip():
            raise BadInput(f"{name[:100]} is no text", next="give plain text, Markdown, WebVTT, SRT or a Slack export")
        return {"text": text, "name": name[:200], "source": {"medium": "slack", "name": name[:200]}}

    def keep(self, file_ids: Iterable[str], reader: str) -> list[dict[str, Any]]:
        """Fetch files and keep them under their digests, before any order names them; what an order says of each."""
        kept = []
        for file_id in file_ids:
            name, content = self._desk.web.file(file_id, reader=reader, most=MOST_BYTES, deadline=FETCHING)
            file = kept_file(content, self._desk.head.clock.now())
            with self._desk.head.store.write() as tx:
                tx.keep_file(file)
            kept.append(attached_as(name, file))
        return kept
