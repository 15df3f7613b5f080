"""`/halt-release`: halts before anything else, answers in the channel, and opens the form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from bot.adapters.slack.mrkdwn import escaped, one_line
from bot.domain.button_values import write_value
from bot.domain.chat import Said
from bot.domain.errors import BadInput
from bot.domain.events import Command, Receipt, Standing
from bot.domain.letters import ButtonStyle
from bot.domain.prefill import fields_in
from bot.domain.words import Word
from bot.flow.offers import Offer, offer
from bot.slack.answers import Body, plainly, to_channel, to_person
from bot.slack.desk import Desk
from bot.slack.forms.halt_report import HaltForms
from bot.slack.who import Visitor
from handlers.subjects import is_like_a_service

EVERYTHING = "all"
LONGEST_REASON = 4000
UNSAID = "no reason given yet"
MOST_CHOICES = 100
CARRIED = 240
"""How many characters of the words go with the question which service; Slack keeps 255 of a block's id."""

BLOCK = "halt?"


@dataclass(frozen=True)
class HaltWish:
    """A halt that somebody asks for, and where the answer goes."""

    visitor: Visitor
    service: str
    reason: str
    delivery: str | None
    trigger: str = ""


class Halting:
    """Halts. Everything that makes a halt nicer comes after its commit."""

    def __init__(self, desk: Desk, forms: HaltForms) -> None:
        self._desk = desk
        self._forms = forms

    def command(self, said: Said, visitor: Visitor, delivery: str | None, trigger: str) -> Body:
        """The answer to `/halt-release [service] [words]`. BadInput, TryLater."""
        service, reason = meant(said)
        if (service is None or service == EVERYTHING) and visitor.actor.standing is Standing.STRANGER:
            visitor.demand_member("halt anything")
        if service == EVERYTHING:
            return _confirm_all(said, reason)
        if service is None:
            return ask_which(said)
        return self.halt(HaltWish(visitor, service, reason, delivery, trigger))

    def halt(self, wish: HaltWish) -> Body:
        """The answer to a halt whose service is known, given after the commit."""
        reason = wish.reason.strip()[:LONGEST_REASON] or UNSAID
        receipt = self._desk.order(
            Command(
                Word.HALT,
                wish.service,
                wish.visitor.actor,
                "slack",
                reason,
                details=self._said(wish),
                delivery=wish.delivery,
            )
        )
        if receipt.refused:
            return plainly(receipt.message)
        incident = receipt.incidents[0] if len(receipt.incidents) == 1 else None
        if incident and wish.trigger:
            self._open_form(incident, wish)
        return self._answer(wish, reason, receipt, incident)

    def _said(self, wish: HaltWish) -> dict[str, Any]:
        """Fields of the report that the words hold already; the form shows them to whoever wrote them."""
        policy = self._desk.configuration.policies.get(wish.service)
        return fields_in(wish.reason, policy.targets) if policy is not None else {}

    def _open_form(self, incident: str, wish: HaltWish) -> None:
        # Slack forgets the trigger after three seconds, and its own answer takes long: nobody waits for it here.
        self._desk.later("open the halt report", lambda: self._forms.open(incident, wish.trigger, wish.reason))

    def _answer(self, wish: HaltWish, reason: str, receipt: Receipt, incident: str | None) -> Body:
        lines = [f"{wish.visitor.name} asked for it: {one_line(reason, 600)}", receipt.message]
        if len(wish.reason.strip()) > LONGEST_REASON:
            lines.append(f"Of your words the first {LONGEST_REASON:,} characters were kept.")
        what = "everything" if wish.service == EVERYTHING else wish.service
        link = f"{self._desk.head.settings.address}/incidents/{incident}" if incident else None
        return to_channel(f"Halt of {what}", "\n".join(lines), _offers(incident), link)


def meant(said: Said) -> tuple[str | None, str]:
    """The service and the reason; None for the service where it has to be asked for."""
    first = said.first
    if first.lower() == EVERYTHING:
        return EVERYTHING, said.rest
    if first in said.services:
        return first, said.rest
    if said.here is not None and not is_like_a_service(first, said):
        return said.here.service, said.words
    if len(said.services) == 1 and not is_like_a_service(first, said):
        return said.services[0], said.words
    return None, said.words


def ask_which(said: Said) -> Body:
    """Which service? Nearest names first."""
    if not said.services:
        raise BadInput("Nothing is protected yet", next="write a policy; `andon init` makes an example")
    near = get_close_matches(said.first, said.services, n=5, cutoff=0.4) if said.first else []
    names = [*near, *(name for name in said.services if name not in near)][:MOST_CHOICES]
    is_wrong = is_like_a_service(said.first, said)
    what = f"There is no service `{escaped(one_line(said.first, 60))}`. " if is_wrong else ""
    reason = said.rest if is_wrong else said.words
    text = f"{what}*Which service is to be halted?* Nothing is halted yet."
    select = {
        "type": "static_select",
        "action_id": str(Word.HALT),
        "placeholder": {"type": "plain_text", "text": "Service"},
        "options": [_option(name) for name in names],
    }
    return {
        "response_type": "ephemeral",
        "text": "Which service is to be halted? Nothing is halted yet.",
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}},
            {"type": "actions", "block_id": BLOCK + one_line(reason, CARRIED), "elements": [select]},
        ],
    }


def carried(block_id: str) -> str:
    """The words that went with the question which service."""
    return block_id.removeprefix(BLOCK) if block_id.startswith(BLOCK) else ""


def _option(name: str) -> dict[str, Any]:
    return {"text": {"type": "plain_text", "text": name[:75]}, "value": name}


def _confirm_all(said: Said, reason: str) -> Body:
    services = ", ".join(said.services[:20]) + (" and more" if len(said.services) > 20 else "")
    value: Mapping[str, str] = {"service": EVERYTHING, "why": reason}
    button: Offer = {
        **offer(Word.HALT, "Halt everything", ButtonStyle.DANGER, "Really everything?"),
        "value": write_value(value),
    }
    text = f"This stops every promotion of {services or 'nothing'}. Nothing is halted yet."
    return to_person("Halt everything?", text, [button])


def _offers(incident: str | None) -> list[Offer]:
    if incident is None:
        return []
    return [
        offer(Word.REPORT, "Say what is known", ButtonStyle.PRIMARY, incident=incident),
        offer(Word.TAKE, "Take it", incident=incident),
        offer(Word.MEETING_START, "Start the meeting", incident=incident),
    ]
