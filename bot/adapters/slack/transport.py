"""The vendor's client over the house's own HTTP, so that its calls have a deadline and tell whether they were sent.

By itself the client uses urllib, whose timeout holds for each read: a peer that sends one byte a second is never
late. It also repeats a call after a lost connection, which posts a message twice.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from slack_sdk import WebClient

from bot.adapters.addresses import parse_address
from bot.plugins import Call, Reply
from bot.ports import Http

MOST_BYTES = 4 * 1024 * 1024
"""Of an answer: two hundred messages with their blocks."""


class NoAnswerFromSlack(Exception):
    """There was no answer, or none that Slack would give; `was_sent`: the call may have had its effect."""

    def __init__(self, words: str, *, was_sent: bool) -> None:
        super().__init__(words)
        self.was_sent = was_sent


class HttpWebClient(WebClient):
    """`slack_sdk.WebClient` whose requests go through `bot.ports.Http`, each once and within `deadline` altogether."""

    def __init__(self, http: Http, token: str, *, api_url: str, deadline: timedelta) -> None:
        super().__init__(token, base_url=api_url, retry_handlers=[], logger=_mute())
        self._http = http
        self._hosts = (parse_address(api_url).authority,)
        self._deadline = deadline

    def _perform_urllib_http_request_internal(self, url: str, req: Any) -> dict[str, Any]:
        """The one place where the client touches the network; a test fails where a version moves it."""
        headers = {name: value for name, value in req.header_items() if name.lower() != "content-length"}
        body = (req.data or b"").decode()
        call = Call("POST", url, headers=headers, text=body, timeout=self._deadline, max_bytes=MOST_BYTES)
        reply = self._http.request(call, allow_hosts=self._hosts)
        return {"status": _judged(reply).status, "headers": dict(reply.headers), "body": reply.text}


def _judged(reply: Reply) -> Reply:
    if reply.status is None:
        raise NoAnswerFromSlack(reply.error, was_sent=reply.was_sent)
    if reply.status == 200 and not isinstance(reply.body, dict):
        raise NoAnswerFromSlack("what answered is not Slack", was_sent=True)
    return reply


def _mute() -> logging.Logger:
    """The client would log every failure, in words of its own and with what was sent."""
    logger = logging.getLogger("bot.adapters.slack.vendor")
    logger.setLevel(logging.CRITICAL + 1)
    return logger
