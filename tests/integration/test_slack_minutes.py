"""Decisions, action items and questions out of messages, reactions, shortcuts and forms; edits and deletions follow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support.fake_slack import Message
from support.slack_world import SlackWorld, slack_world

from bot.domain.minutes import MinuteKind, MinuteStatus
from bot.domain.threads import Thread


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SlackWorld]:
    with slack_world(tmp_path) as made:
        made.halt()
        yield made


def begun(world: SlackWorld, channel: str = "C0SECRET") -> str:
    """A thread about the incident, in a channel that the policy does not name; its first message."""
    root, _ = world.slack.say("fraud-model is halted", user="U0IDA", channel=channel)
    with world.head.store.write() as tx:
        tx.save(Thread(world.incidents[0]["id"], "slack", channel, root.ts, "fraud-model"))
    return root.ts


def test_a_decision_in_the_thread_is_recorded_with_its_reason_decider_and_source(world: SlackWorld) -> None:
    root = begun(world)
    message, answer = world.slack.say(
        "decision: keep 41 live because F1 is too low", user="U0RAJ", channel="C0SECRET", thread=root
    )
    assert answer.status == 200
    (minute,) = world.minutes()
    assert minute.kind is MinuteKind.DECISION
    assert minute.status is MinuteStatus.DONE
    assert "keep 41 live" in minute.text
    assert minute.reason == "F1 is too low"
    assert minute.by == "U0RAJ"
    assert minute.source["ts"] == message.ts
    assert minute.source_key == f"slack:C0SECRET:{message.ts}:decision"
    assert minute.source["link"].startswith("https://")


def test_an_action_item_gets_its_owner_and_its_date_in_the_speakers_time_zone(world: SlackWorld) -> None:
    world.slack.say("action: <@U0MIA> check the joins by tomorrow noon", user="U0RAJ", channel="C0MLREL")
    (minute,) = world.minutes()
    assert (minute.kind, minute.owner, minute.text) == (MinuteKind.ACTION_ITEM, "U0MIA", "check the joins")
    assert minute.due_at is not None
    local = minute.due_at + timedelta(hours=5, minutes=30)  # Kolkata
    assert (local.hour, local.minute) == (12, 0)


def test_owners_are_found_by_mail_and_by_the_names_of_those_in_the_policy(world: SlackWorld) -> None:
    world.slack.say("action: mia@example.com check the joins by Friday", user="U0RAJ")
    assert world.minutes()[-1].owner == "U0MIA"

    def by_name() -> str | None:
        world.slack.command("/andon", "action mia: check the features", user="U0RAJ")
        return world.minutes()[-1].owner if world.minutes()[-1].owner == "U0MIA" else None

    assert world.soon(by_name) == "U0MIA"


def test_several_lines_of_one_message_are_several_items(world: SlackWorld) -> None:
    world.slack.say("decision: keep 41\naction: <@U0MIA> write it up\naction: <@U0RAJ> check the joins\nthanks all")
    assert [one.kind for one in world.minutes()] == [
        MinuteKind.DECISION,
        MinuteKind.ACTION_ITEM,
        MinuteKind.ACTION_ITEM,
    ]


def test_a_question_is_answered_by_an_answer(world: SlackWorld) -> None:
    world.slack.say("question: which experiments are affected?", user="U0RAJ")
    world.slack.say("answer: only ranking-7", user="U0MIA")
    (minute,) = world.minutes()
    assert (minute.kind, minute.status) == (MinuteKind.QUESTION, MinuteStatus.DONE)
    assert (minute.answer, minute.answered_by, minute.by) == ("only ranking-7", "U0MIA", "U0RAJ")
    world.slack.say("answer: and of what?", user="U0MIA")
    assert "no open question" in world.told("U0MIA", "no open question")


def test_plain_talk_and_other_channels_record_nothing(world: SlackWorld) -> None:
    world.slack.say("we should decide soon whether this step is the right action")
    world.slack.say("decision: lunch at noon", channel="C0ALONE")
    world.slack.say("decision: lunch at noon", channel="C0EXEC", user="U0IDA")
    assert world.minutes() == []


def test_an_edit_corrects_what_was_recorded_and_keeps_the_history(world: SlackWorld) -> None:
    message, _ = world.slack.say("action: <@U0MIA> check the joins by Friday", user="U0RAJ")
    before = world.minutes()[0]
    world.slack.edit(message, "action: <@U0RAJ> check all joins by Friday")
    (after,) = world.minutes()
    assert (after.id, after.owner, after.text) == (before.id, "U0RAJ", "check all joins")
    assert after.due_at == before.due_at
    with world.head.store.read() as tx:
        assert [change.what for change in tx.minute_changes(after.id)] == ["recorded", "amended"]
    world.slack.edit(message, "forget it")
    assert world.minutes()[0].status is MinuteStatus.WITHDRAWN


def test_an_edit_that_adds_a_line_records_it_and_one_that_removes_it_withdraws_it(world: SlackWorld) -> None:
    message, _ = world.slack.say("decision: keep 41")
    world.slack.edit(message, "decision: keep 41\naction: <@U0MIA> write it up")
    assert [one.kind for one in world.minutes()] == [MinuteKind.DECISION, MinuteKind.ACTION_ITEM]
    world.slack.edit(message, "action: <@U0MIA> write it up")
    statuses = {one.kind: one.status for one in world.minutes()}
    assert statuses == {
        MinuteKind.DECISION: MinuteStatus.WITHDRAWN,
        MinuteKind.ACTION_ITEM: MinuteStatus.OPEN,
    }


def test_a_deleted_message_withdraws_what_it_said(world: SlackWorld) -> None:
    message, _ = world.slack.say("decision: keep 41\naction: <@U0MIA> write it up")
    world.slack.erase(message)
    assert {one.status for one in world.minutes()} == {MinuteStatus.WITHDRAWN}
    assert all("deleted" in line["text"] for line in world.incidents[0]["timeline"] if "withdrew" in line["text"])


@pytest.mark.parametrize(
    ("reaction", "kind"), [("white_check_mark", MinuteKind.DECISION), ("pushpin", MinuteKind.ACTION_ITEM)]
)
def test_a_reaction_records_the_message_and_taking_it_back_withdraws_it(
    world: SlackWorld, reaction: str, kind: MinuteKind
) -> None:
    root = begun(world)
    message, _ = world.slack.say("I'll check the joins by Friday", user="U0MIA", channel="C0SECRET", thread=root)
    message = in_product(world, message)
    world.slack.react(message, reaction, user="U0RAJ")
    (minute,) = world.minutes()
    assert minute.kind is kind
    assert "check the joins" in minute.text
    if kind is MinuteKind.DECISION:
        assert minute.by == "U0MIA"
    else:
        assert (minute.owner, minute.by) == ("U0MIA", "U0RAJ")
    world.slack.react(message, reaction, user="U0LEO")
    world.slack.unreact(message, reaction, user="U0RAJ")
    assert world.minutes()[0].status is not MinuteStatus.WITHDRAWN
    world.slack.unreact(message, reaction, user="U0LEO")
    assert world.minutes()[0].status is MinuteStatus.WITHDRAWN


def in_product(world: SlackWorld, message: Message) -> Message:
    """The thread's channel becomes one that the policy names: only there Slack is asked for messages."""
    policy = world.head.configuration.current.policies["fraud-model"]
    audiences = {**policy.audiences, "security": policy.audiences["product"].model_copy(update={"slack": "C0SECRET"})}
    changed = policy.model_copy(update={"audiences": audiences})
    current = world.head.configuration.current
    world.head.configuration.current = type(current)(
        {**current.policies, "fraud-model": changed}, current.playbooks, digest="changed"
    )
    return message


