"""`/halt-release` end to end: a real web server, a real store, and a Slack whose people type and click."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.fake_slack import Message, live_parts
from support.slack_world import SlackWorld, slack_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SlackWorld]:
    with slack_world(tmp_path) as made:
        yield made


def clickable(message: Message) -> set[str]:
    """The actions that a message offers."""
    return {
        element["action_id"] for block in message.blocks if block["type"] == "actions" for element in block["elements"]
    }


def words(message: Message) -> str:
    """All that a message says."""
    return str([message.text, *message.blocks])


def known(view: Any) -> dict[str, str]:
    """What a form shows filled in."""
    inputs = [block for block in view.body["blocks"] if block["type"] == "input"]
    return {
        block["block_id"]: block["element"]["initial_value"] for block in inputs if "initial_value" in block["element"]
    }


def test_a_halt_is_durable_before_it_is_acknowledged_and_the_channel_sees_who_what_and_next(world: SlackWorld) -> None:
    answer = world.slack.command("/halt-release", "fraud-model F1 down 15 % since the feature change", user="U0IDA")
    assert answer.status == 200
    assert world.service()["state"] == "halted"
    assert world.service()["halted"]["by"] == "U0IDA"
    shown = world.slack.messages("C0MLREL")[-1]
    assert "Halt of fraud-model" in words(shown)
    assert "Ida Berg" in words(shown)
    assert "lift" in words(shown)
    assert world.incidents[0]["id"] in words(shown)
    assert {"report", "take"} <= clickable(shown)


def test_the_form_opens_with_what_the_words_say_and_only_the_reason_is_needed(world: SlackWorld) -> None:
    world.slack.command("/halt-release", "fraud-model F1 down 15 % since the feature change", user="U0IDA")
    view = world.soon(lambda: world.slack.views)[-1]
    assert view.user == "U0IDA"
    inputs = [block for block in view.body["blocks"] if block["type"] == "input"]
    assert [block["block_id"] for block in inputs if not block["optional"]] == ["reason"]
    assert known(view)["reason"] == "F1 down 15 % since the feature change"
    assert known(view)["metric"] == "F1 (-15 %)"
    assert known(view)["suspected_cause"] == "the feature change"


def test_the_form_holds_what_firing_alerts_said_with_its_source(world: SlackWorld) -> None:
    world.web.alert(alertname="Divergence", metric="disagreement", value="0.14", slice="EU cards", fp="a")
    world.slack.command("/halt-release", "fraud-model looks wrong", user="U0IDA")
    view = world.soon(lambda: world.slack.views)[-1]
    assert known(view)["metric"] == "disagreement is 0.14"
    assert known(view)["seen"] == "production, EU cards"
    metric = next(block for block in view.body["blocks"] if block.get("block_id") == "metric")
    assert "alert Divergence" in metric["hint"]["text"]


def test_what_is_sent_with_the_form_is_kept_in_its_types_and_closes_it(world: SlackWorld) -> None:
    world.slack.command("/halt-release", "fraud-model F1 is down", user="U0IDA")
    view = world.soon(lambda: world.slack.views)[-1]
    filled = {
        "metric": "F1 0.92 -> 0.78",
        "confidence_interval": "0.76 to 0.80 at 95 %; acceptable: 0.90",
        "reproduced": "3 of 5",
        "estimate": "2-4 hours",
        "evidence": "https://grafana.example.com/d/1 and https://example.com/2",
        "user_effect": "Some good payments are declined",
    }
    answer = world.slack.submit_view(view, filled)
    assert answer.status == 200
    assert view.errors == {}
    assert not view.is_open
    with world.head.store.read() as tx:
        kept = {fact.field: fact for fact in tx.facts(world.incidents[0]["id"]) if fact.is_known}
    assert kept["metric"].value == {"name": "F1", "before": 0.92, "now": 0.78, "change_percent": -15.2}
    assert kept["confidence_interval"].value["threshold"] == 0.9
    assert kept["reproduced"].value == {"times": 3, "of": 5}
    assert kept["estimate"].value == {"low": "2h", "high": "4h"}
    assert len(kept["evidence"].value) == 2
    assert kept["user_effect"].source == "said by U0IDA"


def test_what_cannot_be_read_is_said_at_its_field_and_nothing_typed_is_lost(world: SlackWorld) -> None:
    world.slack.command("/halt-release", "fraud-model F1 is down", user="U0IDA")
    view = world.soon(lambda: world.slack.views)[-1]
    world.slack.submit_view(view, {"metric": "15 %", "estimate": "soon", "evidence": "see above"})
    assert set(view.errors) == {"metric", "estimate", "evidence"}
    assert "F1 down 15 %" in view.errors["metric"]
    assert view.is_open
    world.slack.submit_view(view, {"metric": "F1 down 15 %", "estimate": "2h to 1d"})
    assert not view.is_open


def test_a_form_that_cannot_be_opened_is_offered_by_a_button(world: SlackWorld) -> None:
    world.slack.fail("views.open", error="expired_trigger_id")
    world.slack.command("/halt-release", "fraud-model F1 is down", user="U0IDA")
    world.soon(lambda: world.slack.calls_of("views.open"))
    assert world.slack.views == []
    shown = world.slack.messages("C0MLREL")[-1]
    world.slack.click(shown, "report", user="U0RAJ")
    view = world.soon(lambda: world.slack.views)[-1]
    assert view.user == "U0RAJ"
    assert known(view)["reason"] == "F1 is down"


def test_without_a_service_it_asks_with_a_select_and_halts_what_is_chosen_with_the_words(world: SlackWorld) -> None:
    world.slack.command("/halt-release", "F1 is down everywhere", user="U0IDA", channel="C0PROD")
    asked = world.answered("U0IDA")
    assert world.incidents == []
    answer = world.slack.click(asked, "halt", value="fraud-model", user="U0IDA")
    assert answer.status == 200
    assert world.service()["halted"]["reason"] == "F1 is down everywhere"
    world.soon(lambda: [one for one in world.slack.messages("C0PROD") if "Halt of fraud-model" in words(one)])
    assert world.soon(lambda: world.slack.views)[-1].user == "U0IDA"


def test_a_mistyped_service_halts_nothing_and_the_nearest_is_offered_first(world: SlackWorld) -> None:
    world.slack.command("/halt-release", "fraud-modle F1 is down", user="U0IDA")
    asked = world.answered("U0IDA")
    assert "fraud-modle" in words(asked)
    select = next(block for block in asked.blocks if block["type"] == "actions")["elements"][0]
    assert [option["value"] for option in select["options"]] == ["fraud-model", "churn-model"]
    assert world.incidents == []
    world.slack.click(asked, "halt", value="fraud-model", user="U0IDA")
    assert world.service()["halted"]["reason"] == "F1 is down"


def test_in_the_channel_of_an_open_incident_the_service_need_not_be_typed(world: SlackWorld) -> None:
    world.web.alert(alertname="Nothing", fp="n")
    world.slack.command("/halt-release", "it spreads", user="U0IDA", channel="C0MLREL")
    assert world.service()["halted"]["reason"] == "it spreads"


def test_everything_is_halted_only_after_a_confirmation(world: SlackWorld) -> None:
    world.slack.command("/halt-release", "all the feature store; it lies & <burns>", user="U0LEO")
    asked = world.answered("U0LEO")
    assert world.incidents == []
    world.slack.click(asked, "halt", user="U0LEO")
    assert {one["service"] for one in world.incidents} == {"fraud-model", "churn-model"}
    assert world.service()["halted"]["reason"] == "the feature store; it lies & <burns>"


def test_a_second_halt_joins_the_first(world: SlackWorld) -> None:
    world.slack.command("/halt-release", "fraud-model F1 is down", user="U0IDA")
    world.slack.command("/halt-release", "fraud-model AUC too", user="U0RAJ")
    assert len(world.incidents) == 1
    assert "halted already, by U0IDA" in words(world.slack.messages("C0MLREL")[-1])


def test_simultaneous_halts_give_one_incident_and_one_halt(world: SlackWorld) -> None:
    pairs = 12
    with ThreadPoolExecutor(2) as pool:
        for number in range(pairs):
            service = ("fraud-model", "churn-model")[number % 2]
            people = ("U0LEO", "U0LEO") if service == "churn-model" else ("U0IDA", "U0RAJ")
            answers = list(
                pool.map(
                    lambda user, service=service, number=number: world.slack.command(
                        "/halt-release", f"{service} round {number}", user=user
                    ),
                    people,
                )
            )
            assert [answer.status for answer in answers] == [200, 200]
            with world.head.store.read() as tx:
                open_ones = tx.open_incidents([service])
            assert len(open_ones) == 1
            incident = next(iter(open_ones.values()))
            lines = [one["kind"] for one in next(i for i in world.incidents if i["id"] == incident.id)["timeline"]]
            assert lines.count("halt") == 2
            world.slack.command(
                "/andon", f"lift {service} round {number} is over", user="U0LEO" if "U0LEO" in people else "U0RAJ"
            )
            world.slack.command("/andon", f"resolve {service} round {number} is over", user=people[0])


def test_slack_down_during_a_halt_changes_nothing_about_the_halt(world: SlackWorld) -> None:
    world.slack.fail("*", times=-1, mode="close")
    answer = world.slack.command("/halt-release", "fraud-model F1 is down", user="U0IDA")
    assert answer.status == 200
    assert answer.seconds < 2.5
    assert world.service()["state"] == "halted"
    assert "halted" in str(answer.json)


def test_a_slack_that_does_not_answer_delays_a_halt_by_a_second_at_most(world: SlackWorld) -> None:
    world.slack.fail("users.info", times=-1, mode="hang", seconds=20)
    answer = world.slack.command("/halt-release", "fraud-model F1 is down", user="U0IDA")
    assert answer.status == 200
    assert answer.seconds < 2.5
    assert world.service()["state"] == "halted"
    world.slack.recover()


def test_a_revoked_token_does_not_stop_a_halt(world: SlackWorld) -> None:
    world.slack.revoke()
    assert world.slack.command("/halt-release", "fraud-model F1 is down", user="U0IDA").status == 200
    assert world.service()["state"] == "halted"


def test_the_halter_is_told_that_nothing_was_accepted_while_the_database_is_away(world: SlackWorld) -> None:
    world.head.store.close()
    path = world.head.settings.data / "andon.db"
    path.rename(path.with_name("gone.db"))
    path.mkdir()
    answer = world.slack.command("/halt-release", "fraud-model F1 is down", user="U0IDA")
    assert answer.status == 200
    assert "Not accepted" in str(answer.json)
    assert "Not accepted" in words(world.answered("U0IDA"))


HOSTILE = {
    "long": "F1 is down " + "very " * 2000,
    "mentions": "<!channel> <!here> <@U0SUE> <!subteam^S0ONCALL|@ml-oncall> @channel @here",
    "emoji": "🔥🔥 :fire: 👩‍👩‍👧‍👦 é",
    "right to left": "\u202eמודל שבור\u202c العربية",
    "code": "```<!channel>```\n`*bold*` ~strike~ > quote\n```",
    "markup": "<https://evil.example|click me> <script>alert(1)</script> &lt;!channel&gt;",
    "control": "a\x00b\x1b[31mc\x7f",
    "lines": "\n\n\n\r\n\u2028x\u2029",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_words_halt_and_come_to_life_nowhere(world: SlackWorld, name: str) -> None:
    answer = world.slack.command("/halt-release", f"fraud-model {HOSTILE[name]}", user="U0IDA")
    assert answer.status == 200
    assert world.service()["state"] == "halted"
    page = f"/incidents/{world.incidents[0]['id']}|The page shows more"
    assert [one.endswith(page) for one in live_parts(world.slack.messages("C0MLREL")[-1])] == [True]
    view = world.soon(lambda: world.slack.views)[-1]
    assert world.slack.submit_view(view, {"user_effect": HOSTILE[name][:2900]}).status == 200
    assert world.slack.command("/andon", "timeline fraud-model", user="U0IDA").status == 200
    assert [one.endswith(page) for one in live_parts(world.answered("U0IDA"))] == [True]


def test_files_in_the_form_are_kept_with_their_digests(world: SlackWorld) -> None:
    world.slack.command("/halt-release", "fraud-model F1 is down", user="U0IDA")
    view = world.soon(lambda: world.slack.views)[-1]
    content = b"\x89PNG\x00\xff"
    shot = world.slack.share_file("shot.png", content)
    world.slack.submit_view(view, {"user_effect": "cards are declined", "files": [shot.id]})
    assert not view.is_open
    report = world.incidents[0]["report"]
    digest = hashlib.sha256(content).hexdigest()
    assert report["files"]["value"] == [{"name": "shot.png", "sha256": digest, "size": len(content)}]
    assert report["files"]["by"] == "U0IDA"
    assert report["user_effect"]["value"] == "cards are declined"
    with world.head.store.read() as tx:
        file = tx.kept_file(digest)
    assert file is not None
    assert file.content == content


def test_a_file_that_cannot_be_fetched_is_said_at_its_field_and_nothing_is_recorded_by_halves(
    world: SlackWorld,
) -> None:
    world.slack.command("/halt-release", "fraud-model F1 is down", user="U0IDA")
    view = world.soon(lambda: world.slack.views)[-1]
    world.slack.submit_view(view, {"user_effect": "cards are declined", "files": ["F0NONE"]})
    assert view.is_open
    assert "file_not_found" in view.errors["files"]
    assert "user_effect" not in {name for name, one in world.incidents[0]["report"].items() if one["value"] is not None}
    world.slack.submit_view(view, {"user_effect": "cards are declined"})
    assert world.incidents[0]["report"]["user_effect"]["value"] == "cards are declined"


def test_a_file_shared_in_slack_is_attached_by_its_link_but_not_by_a_guest(world: SlackWorld) -> None:
    world.halt()
    shot = world.slack.share_file("shot.png", b"\x89PNG\x00")
    link = f"<https://acme.slack.com/files/U0IDA/{shot.id}/shot.png>"
    assert "only full members" in world.said("U0GUEST", f"attach {link}")
    assert "files" not in world.incidents[0]["report"]
    assert "attached files" in world.said("U0RAJ", f"attach {link}")
    assert [one["name"] for one in world.incidents[0]["report"]["files"]["value"]] == ["shot.png"]


def test_nobody_attaches_or_reads_a_file_of_a_private_channel_through_the_bot(world: SlackWorld) -> None:
    world.halt()
    secret = world.slack.share_file("salaries.txt", b"decision: secret", user="U0IDA", channel="C0SECRET")
    link = f"<https://acme.slack.com/files/U0IDA/{secret.id}/salaries.txt>"
    for word in ("attach", "notes"):
        assert "not in a public channel" in world.said("U0RAJ", f"{word} {link}")
    assert world.minutes() == []
    assert "files" not in world.incidents[0]["report"]
    assert "attached files" in world.said("U0IDA", f"attach {link}")
