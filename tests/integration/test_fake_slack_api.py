"""The fake Slack holds its contract: the vendor's own client drives its Web API, and what Slack refuses it refuses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any
from urllib.request import Request, urlopen

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from support.fake_slack import FakeSlack, live_parts, message_faults, view_faults


class SetClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_750_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def slack(clock: SetClock) -> Iterator[FakeSlack]:
    with FakeSlack(clock=clock) as fake:
        yield fake


@pytest.fixture
def client(slack: FakeSlack) -> WebClient:
    return WebClient(slack.workspace.bot_token, base_url=slack.api_url, retry_handlers=[], timeout=5)


def code_of(call: Any) -> str:
    """The code with which a call is refused."""
    with pytest.raises(SlackApiError) as caught:
        call()
    return str(caught.value.response["error"])


def section(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(**more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, **more}


def test_a_token_is_known_by_its_team_and_its_scopes(slack: FakeSlack, client: WebClient) -> None:
    answer = client.auth_test()
    assert (answer["team_id"], answer["user_id"]) == ("T0ANDON", "U0ANDON")
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


def test_a_message_is_posted_threaded_changed_found_and_linked(slack: FakeSlack, client: WebClient) -> None:
    meta = {"event_type": "andon_notice", "event_payload": {"notice": "ntc-1"}}
    first = client.chat_postMessage(channel="C0MLREL", text="one", blocks=[section("one")], metadata=meta)
    client.chat_postMessage(channel="C0MLREL", text="two", thread_ts=first["ts"])
    client.chat_update(channel="C0MLREL", ts=first["ts"], text="one, corrected", blocks=[section("one, corrected")])
    assert [one.text for one in slack.messages("C0MLREL")] == ["one, corrected"]
    assert [one.text for one in slack.thread("C0MLREL", first["ts"])] == ["two"]
    history = client.conversations_history(channel="C0MLREL", include_all_metadata=True)["messages"]
    assert [(one["text"], one["metadata"], one["reply_count"]) for one in history] == [("one, corrected", meta, 1)]
    assert "metadata" not in client.conversations_history(channel="C0MLREL")["messages"][0]
    replies = client.conversations_replies(channel="C0MLREL", ts=first["ts"])["messages"]
    assert [one["text"] for one in replies] == ["one, corrected", "two"]
    link = client.chat_getPermalink(channel="C0MLREL", message_ts=replies[1]["ts"])["permalink"]
    assert link.startswith("https://acme.slack.com/archives/C0MLREL/p")
    assert f"thread_ts={first['ts']}" in link


def test_history_comes_in_pages_newest_first(slack: FakeSlack, client: WebClient) -> None:
    stamps = [client.chat_postMessage(channel="C0PROD", text=str(n))["ts"] for n in range(7)]
    page = client.conversations_history(channel="C0PROD", limit=3)
    assert [one["text"] for one in page["messages"]] == ["6", "5", "4"]
    more = client.conversations_history(channel="C0PROD", limit=3, cursor=page["response_metadata"]["next_cursor"])
    assert [one["text"] for one in more["messages"]] == ["3", "2", "1"]
    since = client.conversations_history(channel="C0PROD", oldest=stamps[4])["messages"]
    assert [one["text"] for one in since] == ["6", "5"]
    inclusive = client.conversations_history(channel="C0PROD", oldest=stamps[4], inclusive=True)["messages"]
    assert [one["text"] for one in inclusive] == ["6", "5", "4"]


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        ("C0NOWHERE", "channel_not_found"),
        ("C0HIDDEN", "channel_not_found"),
        ("C0ALONE", "not_in_channel"),
        ("C0OLD", "is_archived"),
        ("U0NOBODY", "user_not_found"),
        ("U0GONE", "user_disabled"),
    ],
)
def test_a_message_to_where_it_cannot_go_is_refused(
    slack: FakeSlack, client: WebClient, channel: str, code: str
) -> None:
    slack.workspace.scopes.discard("chat:write.public")
    assert code_of(lambda: client.chat_postMessage(channel=channel, text="x")) == code


def test_a_person_gets_a_conversation(slack: FakeSlack, client: WebClient) -> None:
    posted = client.chat_postMessage(channel="U0IDA", text="for you")
    assert posted["channel"].startswith("D")
    assert client.conversations_open(users="U0IDA")["channel"]["id"] == posted["channel"]
    assert [one.text for one in slack.direct("U0IDA")] == ["for you"]


def test_only_own_messages_that_exist_can_be_changed(slack: FakeSlack, client: WebClient) -> None:
    theirs, _ = _silent(slack, "hello")
    assert code_of(lambda: client.chat_update(channel="C0MLREL", ts=theirs, text="x")) == "cant_update_message"
    assert code_of(lambda: client.chat_update(channel="C0MLREL", ts="1.1", text="x")) == "message_not_found"
    assert code_of(lambda: client.chat_delete(channel="C0MLREL", ts=theirs)) == "cant_delete_message"


def _silent(slack: FakeSlack, text: str) -> tuple[str, Any]:
    from support.fake_slack import Message

    message = slack.state.keep(Message("C0MLREL", slack.state.ts(), "U0IDA", text))
    return message.ts, message


def test_tokens_that_are_wrong_revoked_or_of_the_wrong_kind_are_refused(slack: FakeSlack, client: WebClient) -> None:
    stranger = WebClient("xoxb-other", base_url=slack.api_url, retry_handlers=[])
    assert code_of(stranger.auth_test) == "invalid_auth"
    assert code_of(WebClient("", base_url=slack.api_url, retry_handlers=[]).auth_test) == "not_authed"
    assert code_of(lambda: client.apps_connections_open(app_token="xoxb-other")) == "invalid_auth"
    slack.revoke()
    assert code_of(client.auth_test) == "token_revoked"


def test_a_scope_that_is_missing_is_named(slack: FakeSlack, client: WebClient) -> None:
    slack.workspace.scopes -= {"chat:write", "users:read.email", "groups:history"}
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="C0MLREL", text="x")
    assert (caught.value.response["error"], caught.value.response["needed"]) == ("missing_scope", "chat:write")
    assert "email" not in client.users_info(user="U0IDA")["user"]["profile"]
    assert code_of(lambda: client.conversations_history(channel="C0SECRET")) == "missing_scope"


def test_people_and_groups_are_shown_as_they_are(slack: FakeSlack, client: WebClient) -> None:
    ida = client.users_info(user="U0IDA")["user"]
    assert (ida["tz"], ida["profile"]["email"], ida["is_restricted"]) == ("Europe/Berlin", "ida@example.com", False)
    assert client.users_info(user="U0GUEST")["user"]["is_ultra_restricted"]
    assert client.users_info(user="U0ALIEN")["user"]["is_stranger"]
    assert client.users_info(user="U0GONE")["user"]["deleted"]
    assert client.users_lookupByEmail(email="RAJ@example.com")["user"]["id"] == "U0RAJ"
    assert code_of(lambda: client.users_lookupByEmail(email="greta@example.com")) == "users_not_found"
    assert client.usergroups_users_list(usergroup="S0ONCALL")["users"] == ["U0IDA", "U0RAJ"]
    assert code_of(lambda: client.usergroups_users_list(usergroup="S0NONE")) == "no_such_subteam"
    assert len(client.users_list()["members"]) == 11


def test_channels_are_shown_and_joined(slack: FakeSlack, client: WebClient) -> None:
    assert client.conversations_info(channel="C0ALONE")["channel"]["is_member"] is False
    client.conversations_join(channel="C0ALONE")
    assert client.conversations_info(channel="C0ALONE")["channel"]["is_member"] is True
    assert "U0ANDON" in client.conversations_members(channel="C0ALONE")["members"]
    assert code_of(lambda: client.conversations_info(channel="C0HIDDEN")) == "channel_not_found"


def test_an_ephemeral_message_needs_a_member_and_leaves_no_trace(slack: FakeSlack, client: WebClient) -> None:
    client.chat_postEphemeral(channel="C0MLREL", user="U0IDA", text="psst")
    assert [(one.text, one.seen_by) for one in slack.ephemerals] == [("psst", "U0IDA")]
    assert slack.messages("C0MLREL") == []
    assert code_of(lambda: client.chat_postEphemeral(channel="C0PROD", user="U0ALIEN", text="x")) == (
        "user_not_in_channel"
    )


def test_a_file_needs_the_token(slack: FakeSlack, client: WebClient) -> None:
    stored = slack.share_file("notes.txt", b"decision: wait")
    url = client.files_info(file=stored.id)["file"]["url_private_download"]
    with urlopen(Request(url, headers={"Authorization": f"Bearer {slack.workspace.bot_token}"})) as answer:
        assert answer.read() == b"decision: wait"
    with urlopen(url) as answer:
        assert b"Sign in" in answer.read()


def test_a_reaction_counts_once(slack: FakeSlack, client: WebClient) -> None:
    ts = client.chat_postMessage(channel="C0MLREL", text="x")["ts"]
    client.reactions_add(channel="C0MLREL", timestamp=ts, name="pushpin")
    assert code_of(lambda: client.reactions_add(channel="C0MLREL", timestamp=ts, name="pushpin")) == "already_reacted"


def test_a_trigger_is_good_once_and_for_three_seconds(slack: FakeSlack, client: WebClient, clock: SetClock) -> None:
    view = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [section("x")]}
    trigger = slack.state.trigger("U0IDA")
    shown = client.views_open(trigger_id=trigger, view=view)["view"]
    assert code_of(lambda: client.views_open(trigger_id=trigger, view=view)) == "exchanged_trigger_id"
    late = slack.state.trigger("U0IDA")
    clock.now += 3.1
    assert code_of(lambda: client.views_open(trigger_id=late, view=view)) == "expired_trigger_id"
    assert code_of(lambda: client.views_open(trigger_id="made.up", view=view)) == "invalid_trigger_id"
    client.views_update(view_id=shown["id"], hash=shown["hash"], view=view)
    assert code_of(lambda: client.views_update(view_id=shown["id"], hash=shown["hash"], view=view)) == "hash_conflict"
    assert code_of(lambda: client.views_update(view_id="V9", view=view)) == "not_found"


def test_more_than_one_message_a_second_and_channel_is_limited(
    slack: FakeSlack, client: WebClient, clock: SetClock
) -> None:
    slack.limit(burst=2)
    for _ in range(3):
        client.chat_postMessage(channel="C0MLREL", text="x")
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="C0MLREL", text="x")
    assert (caught.value.response.status_code, caught.value.response.headers["retry-after"]) == (429, "1")
    client.chat_postMessage(channel="C0PROD", text="another lane")
    clock.now += 1
    client.chat_postMessage(channel="C0MLREL", text="x")
    assert len(slack.messages("C0MLREL")) == 4


FAULTY_BLOCKS = {
    "section of 3,001": [section("x" * 3001)],
    "empty section": [section("")],
    "section without text": [{"type": "section"}],
    "header of 151": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
    "header in mrkdwn": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
    "51 blocks": [{"type": "divider"}] * 51,
    "unknown block": [{"type": "marquee"}],
    "unknown field": [section("x", colour="red")],
    "26 buttons": [{"type": "actions", "elements": [button(action_id=f"a{n}") for n in range(26)]}],
    "no buttons": [{"type": "actions", "elements": []}],
    "label of 76": [{"type": "actions", "elements": [button(text={"type": "plain_text", "text": "x" * 76})]}],
    "label in mrkdwn": [{"type": "actions", "elements": [button(text={"type": "mrkdwn", "text": "x"})]}],
    "style green": [{"type": "actions", "elements": [button(style="green")]}],
    "value of 2,001": [{"type": "actions", "elements": [button(value="x" * 2001)]}],
    "action_id of 256": [{"type": "actions", "elements": [button(action_id="x" * 256)]}],
    "action_id twice": [{"type": "actions", "elements": [button(), button()]}],
    "block_id of 256": [section("x", block_id="x" * 256)],
    "block_id twice": [section("x", block_id="b"), section("y", block_id="b")],
    "11 fields": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}],
    "field of 2,001": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}],
    "11 parts of context": [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}],
    "confirm without title": [
        {"type": "actions", "elements": [button(confirm={"text": {"type": "plain_text", "text": "x"}})]}
    ],
    "101 options": [
        section(
            "x",
            accessory={
                "type": "static_select",
                "action_id": "s",
                "options": [{"text": {"type": "plain_text", "text": "o"}, "value": str(n)} for n in range(101)],
            },
        )
    ],
    "initial option not offered": [
        section(
            "x",
            accessory={
                "type": "static_select",
                "action_id": "s",
                "options": [{"text": {"type": "plain_text", "text": "o"}, "value": "1"}],
                "initial_option": {"text": {"type": "plain_text", "text": "o"}, "value": "2"},
            },
        )
    ],
    "not a list": "hello",
}


@pytest.mark.parametrize("name", FAULTY_BLOCKS)
def test_blocks_beyond_a_documented_limit_are_refused(slack: FakeSlack, client: WebClient, name: str) -> None:
    code = code_of(lambda: client.chat_postMessage(channel="C0MLREL", text="x", blocks=FAULTY_BLOCKS[name]))
    assert code in ("invalid_blocks", "invalid_blocks_format")
    assert slack.messages("C0MLREL") == []


def test_a_refusal_of_blocks_points_to_what_is_wrong(client: WebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="C0MLREL", text="x", blocks=[section("x" * 3001)])
    assert caught.value.response["response_metadata"]["messages"] == [
        "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    ]


def test_blocks_at_every_limit_are_taken(client: WebClient) -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "x" * 150}},
        section("x" * 3000, block_id="x" * 255),
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 10},
        {
            "type": "actions",
            "elements": [button(action_id=f"a{n}", value="v" * 2000, style="danger") for n in range(25)],
        },
        *[{"type": "divider"}] * 46,
    ]
    assert client.chat_postMessage(channel="C0MLREL", text="x" * 40_000, blocks=blocks)["ok"]


def test_messages_that_are_too_long_are_refused(client: WebClient) -> None:
    assert code_of(lambda: client.chat_postMessage(channel="C0MLREL", text="x" * 40_001)) == "msg_too_long"
    long = [section("x" * 2700) for _ in range(5)]
    assert code_of(lambda: client.chat_postMessage(channel="C0MLREL", text="x", blocks=long)) == "msg_blocks_too_long"
    assert code_of(lambda: client.api_call("chat.postMessage", json={"channel": "C0MLREL"})) == "no_text"
    ts = client.chat_postMessage(channel="C0MLREL", text="x")["ts"]
    assert code_of(lambda: client.chat_update(channel="C0MLREL", ts=ts, text="x" * 4001)) == "msg_too_long"


def test_views_beyond_their_limits_are_refused() -> None:
    title = {"type": "plain_text", "text": "T"}
    field = {"type": "input", "label": title, "element": {"type": "plain_text_input", "action_id": "a"}}
    good = {"type": "modal", "title": title, "submit": title, "blocks": [field]}
    assert view_faults(good) == []
    assert view_faults({**good, "title": {"type": "plain_text", "text": "x" * 25}})
    assert view_faults({**good, "private_metadata": "x" * 3001})
    assert view_faults({**good, "blocks": [{"type": "divider"}] * 101})
    assert view_faults({key: value for key, value in good.items() if key != "submit"})
    assert view_faults({**good, "blocks": [{**field, "element": {"type": "plain_text_input", "max_length": 3001}}]})
    assert view_faults({**good, "type": "window"})
    assert view_faults("modal")


def test_what_would_call_people_is_seen() -> None:
    from support.fake_slack import Message

    text = "<@U0IDA> <!channel> <!subteam^S0ONCALL|x> <#C0MLREL> <https://e.example|go> @here &lt;@U0RAJ&gt;"
    blocks = [section("<@U0MIA>"), {"type": "header", "text": {"type": "plain_text", "text": "<@U0LEO>"}}]
    assert message_faults(blocks) == []
    assert live_parts(Message("C", "1", "U", text, blocks)) == [
        "@U0IDA",
        "!channel",
        "!subteam^S0ONCALL|x",
        "#C0MLREL",
        "https://e.example|go",
        "@here",
        "@U0MIA",
    ]


def test_faults_are_played_in_order_and_end(slack: FakeSlack, client: WebClient) -> None:
    slack.fail("chat.postMessage", error="internal_error")
    slack.fail("chat.postMessage", status=503, mode="garbage")
    slack.fail("chat.postMessage", error="ratelimited", retry_after="30")
    post = lambda: client.chat_postMessage(channel="C0MLREL", text="x")  # noqa: E731
    assert code_of(post) == "internal_error"
    with pytest.raises(SlackApiError):
        post()
    with pytest.raises(SlackApiError) as caught:
        post()
    assert (caught.value.response.status_code, caught.value.response.headers["retry-after"]) == (429, "30")
    assert post()["ok"]
    assert [call.ok for call in slack.calls_of("chat.postMessage")] == [False, False, False, True]


@pytest.mark.parametrize(("mode", "count"), [("close", 0), ("close_after", 1), ("cut_after", 1), ("hang_after", 1)])
def test_an_answer_may_be_lost_before_or_after_it_was_applied(slack: FakeSlack, mode: str, count: int) -> None:
    hasty = WebClient(slack.workspace.bot_token, base_url=slack.api_url, retry_handlers=[], timeout=1)
    slack.fail("chat.postMessage", mode=mode)
    started = time.monotonic()
    with pytest.raises((OSError, HTTPException)):
        hasty.chat_postMessage(channel="C0MLREL", text="x")
    assert time.monotonic() - started < 5
    assert len(slack.messages("C0MLREL")) == count


def test_a_fault_may_choose_by_the_arguments(slack: FakeSlack, client: WebClient) -> None:
    slack.fail("chat.postMessage", error="is_archived", times=-1, when=lambda args: args["channel"] == "C0PROD")
    assert code_of(lambda: client.chat_postMessage(channel="C0PROD", text="x")) == "is_archived"
    assert client.chat_postMessage(channel="C0MLREL", text="x")["ok"]
    slack.recover()
    assert client.chat_postMessage(channel="C0PROD", text="x")["ok"]


def test_a_call_is_recorded_without_its_token(slack: FakeSlack, client: WebClient) -> None:
    client.chat_postMessage(channel="C0MLREL", text="x")
    assert slack.calls[-1].args["channel"] == "C0MLREL"
    assert slack.workspace.bot_token not in repr(slack.calls)


def test_a_method_that_slack_does_not_have_is_refused(client: WebClient) -> None:
    assert code_of(lambda: client.api_call("chat.shout")) == "unknown_method"
