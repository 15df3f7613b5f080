"""What `andon doctor` says of Slack: which token, which scope, which channel, and what to click."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from support.fake_slack import FakeSlack

from bot.adapters.http import HttpxHttp
from bot.adapters.slack.client import SlackClient
from bot.adapters.slack.doctor import SlackCheck, slack_checks

CHANNELS = {
    "C0MLREL": "engineering",
    "C0SECRET": "product",
    "C0ALONE": "support",
    "C0OLD": "executive",
    "C0HIDDEN": "audit",
    "U0LEO": "executive",
    "U0GONE": "product",
}


@dataclass
class Stage:
    slack: FakeSlack
    http: HttpxHttp

    def client(self, token: str) -> SlackClient:
        return SlackClient(self.http, token, api_url=self.slack.api_url, deadline=timedelta(seconds=1))

    def checks(self, channels: dict[str, str] | None = None, *, app_token: str = "") -> list[SlackCheck]:
        app_client = self.client(app_token) if app_token else None
        return slack_checks(self.client(self.slack.workspace.bot_token), channels or {}, app_client=app_client)


@pytest.fixture
def stage() -> Iterator[Stage]:
    http = HttpxHttp()
    with FakeSlack() as slack:
        yield Stage(slack, http)
    http.close()


def test_a_sound_app_passes_every_check(stage: Stage) -> None:
    checks = stage.checks({"C0MLREL": "engineering", "U0LEO": "executive"}, app_token=stage.slack.workspace.app_token)
    assert [(one.name, one.ok) for one in checks] == [
        ("slack", True),
        ("slack scopes", True),
        ("slack socket mode", True),
        ("slack C0MLREL (engineering)", True),
        ("slack U0LEO (executive)", True),
    ]
    assert checks[0].found == "in Acme (T0ANDON) as andon"
    assert all(one.mend == "" for one in checks)


def test_every_address_is_told_what_is_wrong_with_it_and_how_to_mend_it(stage: Stage) -> None:
    found = {one.name.split()[1]: one for one in stage.checks(CHANNELS) if "(" in one.name}
    assert {name: one.ok for name, one in found.items()} == {
        "C0MLREL": True,
        "C0SECRET": True,
        "C0ALONE": False,
        "C0OLD": False,
        "C0HIDDEN": False,
        "U0LEO": True,
        "U0GONE": False,
    }
    assert found["C0ALONE"].mend == "type `/invite @andon` in #without-the-bot"
    assert "archived" in found["C0OLD"].found
    assert "private" in found["C0HIDDEN"].found
    assert "/invite" in found["C0HIDDEN"].mend
    assert "deactivated" in found["U0GONE"].found


def test_scopes_that_are_missing_are_named_with_what_to_click(stage: Stage) -> None:
    stage.slack.workspace.scopes -= {"usergroups:read", "files:read"}
    bad = [one for one in stage.checks() if not one.ok]
    assert [one.name for one in bad] == ["slack scope files:read", "slack scope usergroups:read"]
    assert all("Reinstall" in one.mend and one.found.startswith("missing: ") for one in bad)


@pytest.mark.parametrize("trouble", ["revoked", "wrong", "down"])
def test_a_token_that_does_not_work_is_the_only_thing_said(stage: Stage, trouble: str) -> None:
    if trouble == "revoked":
        stage.slack.revoke()
    elif trouble == "wrong":
        stage.slack.workspace.bot_token = "xoxb-another"
        checks = slack_checks(stage.client("xoxb-old"), CHANNELS)
    else:
        stage.slack.fail(times=-1, mode="close")
    checks = checks if trouble == "wrong" else stage.checks(CHANNELS)
    assert len(checks) == 1
    assert not checks[0].ok
    assert checks[0].mend
    assert "xoxb" not in checks[0].found


def test_an_app_token_that_cannot_connect_says_where_to_make_one(stage: Stage) -> None:
    check = next(one for one in stage.checks(app_token="xapp-wrong") if one.name == "slack socket mode")
    assert not check.ok
    assert "connections:write" in check.mend
