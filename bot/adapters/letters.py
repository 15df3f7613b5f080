"""Makes letters of notices: words by the templates, buttons and mentions by what the notice's facts say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from bot.adapters.glossary import Glossary, sentence, word_count
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


EXECUTIVE = "executive"
MOST_WORDS = 119
"""In the body of a notice to executives: under 120."""

MOST_TERMS = 4
"""Explained in one notice."""


class LetterWriter:
    """`bot.ports.Renderer`. Executives get the technical words of a notice explained, as far as there is room."""

    def __init__(self, words: Words, enclosures: Enclosures | None = None, glossary: Glossary | None = None) -> None:
        self._words = words
        self._enclosures = enclosures
        self._glossary = glossary

    def write(self, notice: Notice) -> Letter:
        """The notice in its audience's words. StepFailed where the template cannot be used."""
        subject, body = self._words.render(notice)
        if self._glossary is not None and notice.audience == EXECUTIVE:
            body = explained(body, self._glossary)
        return Letter(
            subject=subject,
            body=body,
            buttons=buttons_of(notice.facts.get("buttons", ())),
            mentions=tuple(map(str, notice.facts.get("mentions", ()))),
            attachments=self._enclosures.of(notice) if self._enclosures else (),
            link=_link(notice),
        )


def explained(body: str, glossary: Glossary) -> str:
    """The body with a line for each technical word before its last paragraph, which says as of when it holds."""
    told, break_, stamp = body.rpartition("\n\n")
    found = glossary.explanations(told, MOST_TERMS, MOST_WORDS - word_count(body))
    lines = "\n".join(sentence(term, line) for term, line in found)
    return f"{told}{break_}{lines}{break_}{stamp}" if lines and told else body


def buttons_of(written: Iterable[Mapping[str, Any]]) -> tuple[Button, ...]:
    """The buttons as a notice's facts hold them."""
    return tuple(Button(**{**one, "style": ButtonStyle(one.get("style", ""))}) for one in written)


def _link(notice: Notice) -> str | None:
    records = (notice.facts.get(name) for name in ("incident", "release", "drill"))
    pages = (one.get("url") for one in records if isinstance(one, Mapping))
    address = next(filter(None, pages), None) or notice.facts.get("address")
    return str(address) if address else None
