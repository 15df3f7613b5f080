"""The app's manifest asks for what is called and heard, for nothing else, and says why."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.fake_slack import FakeSlack, Message
from support.fake_slack.other_methods import METHODS as SLACKS_METHODS

from bot.adapters.http import HttpxHttp
from bot.adapters.slack.client import SlackClient
from bot.adapters.slack.failures import SlackTokenTrouble
from bot.adapters.slack.scopes import COMMANDS, EVENTS, METHODS, WITHOUT, needed_scopes

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docs" / "slack-app-manifest.yaml"


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return dict(yaml.safe_load(FILE.read_text("utf-8")))


@pytest.fixture
def scopes(manifest: dict[str, Any]) -> list[str]:
    return list(manifest["oauth_config"]["scopes"]["bot"])


@pytest.fixture
def slack(scopes: list[str]) -> Iterator[FakeSlack]:
    """A workspace whose token has the scopes of the manifest."""
    with FakeSlack() as fake:
        fake.workspace.scopes = set(scopes)
        yield fake


def test_the_scopes_are_those_that_methods_events_and_commands_need(scopes: list[str]) -> None:
    assert sorted(scopes) == sorted(needed_scopes())
    assert set(scopes) == set(WITHOUT), "each says what does not work without it"


def test_every_scope_says_why_it_is_there() -> None:
    lines = re.findall(r"^ {6}- ([a-z:._]+)(.*)$", FILE.read_text("utf-8"), re.MULTILINE)
    explained = {name for name, rest in lines if rest.strip().startswith("# ")}
    assert explained >= needed_scopes()


def test_the_events_are_those_that_are_heard(manifest: dict[str, Any]) -> None:
    assert set(manifest["settings"]["event_subscriptions"]["bot_events"]) == set(EVENTS)


def test_commands_and_shortcuts_are_there(manifest: dict[str, Any]) -> None:
    features = manifest["features"]
    assert [one["command"] for one in features["slash_commands"]] == ["/halt-release", "/andon"]
    assert all(one["should_escape"] for one in features["slash_commands"])
    assert {one["callback_id"]: one["type"] for one in features["shortcuts"]} == {
        "record_decision": "message",
        "record_action_item": "message",
    }
    assert manifest["settings"]["interactivity"]["is_enabled"]


def test_the_texts_fit_slacks_limits(manifest: dict[str, Any]) -> None:
    shown = manifest["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert 174 <= len(shown["long_description"]) <= 4000
    for command in manifest["features"]["slash_commands"]:
        assert re.fullmatch(r"/[a-z-]{1,31}", command["command"])
        assert len(command["description"]) <= 2000
        assert len(command["usage_hint"]) <= 1000
    for shortcut in manifest["features"]["shortcuts"]:
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150


def methods_in_code() -> set[str]:
    """Every text in `bot/` that is the name of a method of Slack's."""
    found = set()
    for path in (ROOT / "bot").rglob("*.py"):
        if path.name == "scopes.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in SLACKS_METHODS:
                found.add(node.value)
    return found


def test_every_method_that_the_code_names_is_in_the_list() -> None:
    assert methods_in_code() >= {"chat.postMessage", "chat.update", "conversations.history", "users.info"}
    assert methods_in_code() <= METHODS.keys()


def arguments(slack: FakeSlack, kind: str) -> dict[str, dict[str, Any]]:
    """Sound arguments for every method, in a channel of a kind."""
    channel = {"public": "C0MLREL", "private": "C0SECRET", "person": slack.state.conversation("U0IDA").id}[kind]
    ts = slack.state.keep(Message(channel, slack.state.ts(), "U0ANDON", "x", bot_id="B0ANDON")).ts
    view = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [{"type": "divider"}]}
    return {
        "auth.test": {},
        "chat.postMessage": {"channel": channel, "text": "x"},
        "chat.postEphemeral": {"channel": channel, "user": "U0IDA", "text": "x"},
        "chat.update": {"channel": channel, "ts": ts, "text": "y"},
        "chat.getPermalink": {"channel": channel, "message_ts": ts},
        "conversations.history": {"channel": channel},
        "conversations.replies": {"channel": channel, "ts": ts},
        "conversations.info": {"channel": channel},
        "conversations.open": {"users": "U0IDA"},
        "files.info": {"file": slack.share_file("notes.txt", b"x").id},
        "usergroups.users.list": {"usergroup": "S0ONCALL"},
        "users.info": {"user": "U0IDA"},
        "users.lookupByEmail": {"email": "ida@example.com"},
        "views.open": {"trigger_id": slack.state.trigger("U0IDA"), "view": view},
        "views.update": {"view_id": slack.state.open_view("U0IDA", view).id, "view": view},
    }


def failing(slack: FakeSlack, http: HttpxHttp) -> set[str]:
    """The methods that a token with the workspace's scopes may not call."""
    client = SlackClient(http, slack.workspace.bot_token, api_url=slack.api_url)
    failed = set()
    for kind in ("public", "private", "person"):
        for method, values in arguments(slack, kind).items():
            if kind == "person" and method == "conversations.info":
                continue  # `andon doctor` asks users.info about people
            try:
                client.call(method, **values)
            except SlackTokenTrouble:
                failed.add(method)
    return failed


def test_with_the_scopes_of_the_manifest_every_method_works_and_without_any_of_them_something_fails(
    slack: FakeSlack, scopes: list[str]
) -> None:
    assert arguments(slack, "public").keys() | {"apps.connections.open"} == METHODS.keys()
    http = HttpxHttp()
    assert failing(slack, http) == set()
    for scope in scopes:
        slack.workspace.scopes = set(scopes) - {scope}
        if scope not in (COMMANDS, "reactions:read"):  # these bring commands and events, which no call shows
            assert failing(slack, http), scope
    http.close()
