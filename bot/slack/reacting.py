"""Reactions and message shortcuts: one click records a whole message as a decision or an action item."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from bot.domain.errors import AndonError, BadInput, NotFound, TryLater
from bot.domain.heard import HeardKind
from bot.slack.answers import Body, short
from bot.slack.desk import Desk
from bot.slack.payloads import Event, Message, Shortcut
from bot.slack.places import services_told_in
from bot.slack.recording import Heard, Recorder, key_of
from bot.slack.who import Visitor
from handlers.minutes_said import item_of

Who = Callable[[], Visitor]

REACTIONS: Mapping[str, HeardKind] = {"white_check_mark": HeardKind.DECISION, "pushpin": HeardKind.ACTION}
SHORTCUTS: Mapping[str, HeardKind] = {"record_decision": HeardKind.DECISION, "record_action_item": HeardKind.ACTION}

LOOKING = timedelta(seconds=1.2)
"""A message that is reacted to is fetched within this time: Slack waits three seconds for the answer."""


class Reacting:
    """Records whole messages, and takes that back."""

    def __init__(self, desk: Desk, recorder: Recorder) -> None:
        self._desk = desk
        self._recorder = recorder

    def reacted(self, event: Event, who: Who, delivery: str) -> None:
        """A reaction on a message of an incident. TryLater where Slack does not show the message now."""
        message = self._shown(event)
        incident = self._recorder.incident(event.item.channel, message) if message else None
        if message is None or incident is None:
            return
        heard = Heard(event.item.channel, message, who(), incident, delivery)
        self._record(heard, REACTIONS[event.reaction])

    def unreacted(self, event: Event, who: Who, delivery: str) -> None:
        """The last such reaction is gone: what it recorded is withdrawn, unless the message itself says it."""
        kind, (channel, ts) = REACTIONS[event.reaction], (event.item.channel, event.item.ts)
        key = key_of(channel, ts, kind)
        minute = next((one for one in self._recorder.kept(channel, ts) if one.source_key == key), None)
        message = self._shown(event) if minute else None
        if minute is None or message is None or event.reaction in message.reacted_with:
            return
        visitor = who()
        if key not in self._recorder.items(channel, message, visitor):
            self._recorder.withdraw(minute, visitor, delivery, "its reaction was taken back")

    def shortcut(self, used: Shortcut, visitor: Visitor, delivery: str) -> Body:
        """A message shortcut. BadInput where there is no such one, NotFound where the message is of no incident."""
        kind = SHORTCUTS.get(used.callback_id)
        if kind is None:
            raise BadInput("There is no such shortcut")
        visitor.demand_member("record something")
        incident = self._recorder.incident(used.channel.id, used.message)
        if incident is None:
            raise NotFound(
                "This message belongs to no incident that is known here",
                next="`/andon decide` and `/andon action` record it at an incident that you name",
            )
        return short(self._record(Heard(used.channel.id, used.message, visitor, incident, delivery), kind))

    def _record(self, heard: Heard, kind: HeardKind) -> str:
        item = item_of(kind, self._recorder.read(heard.message, heard.visitor))
        more = {"decider": heard.message.user} if kind is HeardKind.DECISION else {}
        key = key_of(heard.channel, heard.message.ts, kind)
        return self._recorder.record(heard, item, key, heard.delivery, **more)

    def _shown(self, event: Event) -> Message | None:
        """The message that a reaction is on; None where it is of no channel of ours, of a program, or gone."""
        channel, ts = event.item.channel, event.item.ts
        if event.item.type != "message" or not services_told_in(channel, self._desk.configuration):
            return None
        try:
            answer = self._desk.web.call(
                "conversations.replies",
                deadline=LOOKING,
                channel=channel,
                ts=ts,
                oldest=ts,
                latest=ts,
                inclusive="true",
                limit=10,
            )
        except TryLater:
            raise
        except AndonError as error:
            self._desk.log("slack does not show a message", channel=channel, problem=str(error))
            return None
        shown = next((one for one in answer.get("messages", ()) if one.get("ts") == ts), None)
        message = Message.read(shown) if shown is not None else None
        return message if message is not None and message.is_spoken else None
