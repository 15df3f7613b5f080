"""Short answers in chat: what happened, why, what next; as blocks within Slack's limits, with nothing live in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.adapters.slack.blocks import slack_words
from bot.adapters.slack.mrkdwn import escaped, one_line
from bot.domain.errors import AndonError, ConfigError, TryLater
from bot.domain.letters import Button, ButtonStyle, Letter
from bot.flow.offers import Offer

Body = dict[str, Any]
"""What an answer's body holds."""

NOT_ACCEPTED = "Not accepted: nothing was changed."


def to_channel(subject: str, text: str, offers: Sequence[Offer] = (), link: str | None = None) -> Body:
    """An answer that everybody in the channel sees."""
    return {"response_type": "in_channel", **_letter(subject, text, offers, link)}


def to_person(subject: str, text: str, offers: Sequence[Offer] = (), link: str | None = None) -> Body:
    """An answer that only the one who asked sees."""
    return {"response_type": "ephemeral", **_letter(subject, text, offers, link)}


def short(text: str, *, offers: Sequence[Offer] = (), link: str | None = None) -> Body:
    """Some lines for the one who asked, without a title."""
    body = to_person("Andon", text, offers, link)
    return {**body, "text": escaped(one_line(text, 2900)), "blocks": body["blocks"][1:]}


def plainly(text: str) -> Body:
    """One sentence for the one who asked."""
    return {"response_type": "ephemeral", "text": escaped(one_line(text, 2900)), "parse": "none"}


def of_error(error: AndonError) -> Body:
    """Bad news for the one who asked. What passes says that nothing was accepted, whatever its words are."""
    text = str(error)
    if isinstance(error, TryLater | ConfigError):
        text = f"{NOT_ACCEPTED} {text} Try again, or use the page or the `andon` command."
    return plainly(text)


def buttons(offers: Sequence[Mapping[str, str]]) -> tuple[Button, ...]:
    """The buttons of offers."""
    return tuple(
        Button(one["action"], one["label"], one["value"], ButtonStyle(one.get("style", "")), one.get("confirm", ""))
        for one in offers
    )


def _letter(subject: str, text: str, offers: Sequence[Offer], link: str | None) -> Body:
    words = slack_words(Letter(subject, text, buttons(offers), link=link))
    return {"text": words.text, "blocks": words.blocks, "parse": "none"}
