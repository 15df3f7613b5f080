"""`/halt-release` end to end: a real web server, a real store, and a Slack whose people type and click."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.slack_world import SlackWorld, slack_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SlackWorld]:
    with slack_world(tmp_path) as made:
        yield made


def test_a_halt_is_durable_before_it_is_acknowledged_and_the_channel_sees_who_what_and_next(world: SlackWorld) -> None:
    answer = world.slack.command("/halt-release", "fraud-model F1 down 15 % since the feature change", user="U0IDA")
    assert answer.status == 200
    assert world.service()["state"] == "halted"
    assert world.service()["halted"]["by"] == "U0IDA"
    shown = world.slack.messages("C0MLREL")[-1]
    assert "fraud-model" in shown.text
    assert "Ida Berg" in shown.text
    assert "lift" in shown.text
    assert {"report", "take"} <= {
        element["action_id"] for block in shown.blocks if block["type"] == "actions" for element in block["elements"]
    }


def test_the_form_opens_with_what_is_known_and_only_the_reason_is_needed(world: SlackWorld) -> None:
    world.slack.command("/halt-release", "fraud-model F1 is down", user="U0IDA")
    view = world.soon(lambda: world.slack.views)[-1]
    needed = [block["block_id"] for block in view.body["blocks"] if block["type"] == "input" and not block["optional"]]
    assert needed == ["reason"]
    answer = world.slack.submit_view(view, {"user_effect": "Some good payments are declined"})
    assert answer.status == 200
    assert view.errors == {}
    assert not view.is_open
