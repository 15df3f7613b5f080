"""What each kind of request from Slack leads to; the same for HTTP and for Socket Mode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.button_values import read_value
from bot.domain.errors import BadInput
from bot.slack.answers import Body
from bot.slack.desk import Desk
from bot.slack.forms.halt_report import CALLBACK as REPORT_FORM
from bot.slack.forms.halt_report import HaltForms
from bot.slack.forms.sending import Sent
from bot.slack.halting import Halting
from bot.slack.payloads import Envelope, Interaction, Press, Shortcut, SlashCommand, Submission
from bot.slack.places import Spot, read_said
from bot.slack.who import HALT_WAIT, WAIT, Badges, Visitor
from handlers.chat_text import plain


class Ears:
    """Understands a request, hands it to whom it concerns, and gives back the answer."""

    def __init__(self, desk: Desk, badges: Badges) -> None:
        self._desk = desk
        self._badges = badges
        self._forms = HaltForms(desk)
        self._halting = Halting(desk, self._forms)

    def halt_command(self, body: Mapping[str, Any]) -> Body | None:
        """`/halt-release`"""
        typed = SlashCommand.read(body)
        said = read_said(plain(typed.text), Spot(typed.channel_id), self._desk.head.store, self._desk.configuration)
        visitor = self._badges.visitor(typed.user_id, typed.team_id, self._desk.configuration, HALT_WAIT)
        return self._halting.command(said, visitor, _delivery(typed.trigger_id), typed.trigger_id)

    def andon_command(self, body: Mapping[str, Any]) -> Body | None:
        """`/andon`"""
        raise BadInput("not yet")

    def press(self, body: Mapping[str, Any]) -> Body | None:
        """A button or a select."""
        raise BadInput("not yet")

    def answer_press(self, body: Mapping[str, Any], answer: Body | None) -> None:
        """The answer to a press, at the address that came with it."""
        where = Interaction.read(body).response_url
        if answer and where:
            message = {"replace_original": False, **answer}
            self._desk.later("answer a press", lambda: self._desk.web.respond(where, message))

    def submission(self, body: Mapping[str, Any]) -> Body | None:
        """A form."""
        sent = Submission.read(body)
        subjects = read_value(sent.view.private_metadata)
        form = Sent(self._who(sent), subjects, sent.view.values(), _delivery(sent.trigger_id))
        if sent.view.callback_id == REPORT_FORM:
            return self._forms.submit(form)
        raise BadInput("not yet")

    def shortcut(self, body: Mapping[str, Any]) -> Body | None:
        """A message shortcut."""
        Shortcut.read(body)
        raise BadInput("not yet")

    def event(self, body: Mapping[str, Any]) -> None:
        """Something was said or done in a channel. TryLater where it has to be sent again."""
        Envelope.read(body)

    def _who(self, interaction: Press | Submission | Shortcut) -> Visitor:
        return self._badges.visitor(interaction.user.id, interaction.team_id, self._desk.configuration, WAIT)


def _delivery(key: str) -> str | None:
    return f"slack:{key}" if key else None
