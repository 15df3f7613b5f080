"""WebVTT: the transcripts of call recordings, with `<v Name>` voices or "Name: …" labels.

https://www.w3.org/TR/webvtt1/
"""

from __future__ import annotations

import re
from typing import ClassVar

from bot.domain.errors import BadInput
from bot.domain.heard import Utterance
from handlers.cues import Cue, as_utterances, read_cue, split_blocks

_HEADER = re.compile(r"WEBVTT(?:[ \t\n]|$)")
_COMMENTS = ("NOTE", "STYLE", "REGION")


class WebVtt:
    """Comments and styles are passed over; a cue whose times cannot be read still says what it says."""

    name: ClassVar[str] = "webvtt"
    endings: ClassVar[tuple[str, ...]] = (".vtt",)

    def recognises(self, text: str) -> bool:
        """By its first line, which no other format begins with."""
        return _HEADER.match(text) is not None

    def read(self, text: str) -> list[Utterance]:
        """The cues in their order; BadInput without the header or without any cue."""
        if not self.recognises(text):
            raise BadInput("The notes are not WebVTT", why='the first line is not "WEBVTT"')
        cues = [cue for block in split_blocks(text.split("\n")) if (cue := self._cue(block))]
        if not cues:
            raise BadInput("The notes are not WebVTT", why="no cue has times and words")
        return as_utterances(cues)

    def _cue(self, block: list[tuple[int, str]]) -> Cue | None:
        first = block[0][1].split(maxsplit=1)[0]
        return None if first in _COMMENTS and "-->" not in block[0][1] else read_cue(block)
