"""Plain text: chats copied from anywhere, and notes with a line for each point."""

from __future__ import annotations

from typing import ClassVar

from bot.domain.heard import Utterance
from handlers.lines import Line, as_utterances, section_title


class Plain:
    """Whatever no other format takes. A line like "Action items:" is the heading of those after it."""

    name: ClassVar[str] = "plain"
    endings: ClassVar[tuple[str, ...]] = (".txt", ".text", ".log")

    def recognises(self, text: str) -> bool:  # noqa: ARG002
        """Any text is plain text."""
        return True

    def read(self, text: str) -> list[Utterance]:
        """The lines that say something."""
        lines, heading = [], ""
        for number, line in enumerate(text.split("\n"), 1):
            title = section_title(line)
            heading = title or heading
            lines.append(Line(number, "" if title else line, heading))
        return as_utterances(lines)
