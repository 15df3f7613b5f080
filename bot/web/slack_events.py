"""`POST /slack/events`: authentic and new bytes go through in a thread, and the answer goes back as it is."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.domain.errors import BadInput
from bot.domain.strict_json import parse_json
from bot.slack.edge import Reply, SlackEdge
from bot.slack.guard import BODY_CAP, Guard, Seal
from bot.slack.payloads import check_shape
from bot.web.answers import problem
from bot.web.bodies import read_capped
from bot.web.head import Head
from bot.web.metrics import WebMetrics

PATH = "/slack/events"
"""Where commands, interactions and events come in."""

THREADS = 8
"""Requests that are worked on at once: more only wait for each other, in no order."""

_INLINE = 32 * 1024
"""Larger bodies are hashed outside the event loop."""

_CHALLENGE = re.compile(r"[ -~]{1,512}")
_PASSED_ON = ("content-type", "x-slack-retry-num", "x-slack-retry-reason")


class SlackEvents:
    """Nothing is parsed before it is authentic, and no body ever reaches a log."""

    def __init__(self, head: Head, guard: Guard, edge: SlackEdge, metrics: WebMetrics) -> None:
        self._head = head
        self._guard = guard
        self._edge = edge
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="slack")

    def routes(self) -> list[Route]:
        """With and without a slash at the end."""
        return [Route(path, self.receive, methods=["POST"]) for path in (PATH, f"{PATH}/")]

    def start(self) -> None:
        """Make ready what the first request would wait for, where Slack is let in at all."""
        if self._guard.is_open:
            self._edge.desk.later("make ready for Slack", self._edge.warm)

    def stop(self) -> None:
        """Finish what was begun. Blocks."""
        self._threads.shutdown(wait=True)
        self._edge.close()

    async def receive(self, request: Request) -> Response:
        """What Slack is answered; 401 for everybody else."""
        if not self._guard.is_open:
            return problem(404, "Slack is not let in here.", next="set ANDON_SLACK_SIGNING_SECRET")
        raw = await read_capped(request, BODY_CAP)
        seal = Seal.of(request.headers.raw)
        if not await self._is_authentic(raw, seal):
            return self._refuse("not_authentic", "This request is not signed by Slack, or not fresh.")
        try:
            text = raw.decode("utf-8")
            challenge = _challenge(text, request.headers.get("content-type", ""))
        except (UnicodeDecodeError, BadInput):
            return problem(400, "The body cannot be read.")
        return PlainTextResponse(challenge) if challenge is not None else await self._answer(request, text, seal)

    async def _answer(self, request: Request, text: str, seal: Seal) -> Response:
        headers = {name: value for name in _PASSED_ON if (value := request.headers.get(name)) is not None}
        loop = asyncio.get_running_loop()
        reply = await loop.run_in_executor(self._threads, self._take, text, headers, seal)
        if reply is not None:
            return Response(reply.body, reply.status, media_type=reply.content_type)
        if "x-slack-retry-num" in headers:
            # Slack repeats at once what it lost the answer to, within the same second and so with the same signature.
            return PlainTextResponse("")
        return self._refuse("replayed", "This request was sent before.")

    async def _is_authentic(self, raw: bytes, seal: Seal) -> bool:
        check = (raw, seal, self._head.clock.now())
        if len(raw) <= _INLINE:
            return self._guard.is_authentic(*check)
        return await asyncio.to_thread(self._guard.is_authentic, *check)

    def _take(self, text: str, headers: dict[str, str], seal: Seal) -> Reply | None:
        """None where it is a replay. What was not taken may come again."""
        if not self._guard.is_new(seal):
            return None
        reply = self._edge.take(text, headers)
        if reply.status >= 500:
            self._guard.forget(seal)
        return reply

    def _refuse(self, reason: str, words: str) -> Response:
        self._metrics.refused(reason)
        return problem(401, words)


def _challenge(text: str, kind: str) -> str | None:
    """The words that Slack wants to hear back when an address is set up; None for everything else.

    BadInput where the body is neither a JSON object nor a form, which Slack never sends."""
    if "json" not in kind:
        try:
            fields = parse_qs(text, keep_blank_values=True, strict_parsing=True, max_num_fields=200)
        except ValueError as error:
            raise BadInput("The body is no form") from error
        if payload := fields.get("payload"):
            check_shape(_object(payload[0]))
        return None
    body = _object(text)
    check_shape(body)
    if body.get("type") != "url_verification":
        return None
    words = body.get("challenge")
    if not isinstance(words, str) or not _CHALLENGE.fullmatch(words):
        raise BadInput("The challenge cannot be read")
    return words


def _object(text: str) -> dict[str, object]:
    body = parse_json(text.encode())
    if not isinstance(body, dict):
        raise BadInput("The body is no object")
    return body
