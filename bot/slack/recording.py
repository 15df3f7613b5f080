"""Makes orders of what a message says, each with the key by which the same words are known again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.domain.chat import Said
from bot.domain.errors import AndonError, TryLater
from bot.domain.events import Command
from bot.domain.heard import HeardItem, HeardKind
from bot.domain.incidents import Incident
from bot.domain.minutes import Minute, MinuteKind, MinuteStatus
from bot.domain.words import Word
from bot.slack.answers import short
from bot.slack.desk import Desk
from bot.slack.names import Names
from bot.slack.payloads import Message
from bot.slack.places import Spot, incident_at
from bot.slack.who import Visitor
from handlers.chat_text import plain
from handlers.minutes_said import details_of, items_in

WORDS: Mapping[HeardKind, Word] = {
    HeardKind.DECISION: Word.DECIDE,
    HeardKind.ACTION: Word.ACTION,
    HeardKind.QUESTION: Word.QUESTION,
}
MOST_ITEMS = 20
"""Of one message."""

LONGEST_QUOTE = 500
_LINK_WAIT = timedelta(seconds=0.7)


@dataclass(frozen=True)
class Heard:
    """One message, who is behind what happened to it, and the incident that it belongs to."""

    channel: str
    message: Message
    visitor: Visitor
    incident: Incident
    delivery: str

    @property
    def spot(self) -> Spot:
        """Where answers to it go."""
        return Spot(self.channel, self.message.thread_ts or self.message.ts)


class Recorder:
    """Gives the orders. TryLater goes on to whoever sends it again; other bad news is told to the one concerned."""

    def __init__(self, desk: Desk, names: Names) -> None:
        self._desk = desk
        self._names = names

    def incident(self, channel: str, message: Message) -> Incident | None:
        """The incident that a message belongs to: by its thread, else by its channel."""
        with self._desk.head.store.read() as tx:
            return incident_at(tx, Spot(channel, message.thread_ts or message.ts), self._desk.configuration)

    def read(self, message: Message, visitor: Visitor) -> Said:
        """The words of a message, with whom they may name."""
        people = self._names.known(self._desk.configuration)
        return Said(plain(message.text), at=message.at, zone=visitor.zone, speaker=message.user, people=people)

    def items(self, channel: str, message: Message, visitor: Visitor) -> dict[str, HeardItem]:
        """What a message says by the explicit forms, by key; notes are nobody's record."""
        found = items_in(self.read(message, visitor))[:MOST_ITEMS]
        return dict(_keyed(channel, message.ts, found))

    def kept(self, channel: str, ts: str) -> list[Minute]:
        """What was recorded from a message and still counts."""
        found: list[Minute] = []
        with self._desk.head.store.read() as tx:
            for kind in WORDS:
                for number in range(MOST_ITEMS):
                    minute = tx.minute_from(key_of(channel, ts, kind, number))
                    if minute is None:
                        break
                    found.append(minute)
        return [one for one in found if one.status is not MinuteStatus.WITHDRAWN]

    def record(self, heard: Heard, item: HeardItem, key: str, delivery: str, **more: Any) -> str:
        """One item of a message; the answer to the order."""
        if item.kind is HeardKind.ANSWER:
            return self._answer(heard, item, delivery)
        details = self._details(heard.message, heard.visitor, heard.incident.service, item)
        details |= {"source": self._source(heard), "source_key": key, **more}
        return self.give(WORDS[item.kind], heard.incident.id, details, heard.visitor, delivery, spot=heard.spot)

    def follow(self, minute: Minute, item: HeardItem, message: Message, visitor: Visitor, delivery: str) -> None:
        """A message says something else now: what differs is corrected."""
        details = self._details(message, visitor, minute.service, item)
        changed = {name: value for name, value in details.items() if name != "zone" and _was(minute, name) != value}
        if changed:
            zone = {"zone": visitor.zone} if "due_text" in changed else {}
            self.give(Word.AMEND, minute.id, {**changed, **zone}, visitor, delivery, "its message was edited")

    def withdraw(self, minute: Minute, visitor: Visitor, delivery: str, why: str) -> None:
        """What a message said counts no more."""
        self.give(Word.WITHDRAW, minute.id, {}, visitor, delivery, why)

    def give(
        self,
        word: Word,
        subject: str,
        details: Mapping[str, Any],
        visitor: Visitor,
        delivery: str,
        reason: str = "",
        spot: Spot | None = None,
    ) -> str:
        """Hand an order in; its message, or the bad news."""
        command = Command(word, subject, visitor.actor, "slack", reason, details=details, delivery=delivery)
        try:
            receipt = self._desk.order(command)
        except TryLater:
            raise
        except AndonError as error:
            self._tell(visitor, spot, str(error))
            return str(error)
        if receipt.refused:
            self._tell(visitor, spot, receipt.message)
        return receipt.message

    def _answer(self, heard: Heard, item: HeardItem, delivery: str) -> str:
        """`answer:` answers the newest question that is open."""
        with self._desk.head.store.read() as tx:
            minutes = tx.minutes(heard.incident.id)
        asked = [one for one in minutes if one.kind is MinuteKind.QUESTION and one.is_open]
        if not asked:
            text = "There is no open question here. Ask one with `question: …`."
            self._tell(heard.visitor, heard.spot, text)
            return text
        return self.give(Word.ANSWER, asked[-1].id, {"text": item.text}, heard.visitor, delivery, spot=heard.spot)

    def _details(self, message: Message, visitor: Visitor, service: str, item: HeardItem) -> dict[str, Any]:
        details = details_of(item, self.read(message, visitor))
        if "owner" in details:
            policy = self._desk.configuration.policies.get(service)
            details["owner"] = self._names.id_of(str(details["owner"]), message.user, policy)
        return details

    def _tell(self, visitor: Visitor, spot: Spot | None, text: str) -> None:
        if spot is None:
            return
        shown = short(text)
        self._desk.later(
            "tell somebody",
            lambda: self._desk.web.call(
                "chat.postEphemeral",
                channel=spot.channel,
                user=visitor.actor.name,
                thread_ts=spot.thread,
                text=shown["text"],
                blocks=shown["blocks"],
                parse="none",
            ),
        )

    def _source(self, heard: Heard) -> dict[str, Any]:
        message = heard.message
        quote = plain(message.text)[:LONGEST_QUOTE]
        source = {"medium": "slack", "channel": heard.channel, "ts": message.ts, "quote": quote}
        try:
            shown = self._desk.web.call(
                "chat.getPermalink", deadline=_LINK_WAIT, channel=heard.channel, message_ts=message.ts
            )
        except AndonError:
            return source  # a link is worth no delay
        link = str(shown.get("permalink") or "")
        return {**source, "link": link} if link.startswith("https://") else source


def key_of(channel: str, ts: str, kind: HeardKind, number: int = 0) -> str:
    """The same for the same item of the same message, whatever becomes of its words."""
    return f"slack:{channel}:{ts}:{kind}" + (f":{number + 1}" if number else "")


def _keyed(channel: str, ts: str, items: list[HeardItem]) -> Iterator[tuple[str, HeardItem]]:
    seen: dict[HeardKind, int] = {}
    for item in items:
        if item.kind is HeardKind.NOTE:
            continue
        number = seen.get(item.kind, 0)
        seen[item.kind] = number + 1
        yield key_of(channel, ts, item.kind, number), item


def _was(minute: Minute, name: str) -> Any:
    """What stands in a minute under the name of a detail."""
    kept = {
        "text": minute.text,
        "owner": minute.owner,
        "due_text": minute.due_text,
        "options": list(minute.options),
        "choice": minute.answer,
        "reason": minute.reason,
    }
    return kept.get(name)
