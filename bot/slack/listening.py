"""Slack's requests on their way through Bolt: one App for HTTP and for Socket Mode, and whatever goes wrong answered.

Bolt's own checks of signatures and tokens are off: `bot.slack.guard` stands in front of it, and Socket Mode needs none.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from bot.adapters.fault_traces import describe_fault
from bot.domain.errors import AndonError, ConfigError, TryLater
from bot.slack.answers import NOT_ACCEPTED, Body, of_error, plainly
from bot.slack.ears import Ears

if TYPE_CHECKING:
    from slack_bolt import App
    from slack_bolt.context.ack import Ack
    from slack_bolt.response import BoltResponse

_log = structlog.get_logger("andon.slack")

EVERY = re.compile(r".*", re.DOTALL)
Listen = Callable[[Mapping[str, Any]], Body | None]


class PassingFault(Exception):
    """It was not taken, and Slack is to send it again."""


def build_bolt(ears: Ears) -> App:
    """The App with its listeners. Nothing of it calls Slack, and nothing of it writes a request into a log."""
    from slack_bolt import App
    from slack_bolt.authorization import AuthorizeResult

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        # Who somebody is and what they may do is looked at by the house, for each order.
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token="unused")  # noqa: S106

    app = App(
        logger=_mute(),
        process_before_response=True,
        raise_error_for_unhandled_request=True,
        request_verification_enabled=False,
        token_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        ignoring_self_events_enabled=False,
        attaching_conversation_kwargs_enabled=False,
        authorize=authorize,
    )
    app.command("/halt-release")(_spoken(ears.halt_command))
    app.command("/andon")(_spoken(ears.andon_command))
    app.action(EVERY)(_pressed(ears))
    app.view(EVERY)(_spoken(ears.submission))
    app.view_closed(EVERY)(_spoken(lambda _: None))
    app.message_shortcut(EVERY)(_pressed_shortcut(ears))
    app.event(EVERY)(_heard(ears))
    app.error(_unanswered)
    return app


def _spoken(listen: Listen) -> Callable[..., None]:
    """The answer goes back in the response."""

    def listener(ack: Ack, body: dict[str, Any]) -> None:
        ack(_answered(listen, body) or "")

    return listener


def _answered(listen: Listen, body: Mapping[str, Any]) -> Body | None:
    try:
        return listen(body)
    except AndonError as error:
        return of_error(error)
    except Exception as error:  # a person waits for an answer
        _log.error("slack_listener_broke", **describe_fault(error))
        return plainly(
            f"{NOT_ACCEPTED} Something in Andon broke; its log says what. The page and the command still work."
        )


def _pressed(ears: Ears) -> Callable[..., None]:
    """Slack shows no answer to a press: it goes to the address that came with it."""

    def listener(ack: Ack, body: dict[str, Any]) -> None:
        ears.answer_press(body, _answered(ears.press, body))
        ack()

    return listener


def _pressed_shortcut(ears: Ears) -> Callable[..., None]:
    def listener(ack: Ack, body: dict[str, Any]) -> None:
        ears.answer_press(body, _answered(ears.shortcut, body))
        ack()

    return listener


def _heard(ears: Ears) -> Callable[..., None]:
    """What was not taken is sent again by Slack; what makes no sense is not."""

    def listener(ack: Ack, body: dict[str, Any]) -> None:
        try:
            ears.event(body)
        except (TryLater, ConfigError) as error:
            raise PassingFault(str(error)) from error
        except AndonError:
            pass
        ack()

    return listener


def _unanswered(error: Exception) -> BoltResponse:
    from slack_bolt.error import BoltUnhandledRequestError
    from slack_bolt.response import BoltResponse

    if isinstance(error, BoltUnhandledRequestError):
        return BoltResponse(status=200, body="")
    if not isinstance(error, PassingFault):
        _log.error("slack_listener_broke", **describe_fault(error))
        return BoltResponse(status=500, body="")
    return BoltResponse(status=503, body="")


def _mute() -> logging.Logger:
    """Bolt writes whole requests into its warnings."""
    logger = logging.getLogger("bot.slack.vendor")
    logger.setLevel(logging.CRITICAL + 1)
    return logger
