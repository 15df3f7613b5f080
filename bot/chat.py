"""The chat process: listens to Slack by Socket Mode, with the same listeners as over HTTP, until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

import structlog

from bot.adapters.http import HttpxHttp
from bot.adapters.process_orders import Reloads, orders
from bot.adapters.process_signals import SignalWatch
from bot.domain.errors import ConfigError
from bot.slack.desk import Head, InForce
from bot.slack.edge import SlackEdge, open_edge

log = structlog.get_logger("andon.chat")

CONCURRENCY = 24
"""Requests that are worked on at once."""

PING_SECONDS = 3.0
"""How often the connection is looked at; one that broke without a word is made anew after this long."""

PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before another try to connect."""

LAST_ANSWERS = timedelta(seconds=3)
"""What was begun when it is told to stop is answered within this time, as far as that is possible."""

_CONNECT = timedelta(seconds=10)
_LOOK = 1.0


class ListenedConfiguration(Reloads, InForce, Protocol):
    """The configuration in force, which can be read again."""


class ChatApp(Head, Protocol):
    """What the chat process needs of the program."""

    @property
    def configuration(self) -> ListenedConfiguration: ...
    @property
    def stopping(self) -> threading.Event: ...


def listen(app: ChatApp) -> int:
    """Listen until SIGTERM or SIGINT (main thread only); the exit status. ConfigError where a token is missing.

    Any number of these may listen at once: Slack gives each request to one of them."""
    check_tokens(app)
    _ = app.intake, app.moves  # made now, so that the first command waits for nothing
    with SignalWatch(orders(app.stopping, app.configuration)):
        Line(app).run()
    return 0


def check_tokens(app: ChatApp) -> None:
    """ConfigError where Socket Mode cannot work."""
    if app.settings.slack_app_token is None:
        raise ConfigError(
            "ANDON_SLACK_APP_TOKEN is not set",
            why="Socket Mode needs it",
            next="make an app-level token at api.slack.com/apps, with the scope connections:write",
        )
    if app.settings.slack_bot_token is None:
        raise ConfigError(
            "ANDON_SLACK_BOT_TOKEN is not set",
            why="without it nobody is recognised",
            next="copy the Bot User OAuth Token of the app",
        )


class Line:
    """One connection to Slack, made anew whenever it breaks."""

    def __init__(self, app: ChatApp) -> None:
        self._app = app
        self._busy = Busy()

    def run(self) -> None:
        """Connect, and stay connected until the app is stopping."""
        edge, http = open_edge(self._app), HttpxHttp()
        handler = self._handler(edge, http)
        try:
            self._connect(handler)
            while not self._app.stopping.wait(_LOOK):
                pass  # the client connects anew by itself
            self._busy.wait(LAST_ANSWERS.total_seconds())
        finally:
            handler.close()
            edge.close()
            http.close()

    def _connect(self, handler: Any) -> None:
        tries = 0
        while not self._app.stopping.is_set():
            try:
                handler.connect()
            except Exception as error:  # the client lets everything through: of the network, of Slack, of its own
                log.warning("chat_not_connected", fault=type(error).__name__, tries=tries + 1)
                self._app.stopping.wait(PAUSES[min(tries, len(PAUSES) - 1)])
                tries += 1
            else:
                log.info("chat_connected")
                return

    def _handler(self, edge: SlackEdge, http: HttpxHttp) -> Any:
        """Bolt's own, which carries no types where they would matter."""
        from slack_bolt.adapter.socket_mode import SocketModeHandler

        from bot.adapters.slack.transport import HttpWebClient

        settings = self._app.settings
        token = settings.slack_app_token.get_secret_value() if settings.slack_app_token else ""
        bolt = edge.bolt()
        handler = SocketModeHandler(
            bolt,
            token,
            logger=bolt.logger,  # mute: the client writes whole messages into its log
            web_client=HttpWebClient(http, token, api_url=settings.slack_api_url, deadline=_CONNECT),
            concurrency=CONCURRENCY,
            ping_interval=PING_SECONDS,
        )
        handler.client.socket_mode_request_listeners[:] = [self._busy.counted(handler.handle)]
        return handler


class Busy:
    """Counts requests that are being worked on."""

    def __init__(self) -> None:
        self._count = 0
        self._change = threading.Condition()

    def counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, counted while it goes on."""

        def call_counted(*args: Any) -> Any:
            with self._change:
                self._count += 1
            try:
                return call(*args)
            finally:
                with self._change:
                    self._count -= 1
                    self._change.notify_all()

        return call_counted

    def wait(self, seconds: float) -> bool:
        """Whether nothing goes on any more within this time."""
        with self._change:
            return self._change.wait_for(lambda: self._count == 0, seconds)
