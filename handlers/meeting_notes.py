"""From a file of notes or a transcript to what was decided, promised and asked in it: pure, without a clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.domain.heard import HeardItem, KnownPerson


def hear_notes(
    text: str, name: str, people: Sequence[KnownPerson], now: datetime, zone: ZoneInfo
) -> Sequence[HeardItem]:
    """Every item, in the order of the lines. BadInput where the file cannot be read.

    `name` is the file's, whose ending may tell its format; `now` is when what it tells of began."""
    # Their patterns take a twentieth of a process's start: only who reads notes waits for them.
    from handlers.hearing import hear
    from handlers.notes import read_notes

    return hear(read_notes(text.encode("utf-8", "replace"), name), people, now, zone)
