"""The whole story with people: a halt at three in the morning, and from then on the bot does the writing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.emulated_slack import BOT_USER, EmulatedSlack, signed
from support.fake_slack import FakeSlack, Message
from support.installation import Up, running_up, until
from support.ledger import Ledger, running_ledger
from support.mail_server import MailServer, mail_server
from support.written_config import BY_KEY, policy, write_config

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SERVICE = "fraud-model"


def people(ledger: str, channel: str = "C0MLREL", lead: str = "U0RAJ", author: str = "U0IDA") -> dict[str, Any]:
    """A policy whose rollback a person approves, with audiences in Slack and by mail."""
    return policy(
        SERVICE,
        ledger,
        authority="rollback_authority",
        summary="Card fraud scores served to checkout",
        roles={"rollback_authority": [author, lead], "endorser": [lead], "champion": [lead]},
        persons={"ida": [author, "ida@example.com"], "raj": [lead, "raj@example.com"]},
        audiences={
            "engineering": {"slack": channel},
            "executive": {"email": ["vp@example.com"], "timezone": "Europe/Berlin"},
        },
        meeting={"invite": ["rollback_authority", "vp@example.com"], "within": "30m"},
        escalation=[{"after": "5m", "notify": "champion"}],
    )


@dataclass
class Stage:
    """A running installation with the people around it."""

    up: Up
    slack: FakeSlack
    mail: MailServer
    ledger: Ledger

    def incident(self) -> dict[str, Any]:
        """The one incident there is, whole."""
        [found] = self.up.api.get("/incidents")["items"]
        return self.up.api.get(f"/incidents/{found['id']}")

    def message(self, what: str, *, channel: str = "C0MLREL", action: str | None = None) -> Message:
        """The newest message with these words (and this button), once it is there."""

        def look() -> Message | None:
            for one in reversed(self.slack.every_message(channel)):
                if what in str([one.text, one.blocks]) and (action is None or action in _actions(one)):
                    return one
            return None

        return until(f"{what!r} is said in {channel}", look, seconds=40)

    def mailed(self, what: str) -> Any:
        """The newest mail with these words in its text."""
        return until(
            f"{what!r} is mailed",
            lambda: next((one.message for one in reversed(self.mail.mails) if what in _text(one.message)), None),
            seconds=40,
        )


def _actions(message: Message) -> set[str]:
    return {
        element["action_id"] for block in message.blocks if block["type"] == "actions" for element in block["elements"]
    }


def _invitations(mail: MailServer) -> list[bytes]:
    parts = [part for one in mail.mails for part in one.message.walk() if part.get_content_type() == "text/calendar"]
    return [bytes(part.get_payload(decode=True)) for part in parts]


def _text(mail: Any) -> str:
    part = mail.get_body(("plain",))
    return f"{mail['Subject']}\n{part.get_content() if part else ''}"


@pytest.fixture
def stage(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    by_socket = getattr(request, "param", "http") == "socket"
    with ExitStack() as stack:
        ledger = stack.enter_context(running_ledger(tmp_path))
        slack, mail = stack.enter_context(FakeSlack()), stack.enter_context(mail_server())
        config = write_config(tmp_path / "config", [people(ledger.url)], [BY_KEY])
        secrets = {"ANDON_SLACK_SIGNING_SECRET": slack.workspace.signing_secret}
        if by_socket:
            secrets = {"ANDON_SLACK_APP_TOKEN": slack.workspace.app_token}
        up = stack.enter_context(
            running_up(
                tmp_path,
                config,
                ANDON_SLACK_BOT_TOKEN=slack.workspace.bot_token,
                ANDON_SLACK_API_URL=slack.api_url,
                ANDON_SMTP_URL=f"smtp://127.0.0.1:{mail.port}?starttls=never",
                ANDON_MAIL_FROM="Andon <andon@example.com>",
                **secrets,
            )
        )
        slack.request_url = None if by_socket else f"{up.api.address}/slack/events"
        if by_socket:
            until("the socket is connected", lambda: slack.sockets.count, seconds=30)
        yield Stage(up, slack, mail, ledger)


def test_from_a_halt_to_the_all_clear_with_hardly_any_typing(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    answer = stage.slack.command("/halt-release", f"{SERVICE} F1 down 15 % since the feature change", user="U0IDA")
    assert answer.status == 200
    acknowledged = time.monotonic() - began
    assert stage.incident()["status"] == "halted"
    stage.message("Halt of fraud-model")
    stage.message("promotion is halted", action="report")
    told = time.monotonic() - began
    first_mail = stage.mailed("No decision is needed")
    invitation = until("the meeting is in calendars", lambda: _invitations(stage.mail), seconds=20)[0]
    assert b"METHOD:REQUEST" in invitation

    view = until("the form is open", lambda: stage.slack.views, seconds=10)[-1]
    stage.slack.submit_view(view, {"metric": "F1 0.92 -> 0.78", "user_effect": "2 % of good cards are declined"})
    correction = stage.mailed("2 % of good cards are declined")
    assert correction["In-Reply-To"] == first_mail["Message-ID"]
    incident = stage.incident()
    assert incident["report"]["user_effect"]["value"] == "2 % of good cards are declined"
    assert incident["owner"] == "U0IDA"

    root = stage.message("promotion is halted", action="report")
    thread = root.thread_ts or root.ts
    stage.slack.say("decision: keep 41 live because F1 is too low", user="U0RAJ", thread=thread)
    stage.slack.say("action: <@U0MIA> check the joins by tomorrow noon", user="U0RAJ", thread=thread)
    items = until("both are recorded", lambda: stage.incident()["action_items"], seconds=20)
    assert (items[0]["owner"], items[0]["text"]) == ("U0MIA", "check the joins")
    assert any(one["kind"] == "decision" for one in stage.incident()["decisions"])

    stage.slack.command("/andon", "meeting start", user="U0IDA")
    stage.slack.command("/andon", "meeting end", user="U0IDA")
    summary = stage.mailed("check the joins")
    assert "keep 41 live" in _text(summary)

    asked = stage.slack.command("/andon", f"rollback {SERVICE} put 41 back", user="U0IDA")
    assert asked.status == 200
    own = stage.message("waits for an approval", action="approve")
    stage.slack.click(own, "approve", user="U0IDA")
    assert stage.ledger.calls(SERVICE) == [], "who asks does not approve"
    stage.slack.click(own, "approve", user="U0RAJ")
    run = until("the run is planned", lambda: stage.incident()["runs"], seconds=20)[0]
    ended = stage.up.api.settled(run["id"], seconds=60)
    assert (ended["status"], ended["approved_by"]) == ("succeeded", "U0RAJ")
    assert len(stage.ledger.effects(SERVICE)) == 1
    answered = stage.message("Approved by")
    assert "approve" not in _actions(answered)

    stage.slack.command("/andon", f"endorse {SERVICE} scores are back to normal", user="U0RAJ")
    stage.mailed("All clear")
    until("it is stable", lambda: stage.incident()["status"] in ("stable", "halted"), seconds=20)
    stage.slack.command("/andon", f"lift {SERVICE} the feature is fixed", user="U0RAJ")
    assert stage.up.api.get(f"/services/{SERVICE}")["state"] in ("normal", "monitoring")
    with capsys.disabled():
        print(f"\n  halt acknowledged after {acknowledged * 1000:.0f} ms, told in Slack after {told:.2f} s")


@pytest.mark.parametrize("stage", ["socket"], indirect=True)
def test_the_same_orders_come_through_socket_mode(stage: Stage) -> None:
    stage.slack.command("/halt-release", f"{SERVICE} scores look wrong", user="U0IDA")
    until("it is halted", lambda: stage.up.api.get(f"/services/{SERVICE}")["state"] == "halted", seconds=20)
    root = stage.message("promotion is halted", action="take")
    stage.slack.click(root, "take", user="U0RAJ")
    until("the owner changed", lambda: stage.incident()["owner"] == "U0RAJ", seconds=20)
    stage.up.kill("chat")
    until("the line is down", lambda: not stage.slack.sockets.count, seconds=20)
    until("another line is up", lambda: stage.slack.sockets.count, seconds=30)
    until(
        "words come through again",
        lambda: stage.slack.command("/andon", "status", user="U0IDA").status == 200,
        seconds=30,
        every=0.5,
    )


def test_a_halt_is_told_in_a_slack_that_others_made(tmp_path: Path, emulated_slack: EmulatedSlack) -> None:
    channel, ada = emulated_slack.channels["ml-incidents"], emulated_slack.users["ada"]
    with running_ledger(tmp_path) as ledger:
        made = people(ledger.url, channel, emulated_slack.users["olga"], ada)
        config = write_config(tmp_path / "config", [made], [BY_KEY])
        with running_up(
            tmp_path,
            config,
            ANDON_SLACK_BOT_TOKEN=emulated_slack.token,
            ANDON_SLACK_SIGNING_SECRET=emulated_slack.signing_secret,
            ANDON_SLACK_API_URL=emulated_slack.base_url,
        ) as up:
            form = {
                "command": "/halt-release",
                "text": f"{SERVICE} F1 fell",
                "user_id": ada,
                "channel_id": channel,
                "team_id": str(emulated_slack.client().auth_test()["team_id"]),
                "trigger_id": emulated_slack.trigger_id("ada"),
                "response_url": f"{emulated_slack.base_url}none",
            }
            body = httpx.QueryParams(form).__str__().encode()
            headers = {
                "Content-Type": "application/x-www-form-urlencoded",
                **signed(emulated_slack.signing_secret, body, int(time.time())),
            }
            answer = up.api.http.post(f"{up.api.address}/slack/events", content=body, headers=headers)
            assert answer.status_code == 200, answer.text
            assert up.api.get(f"/services/{SERVICE}")["state"] == "halted"
            told = until(
                "the notice stands",
                lambda: [one for one in emulated_slack.messages("ml-incidents") if "halted" in str(one)],
                seconds=30,
            )
            assert all(one["user"] == BOT_USER for one in told)
