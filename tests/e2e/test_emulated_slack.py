"""The bench of the Slack tests: the emulated Slack does what they rely on, and it leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from support.emulated_slack import (
    APP_ID,
    BOT,
    BOT_ID,
    BOT_TOKEN,
    BOT_USER,
    CACHE,
    CHANNELS,
    CLOSED_CHANNEL,
    PACKAGES,
    SIGNING_SECRET,
    TEAM,
    EmulatedSlack,
    NotHere,
    installed,
    running_slack,
    signed,
)
from support.installation import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

BLOCKS: list[dict[str, Any]] = [
    {"type": "header", "text": {"type": "plain_text", "text": "fraud-model is halted"}},
    {"type": "section", "block_id": "facts", "text": {"type": "mrkdwn", "text": "*Who:* Ada, *since* 12:00 UTC"}},
    {
        "type": "actions",
        "block_id": "answers",
        "elements": [
            {
                "type": "button",
                "action_id": "take",
                "value": "incident=inc-1",
                "text": {"type": "plain_text", "text": "Take over"},
            }
        ],
    },
]


def error_of(call: Callable[[], object]) -> str:
    with pytest.raises(SlackApiError) as caught:
        call()
    return str(caught.value.response["error"])


def test_andon_is_known_by_its_token(emulated_slack: EmulatedSlack) -> None:
    who = emulated_slack.client().auth_test()
    assert (who["team"], who["user"], who["user_id"]) == (TEAM, BOT, BOT_USER)
    assert (who["bot_id"], who["app_id"]) == (BOT_ID, APP_ID)
    assert error_of(emulated_slack.client("").auth_test) == "not_authed"


def test_a_message_with_blocks_stands_where_people_read_it(emulated_slack: EmulatedSlack) -> None:
    client, channel = emulated_slack.client(), emulated_slack.channels["ml-incidents"]
    posted = client.chat_postMessage(channel=channel, text="fraud-model is halted", blocks=BLOCKS)
    answer = client.chat_postMessage(channel=channel, text="The rollback runs", thread_ts=posted["ts"])
    first, second = emulated_slack.thread("ml-incidents", posted["ts"])
    assert (first["ts"], first["text"], first["user"]) == (posted["ts"], "fraud-model is halted", BOT_USER)
    assert first["blocks"] == BLOCKS
    assert first["reply_count"] == 1
    assert (second["ts"], second["thread_ts"]) == (answer["ts"], posted["ts"])
    assert emulated_slack.messages("ml-incidents")[0]["ts"] == posted["ts"]
    assert emulated_slack.messages("product") == []
    link = client.chat_getPermalink(channel=channel, message_ts=posted["ts"])["permalink"]
    assert channel in link


def test_a_message_is_edited_in_place(emulated_slack: EmulatedSlack) -> None:
    client, channel = emulated_slack.client(), emulated_slack.channels["ml-incidents"]
    posted = client.chat_postMessage(channel=channel, text="2 min left", blocks=BLOCKS)
    client.chat_update(channel=channel, ts=posted["ts"], text="restored", blocks=BLOCKS[:1])
    [message] = emulated_slack.messages("ml-incidents")
    assert (message["ts"], message["text"], message["blocks"]) == (posted["ts"], "restored", BLOCKS[:1])
    assert message["edited"]
    assert error_of(lambda: client.chat_update(channel=channel, ts="1.000001", text="x")) == "message_not_found"
    theirs = emulated_slack.person("ada").chat_postMessage(channel=channel, text="on it")
    assert error_of(lambda: client.chat_update(channel=channel, ts=theirs["ts"], text="x")) == "cant_update_message"


def test_reactions_are_added_once_and_seen(emulated_slack: EmulatedSlack) -> None:
    channel = emulated_slack.channels["ml-incidents"]
    ada, client = emulated_slack.person("ada"), emulated_slack.client()
    posted = ada.chat_postMessage(channel=channel, text="action: roll the feature back")
    place = {"channel": channel, "timestamp": posted["ts"]}
    client.reactions_add(**place, name="white_check_mark")
    ada.reactions_add(**place, name="white_check_mark")
    assert error_of(lambda: client.reactions_add(**place, name="white_check_mark")) == "already_reacted"
    [reaction] = client.reactions_get(**place)["message"]["reactions"]
    assert (reaction["name"], reaction["count"]) == ("white_check_mark", 2)
    assert reaction["users"] == [BOT_USER, emulated_slack.users["ada"]]
    client.reactions_remove(**place, name="white_check_mark")
    assert error_of(lambda: client.reactions_remove(**place, name="white_check_mark")) == "no_reaction"


def test_people_are_found_by_their_address(emulated_slack: EmulatedSlack) -> None:
    client = emulated_slack.client()
    found = client.users_lookupByEmail(email="ada@example.com")["user"]
    assert (found["id"], found["real_name"]) == (emulated_slack.users["ada"], "Ada Lovelace")
    assert error_of(lambda: client.users_lookupByEmail(email="nobody@example.com")) == "users_not_found"


def test_a_person_is_written_to_directly(emulated_slack: EmulatedSlack) -> None:
    client = emulated_slack.client()
    posted = client.chat_postMessage(channel=emulated_slack.users["otto"], text="Your approval is needed")
    assert posted["channel"].startswith("D")
    read = emulated_slack.person("otto").conversations_history(channel=posted["channel"])["messages"]
    assert [message["text"] for message in read] == ["Your approval is needed"]
    assert error_of(lambda: emulated_slack.person("ada").conversations_history(channel=posted["channel"]))


def test_a_form_opens_by_a_fresh_trigger_only(emulated_slack: EmulatedSlack) -> None:
    client = emulated_slack.client()
    view = {
        "type": "modal",
        "callback_id": "halt",
        "title": {"type": "plain_text", "text": "Halt"},
        "blocks": BLOCKS[1:2],
    }
    trigger = emulated_slack.trigger_id("ada")
    opened = client.views_open(trigger_id=trigger, view=view)["view"]
    assert opened["callback_id"] == "halt"
    assert opened["id"] in emulated_slack.inspected("views")
    assert error_of(lambda: client.views_open(trigger_id=trigger, view=view)) == "exchanged_trigger_id"
    assert error_of(lambda: client.views_open(trigger_id="1.2.3", view=view)) == "invalid_trigger_id"


def test_errors_are_called_as_slack_calls_them(emulated_slack: EmulatedSlack) -> None:
    client, channels = emulated_slack.client(), emulated_slack.channels
    post = client.chat_postMessage
    assert error_of(lambda: post(channel="C0NOWHERE00", text="x")) == "channel_not_found"
    assert error_of(lambda: post(channel=channels[CLOSED_CHANNEL], text="x")) == "not_in_channel"
    emulated_slack.person("ada").conversations_archive(channel=channels["product"])
    assert error_of(lambda: post(channel=channels["product"], text="x")) == "is_archived"


def test_a_scope_that_andon_does_not_have_is_missed(tmp_path: Path, emulated_slack: EmulatedSlack) -> None:
    assert error_of(lambda: emulated_slack.client().pins_list(channel=emulated_slack.channels["general"])) == (
        "missing_scope"
    )
    with running_slack(tmp_path / "poor", scopes=["chat:write"]) as poor:
        poor.client().chat_postMessage(channel=poor.channels["support"], text="x")
        assert error_of(poor.client().users_list) == "missing_scope"


def test_a_signed_request_is_one_that_slack_would_sign() -> None:
    secret, moment = "8f742231b10e8888abcd99yyyzzz85a5", 1531420618
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = signed(secret, body, moment)
    assert headers == {
        "X-Slack-Request-Timestamp": "1531420618",
        "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    now = int(time.time())
    verifier = SignatureVerifier(SIGNING_SECRET)
    assert verifier.is_valid_request(body.encode(), signed(SIGNING_SECRET, body.encode(), now))
    assert not verifier.is_valid_request(body.encode() + b" ", signed(SIGNING_SECRET, body, now))


def test_a_package_that_is_not_the_pinned_one_is_not_installed(tmp_path: Path, emulated_slack: EmulatedSlack) -> None:
    before = sorted((CACHE / "emulate").iterdir())
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGES / name, tmp_path)
    lock = json.loads((tmp_path / "package-lock.json").read_text())
    entry = lock["packages"]["node_modules/emulate"]
    entry["integrity"] = f"sha512-{'A' * 86}=="
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    with pytest.raises(NotHere, match="EINTEGRITY"):
        installed(tmp_path)
    assert sorted((CACHE / "emulate").iterdir()) == before
    assert emulated_slack.client().auth_test()["ok"]


def listens(base_url: str) -> bool:
    port = int(base_url.split(":")[2].split("/", maxsplit=1)[0])
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def group_of(base_url: str) -> list[int]:
    """Processes of the server, found by its port on their command lines."""
    port = base_url.split(":")[2].split("/", maxsplit=1)[0]
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        line = process.info["cmdline"] or []
        if port in line and any(part.endswith("/emulate/dist/index.js") for part in line):
            found.append(int(process.info["pid"]))
    return found


def test_nothing_is_left_after_its_end(tmp_path: Path, emulated_slack: EmulatedSlack) -> None:
    with running_slack(tmp_path / "another") as slack:
        assert listens(slack.base_url)
        assert len(group_of(slack.base_url)) == 1
        assert slack.channels.keys() == {"general", "random", *CHANNELS, CLOSED_CHANNEL}
    assert not listens(slack.base_url)
    assert group_of(slack.base_url) == []
    assert listens(emulated_slack.base_url)


STARTED_AND_LEFT = """
import json, sys, threading
from pathlib import Path
from support.emulated_slack import running_slack

with running_slack(Path(sys.argv[1])) as slack:
    print(json.dumps(slack.base_url), flush=True)
    threading.Event().wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent has died")
def test_it_ends_when_the_tests_are_killed(tmp_path: Path, checkout: Path, emulated_slack: EmulatedSlack) -> None:
    path = os.pathsep.join([str(checkout), str(checkout / "tests")])
    tests = subprocess.Popen(
        [sys.executable, "-c", STARTED_AND_LEFT, str(tmp_path / "left")],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert tests.stdout is not None
    address = json.loads(tests.stdout.readline())
    assert listens(address)
    tests.send_signal(signal.SIGKILL)
    tests.wait(10)
    tests.stdout.close()
    until("the server has ended", lambda: group_of(address) == [] and not listens(address), seconds=15)
    assert emulated_slack.client(BOT_TOKEN).auth_test()["ok"]
