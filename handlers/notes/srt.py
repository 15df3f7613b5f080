"""SubRip (SRT): numbered cues with times like 00:01:02,500, speakers as "Name: …" or "[Name] …"."""

from __future__ import annotations

import re
from typing import ClassVar

from bot.domain.errors import BadInput
from bot.domain.heard import Utterance
from handlers.cues import as_utterances, read_cue, split_blocks

_START = re.compile(r"\s*\d{1,6}[ \t]*\n[ \t]*-?\d{1,4}:\d{1,2}:\d{1,2}[,.]\d{1,3}\s+-->\s")


class Srt:
    """A cue whose times cannot be read still says what it says; one without words says nothing."""

    name: ClassVar[str] = "srt"
    endings: ClassVar[tuple[str, ...]] = (".srt",)

    def recognises(self, text: str) -> bool:
        """By a number and a line of times at the beginning."""
        return _START.match(text) is not None

    def read(self, text: str) -> list[Utterance]:
        """The cues in their order; BadInput where there is none."""
        cues = [cue for block in split_blocks(text.split("\n")) if (cue := read_cue(block))]
        if not cues:
            raise BadInput(
                "The notes are not SRT",
                why="no cue has a line of times and words",
                next="a cue is a number, a line like 00:00:01,000 --> 00:00:04,000, and what was said",
            )
        return as_utterances(cues)
