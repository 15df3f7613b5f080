"""The medium that is always there: a notice is published on the incident's page and in the API."""

from __future__ import annotations

from bot.domain.letters import Letter, Posted
from bot.domain.records import Notice
from bot.domain.threads import Thread


class PageMessenger:
    """Publishing is the commit that records the notice as sent, so nothing is left to do here."""

    def send(self, notice: Notice, letter: Letter, thread: Thread | None) -> Posted:  # noqa: ARG002
        """The page shows whatever is recorded as sent."""
        return Posted("", notice.id, letter.link)

    def edit(self, notice: Notice, letter: Letter) -> Posted:
        """The same: what is recorded is what the page shows."""
        return Posted("", notice.ref, letter.link)

    def find(self, notice: Notice, thread: Thread | None) -> None:  # noqa: ARG002
        """Publishing twice is publishing once."""
        return
