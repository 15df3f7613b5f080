"""Notes and transcripts on the engine: the records of the meeting, each traceable to its line, and only once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.alert_bodies import firing
from support.databases import KINDS
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.ledger import running_ledger

from bot.domain.errors import BadInput
from bot.domain.events import Receipt
from bot.domain.minutes import Minute, MinuteKind, MinuteStatus
from bot.domain.words import Word

CHANNEL = "C0MLREL"
TEXT = """Maria: The recall is down since noon.
decision: we put 41 back because 42 loses a tenth of the recall
action: @lead pin the feature by tomorrow noon
Tom: maybe somebody should look at staging at some point
question: is staging hit?
answer: no, only production
action: <@U0ONCALL> tell the bank in 2 h
"""


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("notes")
    with running_ledger(folder) as ledger, builder(folder, ledger, request.param) as build:
        yield build(ANDON_SLACK_BOT_TOKEN="xoxb-not-a-real-token")


def opened(engine: DrivenEngine) -> str:
    service = fresh_name()
    engine.protect(
        service,
        rollback=[],
        persons={"lead": ["U0LEAD", "lead@example.com"]},
        audiences={"engineering": {"slack": CHANNEL, "timezone": "Europe/Berlin"}},
    )
    return engine.alert(firing(service, "Nothing")).incidents[0]


def give(engine: DrivenEngine, incident: str, text: str = TEXT, name: str = "notes.txt", **more: Any) -> Receipt:
    return engine.order(Word.NOTES, incident, text=text, name=name, **more)


def minutes(engine: DrivenEngine, incident: str) -> list[Minute]:
    with engine.app.store.read() as tx:
        return list(tx.minutes(incident))


def test_notes_give_the_same_records_as_words_in_the_meeting_each_pointing_to_its_line(engine: DrivenEngine) -> None:
    incident = opened(engine)
    receipt = give(engine, incident)
    found = {one.source["line"]: one for one in minutes(engine, incident)}
    decision, pinned, asked, told = found[2], found[3], found[5], found[7]
    assert (decision.kind, decision.status) == (MinuteKind.DECISION, MinuteStatus.DONE)
    assert "41" in decision.text
    assert "recall" in decision.reason
    assert (pinned.kind, pinned.owner, pinned.due_text != "") == (MinuteKind.ACTION_ITEM, "lead", True)
    assert pinned.due_at is not None
    assert pinned.remind_at is not None
    assert told.owner == "U0ONCALL"
    assert (asked.status, asked.answer) == (MinuteStatus.DONE, "no, only production")
    digest = hashlib.sha256(TEXT.encode()).hexdigest()
    assert decision.source_key == f"notes:{digest}:2:decision"
    assert decision.source["name"] == "notes.txt"
    assert decision.source["quote"] in TEXT
    assert set(receipt.records) == {one.id for one in found.values()}
    assert "1 decisions, 2 action items, 1 questions" in receipt.message


def test_the_same_notes_again_record_nothing_again_also_under_another_name_and_at_once(engine: DrivenEngine) -> None:
    incident = opened(engine)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: give(engine, incident, name=f"{number}.txt"), range(8)))
    before = minutes(engine, incident)
    again = give(engine, incident)
    assert again.records == ()
    assert "recorded before" in again.message
    assert minutes(engine, incident) == before
    assert len({one.source_key for one in before}) == len(before)
    other = opened(engine)
    give(engine, other)
    assert len(minutes(engine, other)) == len(before)


def test_what_is_not_certain_is_offered_in_the_channel_and_counts_for_nothing(engine: DrivenEngine) -> None:
    incident = opened(engine)
    text = "\n".join(f"Tom: maybe someone should look at thing {number} tomorrow" for number in range(14))
    receipt = give(engine, incident, text)
    found = minutes(engine, incident)
    assert found
    assert {one.status for one in found} == {MinuteStatus.SUGGESTED}
    assert {one.remind_at for one in found} == {None}
    offered = engine.notices(incident, "suggested")
    assert len(offered) == min(10, len(found))
    assert {one.address for one in offered} == {CHANNEL}
    assert offered[0].facts["item"]["line"] == 1
    assert offered[0].facts["item"]["why_uncertain"]
    assert "wait to be confirmed" in receipt.message
    assert engine.incident(incident)["action_items"] == []


def test_an_owner_whom_nobody_knows_is_named_in_the_answer(engine: DrivenEngine) -> None:
    incident = opened(engine)
    receipt = give(engine, incident, "Maria: I'll write to the bank tomorrow\n")
    (made,) = minutes(engine, incident)
    assert made.owner == "Maria"
    assert "Nobody can be reminded as Maria" in receipt.message


def test_notes_belong_to_the_meeting_that_was_held_last(engine: DrivenEngine) -> None:
    incident = opened(engine)
    engine.order(Word.MEETING_START, incident)
    held = engine.order(Word.MEETING_END, incident).records[0]
    engine.order(Word.MEETING_PROPOSE, incident)
    give(engine, incident)
    assert {one.meeting_id for one in minutes(engine, incident)} == {held}


def test_the_event_keeps_the_notes_and_the_trail_their_digest(engine: DrivenEngine) -> None:
    incident = opened(engine)
    receipt = give(engine, incident)
    with engine.app.store.read() as tx:
        event = tx.event(receipt.event_id)
    assert event is not None
    assert b"pin the feature" in (event.body or b"")
    (data,) = [data for action, subject, data in engine.audit() if subject == f"order:{incident}" and "notes" in action]
    assert data["sha256"] == hashlib.sha256(TEXT.encode()).hexdigest()
    assert data["bytes"] == len(TEXT.encode())
    assert "text" not in data


@pytest.mark.parametrize(
    ("text", "name", "names"),
    [
        ("", "notes.txt", "nothing is written"),
        (" \n ", "notes.txt", "nothing is written"),
        ("ü" * (512 * 1024) + "x", "notes.txt", "1024 KiB"),
        ("{", "export.json", "not JSON"),
        ("no timestamps", "call.vtt", "WEBVTT"),
    ],
)
def test_notes_that_cannot_be_read_say_why_and_change_nothing(
    engine: DrivenEngine, text: str, name: str, names: str
) -> None:
    incident = opened(engine)
    with pytest.raises(BadInput, match=names):
        give(engine, incident, text, name)
    assert minutes(engine, incident) == []


def test_hostile_notes_are_kept_as_text_and_break_nothing(engine: DrivenEngine) -> None:
    incident = opened(engine)
    text = "action: <!channel> drop \x00 {{ 7*7 }} <script>alert(1)</script> \u202e by tomorrow\ndecision: `rm -rf`\n"
    give(engine, incident, text)
    assert minutes(engine, incident)
    assert all("\x00" not in one.text for one in minutes(engine, incident))
    engine.incident(incident)


def test_who_may_not_record_may_not_give_notes_either(engine: DrivenEngine) -> None:
    incident = opened(engine)
    assert engine.order(Word.NOTES, incident, by="vera", text=TEXT).refused
    assert minutes(engine, incident) == []


@pytest.mark.parametrize("name", ["03-request-reply.vtt", "08-call.srt", "06-slack-thread.json", "09-minutes.md"])
def test_every_format_gives_records_with_lines(engine: DrivenEngine, checkout: Path, name: str) -> None:
    incident = opened(engine)
    text = (checkout / "tests" / "data" / "meetings" / "tuned" / name).read_text("utf-8")
    give(engine, incident, text, name)
    assert minutes(engine, incident)
    assert all(one.source["line"] >= 1 for one in minutes(engine, incident))
