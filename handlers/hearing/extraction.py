"""From utterances to items: each thread is heard by itself, each utterance at its own moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.domain.heard import HeardItem, KnownPerson, Utterance
from handlers.hearing.directory import Directory
from handlers.hearing.explicit import read_explicit
from handlers.hearing.listening import Listener
from handlers.hearing.moments import moment_of
from handlers.hearing.sentences import own_words


def hear(
    utterances: Sequence[Utterance], people: Sequence[KnownPerson], now: datetime, zone: ZoneInfo
) -> list[HeardItem]:
    """Every decision, action and question, in the order of the utterances; what is not certain says why.

    `now` is when the recording or the notes began, aware; `zone` is the meeting's, for whoever has none of their own.
    ValueError for a naive `now`."""
    if now.tzinfo is None:
        raise ValueError("now has to be aware")
    directory = Directory(people, utterances)
    listeners: dict[str | None, Listener] = {}
    heard: list[tuple[int, HeardItem]] = []
    for utterance in utterances:
        listener = listeners.setdefault(utterance.thread, Listener(directory))
        moment = moment_of(utterance, now, directory.zone_of(utterance.speaker, zone), zone)
        listener.listen(utterance, moment)
    order = {id(one): number for number, one in enumerate(utterances)}
    for listener in listeners.values():
        heard += [(order.get(id(source), 0), item) for source, item in listener.finish()]
    return [item for _, item in sorted(heard, key=lambda pair: pair[0])]


def hear_message(utterance: Utterance, people: Sequence[KnownPerson], now: datetime, zone: ZoneInfo) -> list[HeardItem]:
    """The items of one live message that uses the explicit forms, line by line; [] for any other message."""
    directory = Directory(people, [utterance])
    moment = moment_of(utterance, now, directory.zone_of(utterance.speaker, zone), zone)
    items: list[HeardItem] = []
    for line in own_words(utterance.text).split("\n"):
        items += read_explicit(utterance, line, directory, moment) or []
    return items