def test_a_message_that_says_it_by_itself_and_is_reacted_to_is_one_record(world: SlackWorld) -> None:
    message, _ = world.slack.say("decision: keep 41", user="U0MIA")
    world.slack.react(message, "white_check_mark", user="U0RAJ")
    world.slack.unreact(message, "white_check_mark", user="U0RAJ")
    (minute,) = world.minutes()
    assert minute.status is MinuteStatus.DONE


def test_a_reaction_comes_again_where_slack_does_not_show_the_message_now(world: SlackWorld) -> None:
    message, _ = world.slack.say("keep 41", user="U0MIA")
    world.slack.fail("conversations.replies", status=500)
    answer = world.slack.react(message, "white_check_mark", user="U0RAJ")
    assert answer.status == 503
    assert world.slack.again(answer).status == 200
    assert [one.text for one in world.minutes()] == ["keep 41"]


@pytest.mark.parametrize(
    ("shortcut", "kind"),
    [("record_decision", MinuteKind.DECISION), ("record_action_item", MinuteKind.ACTION_ITEM)],
)
def test_a_message_shortcut_records_the_message_and_says_so(world: SlackWorld, shortcut: str, kind: MinuteKind) -> None:
    message, _ = world.slack.say("Raj checks the joins", user="U0MIA")
    world.slack.shortcut(shortcut, message, user="U0RAJ")
    (minute,) = world.minutes()
    assert minute.kind is kind
    world.told("U0RAJ", "recorded")
    world.slack.edit(message, "Raj checks all joins")
    assert "all joins" in world.minutes()[0].text
    elsewhere, _ = world.slack.say("lunch", channel="C0EXEC")
    world.slack.shortcut(shortcut, elsewhere, user="U0RAJ")
    world.told("U0RAJ", "belongs to no incident")


