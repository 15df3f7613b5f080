"""Messages in channels and threads: the explicit forms in them are recorded, and followed when they are edited."""

from __future__ import annotations

from collections.abc import Callable

from bot.domain.heard import HeardItem, HeardKind
from bot.domain.minutes import Minute, MinuteKind
from bot.slack.payloads import Message
from bot.slack.recording import Heard, Recorder
from bot.slack.who import Visitor
from handlers.minutes_said import item_of

Who = Callable[[], Visitor]
"""Asks who somebody is, where that matters: most messages record nothing."""

_MARKS = (
    "deci", "action", "to do", "todo", "to-do", "task", "step", "question", "answer", "fixme", "[ ]", "[x]", "owner",
    "ai:", "ai -", "q:", "a:",
)  # fmt: skip
"""One of these stands in every explicit form."""

KIND_OF = {
    MinuteKind.DECISION: HeardKind.DECISION,
    MinuteKind.ACTION_ITEM: HeardKind.ACTION,
    MinuteKind.QUESTION: HeardKind.QUESTION,
}


class Hearing:
    """Turns messages into orders."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def said(self, channel: str, message: Message, who: Who, delivery: str) -> None:
        """A new message. Without an explicit form in it, or outside of incidents, it is left alone."""
        if not message.is_spoken or not _may_record(message.text):
            return
        incident = self._recorder.incident(channel, message)
        if incident is None:
            return
        visitor = who()
        heard = Heard(channel, message, visitor, incident, delivery)
        for number, (key, item) in enumerate(self._recorder.items(channel, message, visitor).items()):
            self._recorder.record(heard, item, key, f"{delivery}:{number}")

    def edited(self, channel: str, before: Message, message: Message, who: Who, delivery: str) -> None:
        """What was recorded from it is corrected or withdrawn, what is new is recorded."""
        kept = self._recorder.kept(channel, message.ts)
        if not message.is_spoken or not (kept or _may_record(message.text)):
            return
        visitor = who()
        said = self._recorder.items(channel, message, visitor)
        was = self._recorder.items(channel, before, visitor)
        for number, minute in enumerate(kept):
            key = minute.source_key or ""
            item = said.pop(key, None) or self._whole(minute, key in was, message, visitor)
            if item is None:
                self._recorder.withdraw(minute, visitor, f"{delivery}:{number}", "its message was edited")
            else:
                self._recorder.follow(minute, item, message, visitor, f"{delivery}:{number}")
        incident = self._recorder.incident(channel, message) if said else None
        if incident is not None:
            heard = Heard(channel, message, visitor, incident, delivery)
            for number, (key, item) in enumerate(said.items(), len(kept)):
                self._recorder.record(heard, item, key, f"{delivery}:{number}")

    def deleted(self, channel: str, ts: str, who: Who, delivery: str) -> None:
        """What was recorded from it is withdrawn, and stays in the history."""
        kept = self._recorder.kept(channel, ts)
        if not kept:
            return
        visitor = who()
        for number, minute in enumerate(kept):
            self._recorder.withdraw(minute, visitor, f"{delivery}:{number}", "its message was deleted")

    def _whole(self, minute: Minute, had_form: bool, message: Message, visitor: Visitor) -> HeardItem | None:
        """What a message that was recorded as a whole says now; None where one of its forms is gone."""
        if had_form:
            return None
        return item_of(KIND_OF[minute.kind], self._recorder.read(message, visitor))


def _may_record(text: str) -> bool:
    low = text.lower()
    return any(mark in low for mark in _MARKS)
