"""Letters stand in Slack once: posted, threaded, edited in place, and found again after a lost answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.fake_slack import FakeSlack, Message, live_parts
from support.hostile_texts import HOSTILE

from bot.adapters.http import HttpxHttp
from bot.adapters.slack.client import SlackClient
from bot.adapters.slack.failures import SlackRefusal, SlackTokenTrouble
from bot.adapters.slack.messenger import SlackMessenger
from bot.domain.errors import TryLater
from bot.domain.letters import Button, Letter, Posted

LETTER = Letter(
    "SEV-2: fraud-model",
    "F1 is **down**.",
    (Button("take", "Take over", "incident=i1"),),
    ("U0IDA",),
    link="https://andon.example/incidents/i1",
)
NOTICE = "ntc-01kzq3h5w0000000000000000a"


@dataclass
class Stage:
    slack: FakeSlack
    messenger: SlackMessenger

    def send(self, notice_id: str = NOTICE, letter: Letter = LETTER, **more: Any) -> Posted:
        return self.messenger.send(notice_id, letter, **({"address": "C0MLREL"} | more))

    def find(self, notice_id: str = NOTICE, **more: Any) -> Posted | None:
        since = datetime.now(UTC) - timedelta(minutes=1)
        return self.messenger.find(notice_id, **({"address": "C0MLREL", "thread": None, "since": since} | more))


@pytest.fixture
def stage() -> Iterator[Stage]:
    http = HttpxHttp()
    with FakeSlack() as slack:
        slack.workspace.scopes.discard("chat:write.public")
        client = SlackClient(http, slack.workspace.bot_token, api_url=slack.api_url, deadline=timedelta(seconds=2))
        yield Stage(slack, SlackMessenger(client))
    http.close()


def test_a_letter_is_posted_with_its_notice_in_the_metadata_and_without_previews(stage: Stage) -> None:
    posted = stage.send()
    message = stage.slack.messages("C0MLREL")[0]
    assert posted == Posted("C0MLREL", message.ts, posted.link)
    assert posted.link == f"https://acme.slack.com/archives/C0MLREL/p{message.ts.replace('.', '')}"
    assert message.metadata == {"event_type": "andon_notice", "event_payload": {"notice": NOTICE}}
    sent = {name: message.sent[name] for name in ("unfurl_links", "unfurl_media", "parse", "link_names")}
    assert sent == {"unfurl_links": "0", "unfurl_media": "0", "parse": "none", "link_names": "0"}
    assert live_parts(message) == ["@U0IDA", "https://andon.example/incidents/i1|The page shows more"]


def test_a_letter_hangs_in_its_thread(stage: Stage) -> None:
    first = stage.send()
    second = stage.send("ntc-2", thread=first.ref)
    assert [one.ts for one in stage.slack.thread("C0MLREL", first.ref)] == [second.ref]
    assert second.link is not None
    assert f"thread_ts={first.ref}" in second.link


def test_a_thread_that_is_gone_costs_the_thread_and_not_the_notice(stage: Stage) -> None:
    first = stage.send()
    del stage.slack.workspace.channels["C0MLREL"].messages[first.ref]
    second = stage.send("ntc-2", thread=first.ref)
    assert [one.ts for one in stage.slack.messages("C0MLREL")] == [second.ref]
    assert stage.find("ntc-2", thread=first.ref) == second


def test_a_letter_to_a_person_stands_in_the_conversation_with_them(stage: Stage) -> None:
    posted = stage.send(address="U0RAJ")
    assert posted.address == "D0RAJ"
    assert [one.ts for one in stage.slack.direct("U0RAJ")] == [posted.ref]
    assert stage.find(address="U0RAJ") == posted


def test_a_letter_is_edited_in_place(stage: Stage) -> None:
    posted = stage.send()
    assert stage.messenger.edit(NOTICE, Letter("SEV-2: fraud-model is restored", "Done."), posted) == posted
    messages = stage.slack.messages("C0MLREL")
    assert len(messages) == 1
    assert messages[0].blocks[0]["text"]["text"] == "SEV-2: fraud-model is restored"
    assert messages[0].edited_at is not None
    assert stage.find() == posted, "an edited message is still the one of its notice"


def test_the_longest_letter_can_be_posted_and_edited(stage: Stage) -> None:
    letter = Letter("s" * 400, "<&> word\n" * 5_000, LETTER.buttons * 60, ("U0IDA",) * 80, link=LETTER.link)
    posted = stage.send(letter=letter)
    stage.messenger.edit(NOTICE, letter, posted)
    assert [call.ok for call in stage.slack.calls if call.method.startswith("chat.")] == [True, True, True]


def test_an_edit_of_a_message_that_is_gone_says_so(stage: Stage) -> None:
    with pytest.raises(SlackRefusal) as caught:
        stage.messenger.edit(NOTICE, LETTER, Posted("C0MLREL", "1700000000.000001"))
    assert caught.value.code == "message_not_found"


def test_slack_takes_every_hostile_letter_and_nothing_in_it_is_alive(stage: Stage) -> None:
    for number, hostile in enumerate(HOSTILE):
        letter = Letter(hostile, f"{hostile}\n```\n{hostile}\n```", (Button("go", hostile, hostile, confirm=hostile),))
        posted = stage.send(f"ntc-{number}", letter)
        stage.messenger.edit(f"ntc-{number}", letter, posted)
    messages = stage.slack.messages("C0MLREL")
    assert len(messages) == len(HOSTILE) >= 20
    assert [live_parts(one) for one in messages] == [[]] * len(HOSTILE)
    assert all(one.blocks for one in messages), "none of them fell back to plain text"


@pytest.mark.parametrize("mode", ["close_after", "hang_after", "cut_after"])
def test_a_letter_whose_answer_was_lost_is_found_and_not_posted_twice(stage: Stage, mode: str) -> None:
    stage.slack.fail("chat.postMessage", mode=mode)
    with pytest.raises(TryLater) as caught:
        stage.send()
    assert caught.value.ambiguous
    found = stage.find()
    assert found is not None
    assert found.ref == stage.slack.messages("C0MLREL")[0].ts


def test_while_nobody_can_look_the_question_stays_open(stage: Stage) -> None:
    """Else the desk would take the refused look for a proof, and post again."""
    stage.slack.fail("conversations.history", error="ratelimited")
    with pytest.raises(TryLater) as caught:
        stage.find()
    assert caught.value.ambiguous


def test_a_letter_that_was_not_posted_is_not_found(stage: Stage) -> None:
    stage.send("ntc-other")
    stage.slack.fail("chat.postMessage", mode="close")
    with pytest.raises(TryLater):
        stage.send()
    assert stage.find() is None


def test_a_letter_in_a_thread_is_found_there(stage: Stage) -> None:
    first = stage.send()
    stage.slack.fail("chat.postMessage", mode="close_after")
    with pytest.raises(TryLater):
        stage.send("ntc-2", thread=first.ref)
    found = stage.find("ntc-2", thread=first.ref)
    assert found is not None
    assert found.ref == stage.slack.thread("C0MLREL", first.ref)[0].ts


def test_a_letter_is_found_behind_hundreds_of_newer_messages(stage: Stage) -> None:
    posted = stage.send()
    for number in range(450):
        stage.slack.state.keep(Message("C0MLREL", stage.slack.state.ts(), "U0IDA", f"chatter {number}"))
    assert stage.find() == posted


def test_a_letter_is_found_where_slack_withholds_the_metadata(stage: Stage) -> None:
    posted = stage.send()
    stage.slack.messages("C0MLREL")[0].metadata = None
    assert stage.find() == posted


def test_what_a_person_wrote_is_never_taken_for_the_letter(stage: Stage) -> None:
    posted = stage.send()
    ours = stage.slack.messages("C0MLREL")[0]
    state = stage.slack.state
    forged = state.keep(Message("C0MLREL", state.ts(), "U0IDA", ours.text, ours.blocks, metadata=ours.metadata))
    assert stage.find() == posted
    del stage.slack.workspace.channels["C0MLREL"].messages[posted.ref]
    assert forged.ts
    assert stage.find() is None


def test_where_the_app_may_not_look_a_letter_counts_as_not_there(stage: Stage) -> None:
    posted = stage.send(address="U0RAJ")
    stage.slack.workspace.scopes.discard("im:history")
    assert stage.find(address="U0RAJ") is None
    assert stage.find(address="C0ALONE") is None
    stage.slack.revoke()
    with pytest.raises(SlackTokenTrouble):
        stage.find()
    assert posted.ref


def test_blocks_that_slack_does_not_take_cost_the_blocks_and_not_the_notice(stage: Stage) -> None:
    stage.slack.fail("chat.postMessage", error="msg_blocks_too_long", times=1)
    posted = stage.send()
    message = stage.slack.messages("C0MLREL")[0]
    assert (message.ts, message.blocks) == (posted.ref, [])
    assert message.text == "<@U0IDA>\nSEV-2: fraud-model\nF1 is *down*."
    assert stage.find() == posted


def test_a_letter_stands_even_where_its_address_is_not_known(stage: Stage) -> None:
    stage.slack.fail("chat.getPermalink", status=500)
    posted = stage.send()
    assert posted.link is None
    assert posted.ref == stage.slack.messages("C0MLREL")[0].ts


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("C0NONE", "channel_not_found"),
        ("C0HIDDEN", "channel_not_found"),
        ("C0ALONE", "not_in_channel"),
        ("C0OLD", "is_archived"),
        ("U0GONE", "user_disabled"),
        ("U0ROBOT", "cannot_dm_bot"),
        ("U0NONE", "user_not_found"),
    ],
)
def test_a_letter_that_can_never_arrive_is_refused_with_one_call(stage: Stage, address: str, code: str) -> None:
    with pytest.raises(SlackRefusal) as caught:
        stage.send(address=address)
    assert caught.value.code == code
    assert caught.value.next
    assert len(stage.slack.calls) == 1


@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"error": "ratelimited"}, {"mode": "close"}, {"mode": "hang"}], ids=str
)
def test_a_passing_fault_is_left_to_the_desk_with_one_call(stage: Stage, fault: dict[str, Any]) -> None:
    stage.slack.fail("chat.postMessage", **fault)
    with pytest.raises(TryLater):
        stage.send()
    assert len(stage.slack.calls) == 1


def standing_under_faults(stage: Stage, rng: Any, *, look: bool) -> list[str]:
    """Two hundred notices under random faults, each sent as the desk sends; whose messages stand there in the end."""
    modes = ["close", "close_after", "cut_after", "garbage", "answer"]
    started = datetime.now(UTC)
    for notice in (f"ntc-{number:03}" for number in range(200)):
        for _ in range(rng.choice([0, 0, 1, 2])):
            stage.slack.fail("chat.postMessage", mode=rng.choice(modes), status=503)
        may_stand = False
        for _ in range(9):
            try:
                if not (look and may_stand and stage.find(notice, since=started)):
                    stage.send(notice, Letter(notice, "b"))
                break
            except TryLater as error:
                may_stand = may_stand or error.ambiguous
        stage.slack.recover()
    messages = stage.slack.messages("C0MLREL")
    return sorted(one.metadata["event_payload"]["notice"] for one in messages if one.metadata)


def test_each_notice_stands_once_whatever_is_lost(stage: Stage, rng: Any) -> None:
    assert standing_under_faults(stage, rng, look=True) == [f"ntc-{number:03}" for number in range(200)]


def test_without_looking_first_lost_answers_do_post_twice(stage: Stage, rng: Any) -> None:
    """The control: the same faults are seen when the safeguard is off."""
    found = standing_under_faults(stage, rng, look=False)
    assert len(found) > len(set(found)) == 200
