"""Socket Mode: the same words through a connection that Andon opens, kept up through every kind of break."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.fake_slack import FakeSlack, fake_slack
from support.installation import environment
from support.slack_world import CHURN, FRAUD
from support.web_server import TestHead, build_head, configuration_of, wait_until
from support.written_config import WAYS, policy, write_config

from bot.chat import Line, check_tokens
from bot.domain.errors import ConfigError
from bot.settings import Settings
from bot.supervisor import parts_of

pytestmark = pytest.mark.e2e


@dataclass
class Listening(TestHead):
    """The parts of the App that the chat process uses."""

    __test__ = False

    stopping: threading.Event = None  # type: ignore[assignment]


@contextmanager
def listening(folder: Path, slack: FakeSlack) -> Iterator[Any]:
    head = build_head(
        folder,
        ANDON_SLACK_BOT_TOKEN=slack.workspace.bot_token,
        ANDON_SLACK_APP_TOKEN=slack.workspace.app_token,
        ANDON_SLACK_API_URL=slack.api_url,
    )
    head.configuration.current = configuration_of(FRAUD, CHURN)
    app = Listening(**vars(head), stopping=threading.Event())
    thread = threading.Thread(target=Line(app).run, name="line", daemon=True)
    thread.start()
    try:
        yield app
    finally:
        app.stopping.set()
        thread.join(20)
        assert not thread.is_alive(), "the line did not end"
        head.store.close()


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with fake_slack() as made:
        made.wait_up_to(15)
        yield made


def halted(app: Any, name: str = "fraud-model") -> bool:
    with app.store.read() as tx:
        service = tx.service(name)
        return service is not None and service.is_halted


def test_words_forms_and_messages_come_through_the_socket(tmp_path: Path, slack: FakeSlack) -> None:
    with listening(tmp_path, slack) as app:
        assert slack.sockets.wait_for_client()
        answer = slack.command("/halt-release", "fraud-model F1 down 15 % since the feature change", user="U0IDA")
        assert answer.status == 200
        assert halted(app)
        assert "Halt of fraud-model" in str(answer.json)
        wait_until(lambda: bool(slack.views))
        slack.submit_view(slack.views[-1], {"user_effect": "Good payments are declined"})
        assert not slack.views[-1].is_open
        _, said = slack.say("decision: keep 41", user="U0RAJ")
        assert said.status == 200
        with app.store.read() as tx:
            incident = next(iter(tx.open_incidents(["fraud-model"]).values()))
            assert [one.text for one in tx.minutes(incident.id)] == ["keep 41"]


def test_an_envelope_that_comes_again_has_no_second_effect(tmp_path: Path, slack: FakeSlack) -> None:
    with listening(tmp_path, slack) as app:
        assert slack.sockets.wait_for_client()
        _, said = slack.say("decision: too early", user="U0RAJ")
        slack.command("/halt-release", "fraud-model F1 is down", user="U0IDA")
        _, said = slack.say("decision: keep 41", user="U0RAJ")
        assert slack.again(said).status == 200
        with app.store.read() as tx:
            incident = next(iter(tx.open_incidents(["fraud-model"]).values()))
            assert len(tx.minutes(incident.id)) == 1


@pytest.mark.parametrize("how", ["disconnect", "drop"])
def test_the_line_is_taken_up_again_after_every_break(tmp_path: Path, slack: FakeSlack, how: str) -> None:
    with listening(tmp_path, slack) as app:
        assert slack.sockets.wait_for_client()
        getattr(slack.sockets, how)()
        wait_until(lambda: slack.sockets.count >= 1 and len(slack.calls_of("apps.connections.open")) >= 2, 40)
        assert slack.command("/halt-release", "fraud-model F1 is down", user="U0IDA").status == 200
        assert halted(app)


def test_a_slack_that_is_away_at_the_start_is_tried_again(tmp_path: Path, slack: FakeSlack) -> None:
    slack.fail("apps.connections.open", times=2, status=500)
    with listening(tmp_path, slack) as app:
        assert slack.sockets.wait_for_client(20)
        assert slack.command("/halt-release", "fraud-model F1 is down", user="U0IDA").status == 200
        assert halted(app)


def test_what_was_not_taken_is_not_acknowledged_so_that_slack_sends_it_again(tmp_path: Path, slack: FakeSlack) -> None:
    with listening(tmp_path, slack) as app:
        assert slack.sockets.wait_for_client()
        slack.command("/halt-release", "fraud-model F1 is down", user="U0IDA")
        message, _ = slack.say("keep 41", user="U0MIA")
        slack.fail("conversations.replies", status=500)
        slack.wait_up_to(3)
        answer = slack.react(message, "white_check_mark", user="U0RAJ")
        assert answer.status is None
        slack.wait_up_to(15)
        assert slack.again(answer).status == 200
        with app.store.read() as tx:
            incident = next(iter(tx.open_incidents(["fraud-model"]).values()))
            assert [one.text for one in tx.minutes(incident.id)] == ["keep 41"]


def test_a_missing_token_is_said_at_the_start(tmp_path: Path) -> None:
    for env, missing in (
        ({"ANDON_SLACK_BOT_TOKEN": "xoxb-1"}, "ANDON_SLACK_APP_TOKEN"),
        ({"ANDON_SLACK_APP_TOKEN": "xapp-1"}, "ANDON_SLACK_BOT_TOKEN"),
    ):
        head = build_head(tmp_path, **env)
        with pytest.raises(ConfigError, match=missing):
            check_tokens(Listening(**vars(head), stopping=threading.Event()))
        head.store.close()


def test_up_keeps_a_part_that_listens_where_an_app_token_is_set() -> None:
    with_token = Settings.from_environment({"ANDON_SLACK_APP_TOKEN": "xapp-1"})
    assert ("chat",) in [part.words for part in parts_of(with_token)]
    assert ("chat",) not in [part.words for part in parts_of(Settings.from_environment({}))]


def test_the_process_listens_and_ends_when_it_is_told_to(tmp_path: Path, slack: FakeSlack) -> None:
    config = write_config(tmp_path / "config", [policy("fraud-model", "http://127.0.0.1:9")], WAYS.values())
    env = environment(
        ANDON_DATA=str(tmp_path / "var"),
        ANDON_CONFIG=str(config),
        ANDON_SLACK_BOT_TOKEN=slack.workspace.bot_token,
        ANDON_SLACK_APP_TOKEN=slack.workspace.app_token,
        ANDON_SLACK_API_URL=slack.api_url,
    )
    (tmp_path / "var").mkdir()
    subprocess.run([sys.executable, "-m", "bot", "db", "upgrade"], check=True, env=env, capture_output=True)
    process = subprocess.Popen([sys.executable, "-m", "bot", "chat"], env=env, stderr=subprocess.PIPE, text=True)
    try:
        assert slack.sockets.wait_for_client(40)
        answer = slack.command("/halt-release", "fraud-model F1 is down", user="U0IDA")
        assert "Halt of fraud-model" in str(answer.json)
        process.terminate()
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait(10)
    assert process.returncode == 0, said
    assert "F1 is down" not in said
    assert "Traceback" not in said
