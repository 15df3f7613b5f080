"""The medium that is always there: a notice is published on the incident's page and in the API."""

from __future__ import annotations

from bot.domain.records import Notice


class PageMessenger:
    """Publishing is the commit that records the notice as sent, so nothing is left to do here."""

    def send(self, notice: Notice, subject: str, body: str) -> None:
        """The page shows whatever is recorded as sent."""
