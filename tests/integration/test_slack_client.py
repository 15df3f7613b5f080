"""Calls of Slack's Web API: deadlines, lost answers, refusals, and a token that stays ours."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from support.fake_slack import FakeSlack, Message

from bot.adapters.http import HttpxHttp
from bot.adapters.slack.client import SlackClient
from bot.adapters.slack.failures import SlackRefusal, SlackTokenTrouble
from bot.adapters.slack.scopes import METHODS, needed_scopes
from bot.domain.errors import Refused, StepFailed, TryLater

SHORT = timedelta(seconds=0.6)


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as fake:
        yield fake


@pytest.fixture
def http() -> Iterator[HttpxHttp]:
    made = HttpxHttp()
    yield made
    made.close()


@pytest.fixture
def client(slack: FakeSlack, http: HttpxHttp) -> SlackClient:
    return SlackClient(http, slack.workspace.bot_token, api_url=slack.api_url, deadline=timedelta(seconds=5))


def post(client: SlackClient, **more: Any) -> Any:
    return client.call("chat.postMessage", channel="C0MLREL", text="hello", **more)


def test_a_call_gives_slacks_answer(slack: FakeSlack, client: SlackClient) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "<&> ünï 👩‍👩‍👧"}}]
    answer = post(client, blocks=blocks, thread_ts=None)
    assert answer["ok"]
    assert slack.messages("C0MLREL")[0].blocks == blocks
    assert "thread_ts" not in slack.calls[-1].args


def test_the_identity_names_the_scopes(client: SlackClient) -> None:
    answer, scopes = client.identity()
    assert answer["team_id"] == "T0ANDON"
    assert scopes >= needed_scopes()


def test_every_method_that_reads_is_understood(slack: FakeSlack, client: SlackClient) -> None:
    ts = post(client)["ts"]
    stored = slack.share_file("notes.txt", b"x")
    arguments: dict[str, dict[str, Any]] = {
        "chat.getPermalink": {"channel": "C0MLREL", "message_ts": ts},
        "conversations.history": {"channel": "C0MLREL"},
        "conversations.info": {"channel": "C0MLREL"},
        "conversations.open": {"users": "U0IDA"},
        "conversations.replies": {"channel": "C0MLREL", "ts": ts},
        "files.info": {"file": stored.id},
        "usergroups.users.list": {"usergroup": "S0ONCALL"},
        "users.info": {"user": "U0IDA"},
        "users.lookupByEmail": {"email": "ida@example.com"},
        "auth.test": {},
    }
    for method, values in arguments.items():
        assert client.call(method, **values)["ok"], method


def test_a_method_outside_the_list_is_refused_before_anything_is_sent(slack: FakeSlack, client: SlackClient) -> None:
    with pytest.raises(StepFailed, match="not in the list"):
        client.call("admin.users.remove", user="U0IDA")
    assert slack.calls == []
    assert "admin.users.remove" not in METHODS


@pytest.mark.parametrize(
    ("mode", "applied"),
    [("hang", False), ("hang_after", True), ("drip_after", True)],
)
def test_a_call_ends_at_its_deadline_and_says_that_it_may_have_been_applied(
    slack: FakeSlack, client: SlackClient, mode: str, applied: bool
) -> None:
    slack.fail("chat.postMessage", mode=mode)
    started = time.monotonic()
    with pytest.raises(TryLater) as caught:
        post(client, deadline=SHORT)
    assert time.monotonic() - started < SHORT.total_seconds() + 1
    assert caught.value.ambiguous
    assert len(slack.messages("C0MLREL")) == int(applied)


@pytest.mark.parametrize(("mode", "applied"), [("close", False), ("close_after", True), ("cut_after", True)])
def test_a_lost_connection_is_never_answered_by_a_second_post(
    slack: FakeSlack, client: SlackClient, mode: str, applied: bool
) -> None:
    slack.fail("chat.postMessage", mode=mode)
    with pytest.raises(TryLater) as caught:
        post(client)
    assert caught.value.ambiguous
    assert len(slack.calls_of("chat.postMessage")) == 1
    assert len(slack.messages("C0MLREL")) == int(applied)


def test_a_slack_that_is_not_there_was_surely_not_reached(http: HttpxHttp) -> None:
    with FakeSlack() as gone:
        url = gone.api_url
    client = SlackClient(http, "xoxb-x", api_url=url, deadline=SHORT)
    with pytest.raises(TryLater) as caught:
        post(client)
    assert not caught.value.ambiguous


@pytest.mark.parametrize(("status", "ambiguous"), [(500, True), (502, True), (503, True), (504, True), (408, False)])
def test_a_server_error_is_passing(slack: FakeSlack, client: SlackClient, status: int, ambiguous: bool) -> None:
    slack.fail("chat.postMessage", status=status, mode="garbage", retry_after="9")
    with pytest.raises(TryLater) as caught:
        post(client)
    assert (caught.value.ambiguous, caught.value.delay) == (ambiguous, timedelta(seconds=9))


def test_a_page_in_place_of_an_answer_is_passing(slack: FakeSlack, client: SlackClient) -> None:
    slack.fail("chat.postMessage", status=200, mode="garbage")
    with pytest.raises(TryLater, match="not Slack"):
        post(client)


def test_another_status_without_a_reason_is_permanent(slack: FakeSlack, client: SlackClient) -> None:
    slack.fail("chat.postMessage", status=403, mode="garbage")
    with pytest.raises(SlackRefusal, match="proxy"):
        post(client)


def test_a_limit_carries_the_delay_that_slack_asks_for(slack: FakeSlack, client: SlackClient) -> None:
    slack.limit(burst=0)
    post(client)
    with pytest.raises(TryLater) as caught:
        post(client)
    assert (caught.value.delay, caught.value.ambiguous) == (timedelta(seconds=1), False)
    slack.fail("chat.postMessage", error="ratelimited", retry_after="7200")
    with pytest.raises(TryLater) as caught:
        post(client)
    assert caught.value.delay == timedelta(seconds=60)


@pytest.mark.parametrize(
    ("channel", "code"),
    [("C0NONE", "channel_not_found"), ("C0HIDDEN", "channel_not_found"), ("C0OLD", "is_archived")],
)
def test_a_refusal_carries_slacks_code(client: SlackClient, channel: str, code: str) -> None:
    with pytest.raises(SlackRefusal) as caught:
        client.call("chat.postMessage", channel=channel, text="x")
    assert caught.value.code == code


def test_a_refusal_of_blocks_says_where_and_not_what(client: SlackClient) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "private " * 500}}]
    with pytest.raises(SlackRefusal) as caught:
        post(client, blocks=blocks)
    assert "json-pointer:/blocks/0/text/text" in str(caught.value)
    assert "private" not in str(caught.value)


def test_a_token_that_is_taken_back_is_trouble_with_the_configuration(slack: FakeSlack, client: SlackClient) -> None:
    slack.revoke()
    with pytest.raises(SlackTokenTrouble, match="token_revoked"):
        post(client)


def test_a_scope_that_is_missing_is_named(slack: FakeSlack, client: SlackClient) -> None:
    slack.workspace.scopes.discard("chat:write")
    with pytest.raises(SlackTokenTrouble, match="chat:write"):
        post(client)


FAULTS: list[dict[str, Any]] = [
    {"error": "invalid_auth"},
    {"error": "channel_not_found"},
    {"error": "ratelimited"},
    {"status": 500},
    {"status": 403, "mode": "garbage"},
    {"status": 200, "mode": "garbage"},
    {"mode": "close"},
    {"mode": "cut_after"},
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_token_is_in_no_error_and_in_no_log(
    slack: FakeSlack, client: SlackClient, fault: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    slack.fail("chat.postMessage", **fault)
    with pytest.raises((TryLater, StepFailed, SlackTokenTrouble)) as caught:
        post(client)
    told = f"{caught.value!s} {caught.value!r} {caught.value.__cause__!r} {vars(caught.value)} {caplog.text}"
    assert slack.workspace.bot_token not in told
    assert "hello" not in told


def test_a_shared_file_is_read_as_text(slack: FakeSlack, client: SlackClient) -> None:
    stored = slack.share_file("notes.md", "decision: wäit".encode())
    assert client.text_of_file(stored.id, reader="U0IDA") == ("notes.md", "decision: wäit")


def test_a_file_that_cannot_be_read_says_why(slack: FakeSlack, client: SlackClient, http: HttpxHttp) -> None:
    large = slack.share_file("notes.txt", b"x" * (1024 * 1024 + 1))
    with pytest.raises(SlackRefusal, match="cut after"):
        client.text_of_file(large.id, reader="U0IDA")
    with pytest.raises(SlackRefusal, match="file_not_found"):
        client.text_of_file("F0NONE", reader="U0IDA")
    stored = slack.share_file("notes.txt", b"x")
    stored.mimetype = "text/html"
    assert client.text_of_file(stored.id, reader="U0IDA")[1] == "x"


def test_a_file_is_fetched_only_for_who_may_see_it(slack: FakeSlack, client: SlackClient) -> None:
    stored = slack.share_file("salaries.txt", b"secret", user="U0IDA", channel="C0SECRET")
    assert client.text_of_file(stored.id, reader="U0IDA")[1] == "secret"
    with pytest.raises(Refused, match="not in a public channel"):
        client.text_of_file(stored.id, reader="U0RAJ")
    assert slack.share_file("plan.txt", b"plan", channel="C0MLREL").is_public


def test_two_hundred_messages_with_blocks_are_one_answer(slack: FakeSlack, client: SlackClient) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2_000}}] * 4
    for _ in range(200):
        slack.state.keep(Message("C0MLREL", slack.state.ts(), "U0ANDON", "x", blocks))
    answer = client.call("conversations.history", channel="C0MLREL", limit=200)
    assert len(answer["messages"]) == 200
