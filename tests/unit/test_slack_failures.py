"""Every code with which Slack refuses has one meaning: later, never, or the token."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.adapters.slack.failures import (
    LONGEST_DELAY,
    PASSING,
    PERMANENT,
    TOKEN,
    SlackRefusal,
    SlackTokenTrouble,
    asked_delay,
    failure,
)
from bot.domain.errors import ConfigError, StepFailed, TryLater

CODES = [
    ("ratelimited", TryLater),
    ("internal_error", TryLater),
    ("fatal_error", TryLater),
    ("service_unavailable", TryLater),
    ("request_timeout", TryLater),
    ("team_added_to_org", TryLater),
    ("invalid_auth", ConfigError),
    ("not_authed", ConfigError),
    ("token_revoked", ConfigError),
    ("token_expired", ConfigError),
    ("account_inactive", ConfigError),
    ("missing_scope", ConfigError),
    ("not_allowed_token_type", ConfigError),
    ("access_denied", ConfigError),
    ("ekm_access_denied", ConfigError),
    ("channel_not_found", StepFailed),
    ("not_in_channel", StepFailed),
    ("is_archived", StepFailed),
    ("msg_too_long", StepFailed),
    ("msg_blocks_too_long", StepFailed),
    ("no_text", StepFailed),
    ("invalid_blocks", StepFailed),
    ("invalid_blocks_format", StepFailed),
    ("invalid_arguments", StepFailed),
    ("restricted_action", StepFailed),
    ("restricted_action_read_only_channel", StepFailed),
    ("user_not_found", StepFailed),
    ("user_disabled", StepFailed),
    ("cannot_dm_bot", StepFailed),
    ("message_not_found", StepFailed),
    ("cant_update_message", StepFailed),
    ("edit_window_closed", StepFailed),
    ("expired_trigger_id", StepFailed),
    ("unknown_method", StepFailed),
    ("invented_yesterday", StepFailed),
]


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_a_code_has_its_kind_and_says_why(code: str, kind: type[Exception]) -> None:
    error = failure("chat.postMessage", code)
    assert isinstance(error, kind)
    assert code in error.what
    assert error.why


def test_the_three_lists_do_not_overlap() -> None:
    assert not PASSING.keys() & TOKEN.keys()
    assert not PASSING.keys() & PERMANENT.keys()
    assert not TOKEN.keys() & PERMANENT.keys()
    assert len(PASSING) + len(TOKEN) + len(PERMANENT) >= 60


@pytest.mark.parametrize("code", sorted(TOKEN))
def test_trouble_with_the_token_says_what_to_do_next(code: str) -> None:
    error = failure("chat.postMessage", code)
    assert isinstance(error, SlackTokenTrouble)
    assert error.next


@pytest.mark.parametrize("code", ["internal_error", "fatal_error", "service_unavailable"])
def test_where_slack_stumbled_it_may_have_done_the_work(code: str) -> None:
    error = failure("chat.postMessage", code)
    assert isinstance(error, TryLater)
    assert error.ambiguous


def test_a_limit_was_surely_not_passed() -> None:
    error = failure("chat.postMessage", "ratelimited", retry_after="7")
    assert isinstance(error, TryLater)
    assert (error.ambiguous, error.delay) == (False, timedelta(seconds=7))


def test_a_scope_that_is_missing_is_named() -> None:
    assert "channels:history" in str(failure("conversations.history", "missing_scope", needed="channels:history"))
    hostile = str(failure("conversations.history", "missing_scope", needed="<!channel> x" * 99))
    assert "<!channel>" not in hostile


@pytest.mark.parametrize("code", [None, 7, "", "x" * 61, "<!channel>", "a code\nwith a line", {"error": "x"}])
def test_what_is_no_code_is_a_permanent_refusal_that_does_not_repeat_it(code: object) -> None:
    error = failure("chat.postMessage", code)
    assert isinstance(error, SlackRefusal)
    assert "cannot be read" in str(error)
    assert "<!channel>" not in str(error)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("1", 1), ("30", 30), ("0", 1), ("60", 60), ("3600", 60), ("999999999", 60), ("", 5), ("-1", 5), ("soon", 5)],
)
def test_the_delay_is_what_slack_asks_for_within_bounds(given: str, seconds: int) -> None:
    delay = asked_delay(given, otherwise=timedelta(seconds=5))
    assert delay == timedelta(seconds=seconds)
    assert delay <= LONGEST_DELAY
