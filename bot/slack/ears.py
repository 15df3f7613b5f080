"""What each kind of request from Slack leads to; the same for HTTP and for Socket Mode."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.domain.button_values import read_value
from bot.domain.chat import Said
from bot.slack.answers import Body
from bot.slack.desk import Desk
from bot.slack.forms.halt_report import HaltForms
from bot.slack.forms.opening import Forms
from bot.slack.forms.sending import Sent
from bot.slack.halting import EVERYTHING, Halting
from bot.slack.hearing import Hearing
from bot.slack.names import Names
from bot.slack.payloads import Envelope, Event, Message, Press, Shortcut, SlashCommand, Submission
from bot.slack.places import Spot, read_said
from bot.slack.pressing import Pressing
from bot.slack.reacting import REACTIONS, Reacting
from bot.slack.recording import Recorder
from bot.slack.talking import Talking
from bot.slack.who import HALT_WAIT, WAIT, Badges, Visitor
from handlers.chat_text import plain
from handlers.commands import load_commands

HALTS = frozenset({"halt", "halt-release"})
"""Behind `/andon` these mean the other command."""


class Ears:
    """Understands a request, hands it to whom it concerns, and gives back the answer."""

    def __init__(self, desk: Desk, badges: Badges) -> None:
        self._desk = desk
        self._badges = badges
        report = HaltForms(desk)
        names = Names(desk.people, desk.later)
        self._forms = Forms(desk, report)
        self._halting = Halting(desk, report)
        self._talking = Talking(desk, load_commands(), self._forms, names)
        self._pressing = Pressing(desk, self._talking, self._halting, self._forms)
        recorder = Recorder(desk, names)
        self._hearing = Hearing(recorder)
        self._reacting = Reacting(desk, recorder)

    def halt_command(self, body: Mapping[str, Any]) -> Body | None:
        """`/halt-release`"""
        return self._halt(SlashCommand.read(body))

    def andon_command(self, body: Mapping[str, Any]) -> Body | None:
        """`/andon`"""
        typed = SlashCommand.read(body)
        words = plain(typed.text).strip()
        first = words.partition(" ")[0].lower()
        if first in HALTS:
            return self._halt(typed.model_copy(update={"text": typed.text.strip()[len(first) :]}))
        said = read_said(words, Spot(typed.channel_id), self._desk.head.store, self._desk.configuration)
        visitor = self._visitor(typed.user_id, typed.team_id)
        return self._talking.command(said, visitor, _delivery(typed.trigger_id), typed.trigger_id)

    def _halt(self, typed: SlashCommand) -> Body:
        words, services = plain(typed.text).strip(), tuple(sorted(self._desk.configuration.policies))
        said = Said(words, services)
        if said.first not in services and said.first.lower() != EVERYTHING:
            # Only a halt that does not name its service waits to know what is open here.
            said = read_said(words, Spot(typed.channel_id), self._desk.head.store, self._desk.configuration)
        visitor = self._visitor(typed.user_id, typed.team_id, HALT_WAIT)
        return self._halting.command(said, visitor, _delivery(typed.trigger_id), typed.trigger_id)

    def press(self, body: Mapping[str, Any]) -> Body | None:
        """A button or a select."""
        press = Press.read(body)
        wait = HALT_WAIT if press.actions[0].action_id == "halt" else WAIT
        return self._pressing.press(press, self._who(press, wait), _delivery(press.trigger_id))

    def answer_press(self, body: Mapping[str, Any], answer: Body | None) -> None:
        """The answer to a press or a shortcut, at the address that came with it."""
        where = body.get("response_url")
        if answer and isinstance(where, str) and where:
            message = {"replace_original": False, **answer}
            self._desk.later("answer a press", lambda: self._desk.web.respond(where, message))

    def submission(self, body: Mapping[str, Any]) -> Body | None:
        """A form."""
        sent = Submission.read(body)
        subjects = read_value(sent.view.private_metadata)
        form = Sent(self._who(sent), subjects, sent.view.values(), _delivery(sent.trigger_id), sent.view.files())
        return self._forms.submit(sent.view.callback_id, form, self._talking.details)

    def shortcut(self, body: Mapping[str, Any]) -> Body | None:
        """A message shortcut."""
        used = Shortcut.read(body)
        return self._reacting.shortcut(used, self._who(used), f"slack:{used.trigger_id}")

    def event(self, body: Mapping[str, Any]) -> None:
        """Something was said or done in a channel. TryLater where it has to be sent again."""
        envelope = Envelope.read(body)
        event, delivery = envelope.event, f"slack:{envelope.event_id}"
        if event.type == "message":
            self._message(event, delivery)
        elif event.type == "reaction_added" and event.reaction in REACTIONS:
            self._reacting.reacted(event, lambda: self._visitor(event.user, ""), delivery)
        elif event.type == "reaction_removed" and event.reaction in REACTIONS:
            self._reacting.unreacted(event, lambda: self._visitor(event.user, ""), delivery)

    def _message(self, event: Event, delivery: str) -> None:
        now, before = event.message, event.previous_message
        if event.subtype == "message_changed" and now is not None and before is not None:
            # A text that stays the same means that a preview was added, or that somebody answered in the thread.
            if before.text != now.text:
                self._hearing.edited(event.channel, before, now, lambda: self._visitor(now.user, ""), delivery)
        elif event.subtype == "message_deleted" and event.deleted_ts and before is not None:
            self._hearing.deleted(event.channel, event.deleted_ts, lambda: self._visitor(before.user, ""), delivery)
        elif event.ts and event.user:
            message = Message.read(event.model_dump(include=set(Message.model_fields)))
            self._hearing.said(event.channel, message, lambda: self._visitor(event.user, ""), delivery)

    def _who(self, interaction: Press | Submission | Shortcut, wait: timedelta = WAIT) -> Visitor:
        return self._visitor(interaction.user.id, interaction.team_id, wait)

    def _visitor(self, person: str, team: str, wait: timedelta = WAIT) -> Visitor:
        return self._badges.visitor(person, team, self._desk.configuration, wait)


def _delivery(key: str) -> str | None:
    return f"slack:{key}" if key else None
