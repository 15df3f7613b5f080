"""Answers to what people did: methods of the Web API, and the addresses that Slack gives with a request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.adapters.addresses import parse_address
from bot.adapters.slack.client import SlackClient
from bot.domain.errors import BadInput, ConfigError, StepFailed, TryLater
from bot.plugins import Call
from bot.ports import Http

RESPONSE_HOST = "hooks.slack.com"
DEADLINE = timedelta(seconds=5)


class SlackWeb:
    """Calls and answers with one token. Safe to use from several threads."""

    def __init__(self, client: SlackClient, http: Http, api_url: str) -> None:
        self._client = client
        self._http = http
        # A Slack that stands elsewhere, as in tests, has its addresses there too.
        self._hosts = (RESPONSE_HOST, parse_address(api_url).authority)

    def call(self, method: str, *, deadline: timedelta | None = None, **arguments: Any) -> Mapping[str, Any]:
        """Slack's answer to a method; the errors of `SlackClient.call`."""
        return self._client.call(method, deadline=deadline, **arguments)

    def text_of_file(self, file_id: str, *, reader: str) -> tuple[str, str]:
        """Name and text of a file; the errors of `SlackClient.text_of_file`."""
        return self._client.text_of_file(file_id, reader=reader)

    def file(self, file_id: str, *, reader: str, most: int, deadline: timedelta) -> tuple[str, bytes]:
        """Name and content of a file; the errors of `SlackClient.file`."""
        return self._client.file(file_id, reader=reader, most=most, deadline=deadline)

    def respond(self, response_url: str, message: Mapping[str, Any]) -> None:
        """Answer at the address that came with a request: five times within half an hour. Only Slack's own hosts."""
        if not response_url:
            raise BadInput("This request came without an address for answers")
        reply = self._http.request(
            Call("POST", response_url, json=dict(message), timeout=DEADLINE), allow_hosts=self._hosts
        )
        if reply.status is None or reply.status >= 500:
            raise TryLater("The answer did not reach Slack", ambiguous=reply.was_sent, why=reply.error)
        if reply.status != 200:
            raise StepFailed(
                f"Slack refused an answer with {reply.status}", why="its address has expired or is used up"
            )


class NoSlack:
    """Where no bot token is set."""

    def call(self, method: str, *, deadline: timedelta | None = None, **arguments: Any) -> Mapping[str, Any]:  # noqa: ARG002
        """ConfigError."""
        raise ConfigError(f"{method} cannot be called", why="ANDON_SLACK_BOT_TOKEN is not set")

    def text_of_file(self, file_id: str, *, reader: str) -> tuple[str, str]:  # noqa: ARG002
        """ConfigError."""
        raise ConfigError("The file cannot be fetched", why="ANDON_SLACK_BOT_TOKEN is not set")

    def file(self, file_id: str, *, reader: str, most: int, deadline: timedelta) -> tuple[str, bytes]:  # noqa: ARG002
        """ConfigError."""
        raise ConfigError("The file cannot be fetched", why="ANDON_SLACK_BOT_TOKEN is not set")

    def respond(self, response_url: str, message: Mapping[str, Any]) -> None:  # noqa: ARG002
        """ConfigError."""
        raise ConfigError("Nothing can be answered in Slack", why="ANDON_SLACK_BOT_TOKEN is not set")