def test_items_are_corrected_snoozed_reassigned_and_done_by_buttons(world: SlackWorld) -> None:
    world.said("U0RAJ", "action <@U0MIA> check the joins by Friday")
    minute = world.minutes()[0]
    posted, _ = world.slack.say("a notice with buttons")

    def press(word: str) -> None:
        world.slack.forged_click(posted, {"action_id": word, "value": f"minute={minute.id}"}, user="U0RAJ")

    def form(callback: str) -> object:
        return world.soon(
            lambda: [one for one in world.slack.views if one.body["callback_id"] == callback and one.is_open]
        )[-1]

    press("amend")
    world.slack.submit_view(form("amend"), {"text": "check all joins", "due": "in 2 h"})
    press("reassign")
    world.slack.submit_view(form("reassign"), {"owner": "U0LEO"})
    press("snooze")
    view = form("snooze")
    world.slack.submit_view(view, {"until": "sometime"})
    assert "until" in view.errors
    world.slack.submit_view(view, {"until": "tomorrow 9:00"})
    after = world.minutes()[0]
    assert (after.text, after.owner) == ("check all joins", "U0LEO")
    assert after.due_at is not None
    assert after.due_at - minute.at < timedelta(hours=3)
    press("finish")
    assert world.soon(lambda: world.minutes()[0].status is MinuteStatus.DONE)


def test_forms_record_decisions_and_action_items(world: SlackWorld) -> None:
    world.said("U0RAJ", "decide")
    view = next(one for one in world.slack.views if one.body["callback_id"] == "decision")
    filled = {"text": "Keep 41", "options": "Keep 41\nPatch 42", "reason": "F1", "decider": "U0MIA"}
    world.slack.submit_view(view, {**filled, "evidence": "not a link"})
    assert view.is_open
    world.slack.submit_view(view, {**filled, "evidence": "https://example.com/run"})
    world.said("U0RAJ", "action")
    view = next(one for one in world.slack.views if one.body["callback_id"] == "action_item")
    world.slack.submit_view(view, {"text": "Write it up", "owner": "U0MIA", "due": "tomorrow noon"})
    decision, item = world.minutes()
    assert (decision.by, decision.options) == ("U0MIA", ("Keep 41", "Patch 42"))
    assert (item.owner, item.text) == ("U0MIA", "Write it up")


def test_a_guest_and_a_program_record_nothing(world: SlackWorld) -> None:
    world.slack.say("decision: give it all to me", user="U0GUEST")
    world.told("U0GUEST", "only full members")
    world.slack.say("decision: beep", user="U0ROBOT")
    assert world.minutes() == []
    assert "decide" in world.refused()


def test_a_message_that_slack_tells_twice_is_recorded_once(world: SlackWorld) -> None:
    _, answer = world.slack.say("decision: keep 41")
    assert world.slack.again(answer).status == 200
    assert len(world.minutes()) == 1


NOTES = """WEBVTT

00:00:01.000 --> 00:00:04.000
<v Mia Cole>We decided to keep version 41 live.

00:00:05.000 --> 00:00:09.000
<v Raj Rao>I will check the joins by tomorrow noon.
"""


def test_notes_are_given_by_the_link_to_a_file_or_pasted_into_a_form(world: SlackWorld) -> None:
    stored = world.slack.share_file("call.vtt", NOTES.encode(), user="U0RAJ")
    link = f"https://acme.slack.com/files/U0RAJ/{stored.id}/call.vtt"
    assert "call.vtt" in world.said("U0RAJ", f"notes <{link}>") or world.minutes()
    assert {one.kind for one in world.minutes()} >= {MinuteKind.DECISION, MinuteKind.ACTION_ITEM}
    assert {one.source.get("name") for one in world.minutes()} == {"call.vtt"}
    before = len(world.minutes())
    world.said("U0RAJ", "notes")
    view = next(one for one in world.slack.views if one.body["callback_id"] == "notes")
    world.slack.submit_view(view, {"text": "Decision: patch 42 next week\nAction: <@U0MIA> write it up by Friday"})
    assert len(world.minutes()) == before + 2
    picture = world.slack.share_file("shot.png", b"\x89PNG\x00\x01", user="U0RAJ")
    shown = world.said("U0RAJ", f"notes <https://acme.slack.com/files/U0RAJ/{picture.id}/shot.png>")
    assert "shot.png" in shown
    assert len(world.minutes()) == before + 2
