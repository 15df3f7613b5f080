"""Makes letters of notices: words by the templates, buttons and mentions by what the notice's facts say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from bot.domain.letters import Attachment, Button, ButtonStyle, Letter
from bot.domain.records import Notice


class Words(Protocol):
    """Subject and body of a notice."""

    def render(self, notice: Notice) -> tuple[str, str]:
        """StepFailed where the template cannot be used."""
        ...


class Enclosures(Protocol):
    """Files that go with some notices: invitations, summaries."""

    def of(self, notice: Notice) -> tuple[Attachment, ...]: ...


class LetterWriter:
    """`bot.ports.Renderer`."""

    def __init__(self, words: Words, enclosures: Enclosures | None = None) -> None:
        self._words = words
        self._enclosures = enclosures

    def write(self, notice: Notice) -> Letter:
        """The notice in its audience's words. StepFailed where the template cannot be used."""
        subject, body = self._words.render(notice)
        return Letter(
            subject=subject,
            body=body,
            buttons=buttons_of(notice.facts.get("buttons", ())),
            mentions=tuple(map(str, notice.facts.get("mentions", ()))),
            attachments=self._enclosures.of(notice) if self._enclosures else (),
            link=_link(notice),
        )


def buttons_of(written: Iterable[Mapping[str, Any]]) -> tuple[Button, ...]:
    """The buttons as a notice's facts hold them."""
    return tuple(Button(**{**one, "style": ButtonStyle(one.get("style", ""))}) for one in written)


def _link(notice: Notice) -> str | None:
    incident = notice.facts.get("incident")
    address = incident.get("url") if isinstance(incident, Mapping) else notice.facts.get("address")
    return str(address) if address else None
