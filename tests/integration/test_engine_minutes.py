"""Decisions, action items and questions on the engine: recorded once, said back exactly, changed with their history."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.alert_bodies import firing
from support.databases import KINDS
from support.driven_engine import DrivenEngine, MovableClock, builder, fresh_name
from support.engine import ACTORS
from support.ledger import running_ledger

from bot.domain.errors import BadInput, NotFound
from bot.domain.events import Actor, Command, Origin, Receipt, Role, Standing
from bot.domain.minutes import Minute, MinuteChange, MinuteKind, MinuteStatus
from bot.domain.times import format_time, parse_time
from bot.domain.words import Word

CHANNEL = "C0MLREL"
LINK = "https://acme.slack.com/archives/C0MLREL/p1764000000000100"
MESSAGE = {"medium": "slack", "channel": CHANNEL, "ts": "1764000000.000100", "quote": "action: roll it", "link": LINK}
MAX = Actor("U0MAX", Role.ANYONE, Origin.CHAT)

HOSTILE = "<!channel> <@U0LEAD> *bold* `code`\n```block```\x00 \u202eleft 😀 {{ 7*7 }} <script>alert(1)</script>"


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("minutes")
    with running_ledger(folder) as ledger, builder(folder, ledger, request.param) as build:
        yield build(clock=MovableClock(), ANDON_SLACK_BOT_TOKEN="xoxb-not-a-real-token")


def opened(engine: DrivenEngine, **more: Any) -> str:
    """The open incident of a new service whose engineers are in Berlin and have a channel."""
    service = fresh_name()
    engine.protect(
        service,
        persons={"lead": ["U0LEAD", "olga", "lead@example.com"]},
        audiences={"engineering": {"slack": CHANNEL, "timezone": "Europe/Berlin"}},
        rollback=[],
        **more,
    )
    return engine.alert(firing(service, "Nothing")).incidents[0]


def minutes(engine: DrivenEngine, incident: str) -> list[Minute]:
    with engine.app.store.read() as tx:
        return list(tx.minutes(incident))


def minute(engine: DrivenEngine, receipt: Receipt) -> Minute:
    """The one minute that an order was about."""
    (known,) = receipt.records
    with engine.app.store.read() as tx:
        found = tx.minute(known)
    assert found is not None
    return found


def history(engine: DrivenEngine, one: Minute) -> list[MinuteChange]:
    with engine.app.store.read() as tx:
        return list(tx.minute_changes(one.id))


def said_in_chat(engine: DrivenEngine, word: Word, incident: str, actor: Actor = MAX, **details: Any) -> Receipt:
    return engine.app.intake.order(Command(word, incident, actor, via="slack", details=details))


def test_a_decision_keeps_options_choice_reason_decider_and_evidence(engine: DrivenEngine) -> None:
    incident = opened(engine)
    receipt = said_in_chat(
        engine,
        Word.DECIDE,
        incident,
        ACTORS["olga"],
        text="Which version serves the weekend?",
        options=["41", "42 with the old feature"],
        choice="41",
        reason="42 loses a tenth of the recall",
        decider="lead",
        evidence="https://dash.example.com/d/1",
    )
    made = minute(engine, receipt)
    assert (made.kind, made.status) == (MinuteKind.DECISION, MinuteStatus.DONE)
    assert (made.options, made.answer) == (("41", "42 with the old feature"), "41")
    assert (made.by, made.reason, made.evidence) == (
        "lead",
        "42 loses a tenth of the recall",
        "https://dash.example.com/d/1",
    )
    assert "Decided by lead" in receipt.message
    assert made.remind_at is None
    line = engine.incident(incident)["timeline"][-1]
    assert (line["kind"], line["actor"], line["data"]["minute"]) == ("decision", "olga", made.id)
    assert "order.decide" in [action for action, *_ in engine.audit()]


def test_an_action_item_is_said_back_with_its_owner_and_the_exact_time_in_both_zones(engine: DrivenEngine) -> None:
    incident = opened(engine)
    due = (engine.clock.now() + timedelta(days=9)).replace(month=1, day=15, hour=16, minute=0, second=0, microsecond=0)
    due = due.replace(year=due.year + 1)
    receipt = engine.order(Word.ACTION, incident, text="Pin the feature", owner="<@U0LEAD>", due_at=format_time(due))
    made = minute(engine, receipt)
    assert made.owner == "U0LEAD"
    assert made.due_at == due
    assert f"Due {due:%a} 15 Jan {due.year}, 17:00 CET (16:00 UTC)." in receipt.message
    assert "Owner: U0LEAD." in receipt.message
    assert made.remind_at == due - timedelta(hours=24)


def test_a_due_date_in_peoples_words_is_read_in_the_speakers_time_zone(engine: DrivenEngine) -> None:
    incident = opened(engine)
    receipt = engine.order(
        Word.ACTION, incident, text="Look at it", owner="me", due_text="tomorrow noon", zone="America/New_York"
    )
    made = minute(engine, receipt)
    assert made.owner == "olga"
    assert made.due_text == "tomorrow noon"
    assert made.due_at is not None
    assert made.due_at.astimezone(UTC).hour in (16, 17)  # noon in New York, in summer and in winter
    assert "12:00 E" in receipt.message


def test_words_that_are_no_date_are_kept_and_said_to_be_unclear(engine: DrivenEngine) -> None:
    incident = opened(engine)
    receipt = engine.order(Word.ACTION, incident, text="Tidy up", due_text="when the moon is blue")
    made = minute(engine, receipt)
    assert (made.due_at, made.due_text, made.owner) == (None, "when the moon is blue", None)
    assert "was not understood" in receipt.message
    assert "Owner: nobody yet" in receipt.message
    assert made.remind_at is not None
    assert timedelta(hours=23) < made.remind_at - made.at <= timedelta(days=1)


def test_a_name_that_nobody_knows_is_kept_as_it_was_written_and_never_guessed(engine: DrivenEngine) -> None:
    incident = opened(engine)
    receipt = engine.order(Word.ACTION, incident, text="Call the bank", owner="Maria Lopez")
    assert minute(engine, receipt).owner == "Maria Lopez"
    assert "unknown" in receipt.message
    for known in ("lead", "@lead", "lead@example.com", "U0SOMEBODY", "otto"):
        told = engine.order(Word.ACTION, incident, text="x", owner=known)
        assert minute(engine, told).owner == known.removeprefix("@")
        assert "unknown" not in told.message


def test_the_same_message_is_recorded_once_and_answers_with_the_first_record(engine: DrivenEngine) -> None:
    incident = opened(engine)
    first = said_in_chat(engine, Word.ACTION, incident, text="Roll it", source=MESSAGE, source_key="slack:1")
    again = said_in_chat(engine, Word.ACTION, incident, text="Roll it", source=MESSAGE, source_key="slack:1")
    assert again.records == first.records
    assert "already" in again.message
    assert len(minutes(engine, incident)) == 1
    other = opened(engine)
    assert said_in_chat(engine, Word.ACTION, other, text="Roll it", source_key="slack:1").records != first.records
    assert len(minutes(engine, other)) == 1


def test_what_was_said_in_chat_is_echoed_there_with_what_corrects_it_and_linked_on_the_timeline(
    engine: DrivenEngine,
) -> None:
    incident = opened(engine)
    receipt = said_in_chat(
        engine, Word.ACTION, incident, text="Roll it", owner="U0LEAD", source=MESSAGE, source_key=f"{incident}:1"
    )
    (echo,) = engine.notices(incident, "recorded")
    assert (echo.medium, echo.address, echo.audience) == ("slack", CHANNEL, "engineering")
    assert echo.facts["item"]["id"] == receipt.records[0]
    assert echo.facts["item"]["source_link"] == LINK
    assert [button["action"] for button in echo.facts["buttons"]] == ["amend", "withdraw"]
    assert echo.facts["mentions"] == ["U0LEAD"]
    assert engine.incident(incident)["timeline"][-1]["link"] == LINK
    stranger = said_in_chat(engine, Word.ACTION, incident, text="y", owner="U0STRANGER", source=MESSAGE)
    assert stranger.records
    assert engine.notices(incident, "recorded")[-1].facts["mentions"] == []


def test_what_came_by_another_way_than_chat_needs_no_echo(engine: DrivenEngine) -> None:
    incident = opened(engine)
    engine.order(Word.DECIDE, incident, text="We wait")
    assert engine.notices(incident, "recorded") == []


def test_what_is_not_certain_is_only_suggested_until_somebody_confirms_it(engine: DrivenEngine) -> None:
    incident = opened(engine)
    heard = {"source": MESSAGE, "certain": False, "why_uncertain": "nobody said yes"}
    receipt = said_in_chat(engine, Word.ACTION, incident, text="Maybe pin it", owner="U0LEAD", **heard)
    made = minute(engine, receipt)
    assert (made.status, made.remind_at) == (MinuteStatus.SUGGESTED, None)
    (asked,) = engine.notices(incident, "suggested")
    assert [button["action"] for button in asked.facts["buttons"]] == ["confirm", "amend", "withdraw"]
    assert asked.facts["item"]["why_uncertain"] == "nobody said yes"
    confirmed = minute(engine, engine.order(Word.CONFIRM, made.id))
    assert confirmed.status is MinuteStatus.OPEN
    assert confirmed.remind_at is not None
    assert "already" in engine.order(Word.CONFIRM, made.id).message
    assert [change.what for change in history(engine, made)] == ["recorded", "confirmed"]


def test_a_decision_that_was_only_heard_stands_once_it_is_confirmed_and_not_after_it_was_dismissed(
    engine: DrivenEngine,
) -> None:
    incident = opened(engine)
    first = minute(engine, engine.order(Word.DECIDE, incident, text="Perhaps we wait", certain=False))
    other = minute(engine, engine.order(Word.DECIDE, incident, text="Perhaps we go", certain=False))
    assert minute(engine, engine.order(Word.CONFIRM, first.id)).status is MinuteStatus.DONE
    dismissed = engine.order(Word.WITHDRAW, other.id)
    assert "dismissed" in dismissed.message
    assert minute(engine, dismissed).status is MinuteStatus.WITHDRAWN
    assert engine.order(Word.CONFIRM, other.id).refused


def test_a_question_is_open_until_it_is_answered_and_a_better_answer_keeps_the_first(engine: DrivenEngine) -> None:
    incident = opened(engine)
    asked = minute(engine, engine.order(Word.QUESTION, incident, text="Is staging hit?", owner="lead"))
    assert (asked.status, asked.owner, asked.remind_at) == (MinuteStatus.OPEN, "lead", None)
    engine.order(Word.ANSWER, asked.id, by="otto", text="No")
    better = minute(engine, engine.order(Word.ANSWER, asked.id, text="Yes, since noon"))
    assert (better.status, better.answer, better.answered_by) == (MinuteStatus.DONE, "Yes, since noon", "olga")
    changes = history(engine, asked)
    assert [change.what for change in changes] == ["recorded", "answered", "answered"]
    assert (changes[2].before["answer"], changes[2].after["answer"]) == ("No", "Yes, since noon")
    assert (changes[2].before["answered_by"], changes[2].after["answered_by"]) == ("otto", "olga")
    assert any("Is staging hit?" in line and "Yes, since noon" in line for line in engine.lines(incident))


def test_a_finished_item_is_not_reminded_of_and_is_finished_once(engine: DrivenEngine) -> None:
    incident = opened(engine)
    made = minute(engine, engine.order(Word.ACTION, incident, text="Pin it", owner="lead"))
    done = minute(engine, engine.order(Word.FINISH, made.id, by="otto", text="pinned in 41.1"))
    assert (done.status, done.answered_by, done.answer) == (MinuteStatus.DONE, "otto", "pinned in 41.1")
    assert (done.remind_at, done.ended_at is not None) == (None, True)
    assert "already, by otto" in engine.order(Word.FINISH, made.id).message
    assert engine.order(Word.SNOOZE, made.id, **{"for": "2h"}).refused


def test_a_snooze_moves_the_reminder_and_not_the_due_date(engine: DrivenEngine) -> None:
    incident = opened(engine)
    due = engine.clock.now() + timedelta(days=3)
    made = minute(engine, engine.order(Word.ACTION, incident, text="Pin it", owner="lead", due_at=format_time(due)))
    later = minute(engine, engine.order(Word.SNOOZE, made.id, **{"for": "2h"}))
    assert later.due_at == made.due_at
    assert later.remind_at is not None
    assert timedelta(hours=1, minutes=59) < later.remind_at - engine.clock.now() <= timedelta(hours=2)
    until = format_time(engine.clock.now() + timedelta(days=1))
    assert minute(engine, engine.order(Word.SNOOZE, made.id, until=until)).remind_at == parse_time(until)
    for wrong in ({}, {"until": until, "for": "2h"}, {"until": "some day"}, {"for": "91d"}, {"for": "0s"}):
        with pytest.raises(BadInput):
            engine.order(Word.SNOOZE, made.id, **wrong)
    with pytest.raises(BadInput, match="is over"):
        engine.order(Word.SNOOZE, made.id, until="2020-01-01T00:00:00Z")


def test_whoever_gets_an_item_hears_of_it_at_once(engine: DrivenEngine) -> None:
    incident = opened(engine)
    made = minute(engine, engine.order(Word.ACTION, incident, text="Pin it", owner="lead"))
    moved = minute(engine, engine.order(Word.REASSIGN, made.id, owner="@otto"))
    assert moved.owner == "otto"
    assert moved.remind_at is not None
    assert moved.remind_at <= engine.clock.now()
    assert "nothing changed" in engine.order(Word.REASSIGN, made.id, owner="otto").message
    with engine.app.store.read() as tx:
        assert made.id in [one.id for one in tx.due_minutes()]


def test_a_correction_keeps_what_was_said_before(engine: DrivenEngine) -> None:
    incident = opened(engine)
    made = minute(engine, engine.order(Word.ACTION, incident, text="Pin ti", owner="lead", due_text="tomorrow"))
    receipt = engine.order(Word.AMEND, made.id, text="Pin it", owner="otto", due_at=None)
    after = minute(engine, receipt)
    assert (after.text, after.owner, after.due_at, after.due_text) == ("Pin it", "otto", None, "")
    assert after.revision == made.revision + 1
    change = history(engine, made)[-1]
    assert (change.what, change.by) == ("amended", "olga")
    assert (change.before["text"], change.after["text"]) == ("Pin ti", "Pin it")
    assert change.before["due_at"] == format_time(made.due_at)  # type: ignore[arg-type]
    assert "nothing changed" in engine.order(Word.AMEND, made.id, text="Pin it").message
    assert len(history(engine, made)) == 2


def test_the_deletion_of_its_message_withdraws_it_and_keeps_its_history(engine: DrivenEngine) -> None:
    incident = opened(engine)
    made = minute(engine, said_in_chat(engine, Word.DECIDE, incident, text="We wait", source=MESSAGE))
    gone = minute(engine, said_in_chat(engine, Word.WITHDRAW, made.id))
    assert (gone.status, gone.text) == (MinuteStatus.WITHDRAWN, "We wait")
    assert [change.what for change in history(engine, made)] == ["recorded", "withdrawn"]
    assert engine.order(Word.AMEND, made.id, text="We go").refused
    assert "already" in engine.order(Word.WITHDRAW, made.id).message


@pytest.mark.parametrize(
    ("word", "details", "names"),
    [
        (Word.DECIDE, {}, "text"),
        (Word.DECIDE, {"text": "  "}, "text"),
        (Word.DECIDE, {"text": "x" * 4001}, "text"),
        (Word.DECIDE, {"text": "x", "options": ["y"] * 21}, "options"),
        (Word.DECIDE, {"text": "x", "evidence": "javascript:alert(1)"}, "evidence"),
        (Word.ACTION, {"text": "x", "colour": "red"}, "colour"),
        (Word.ACTION, {"text": "x", "due_at": "tomorrow"}, "RFC 3339"),
        (Word.ACTION, {"text": "x", "due_at": "9999-12-31T23:59:59Z"}, "far away"),
        (Word.ACTION, {"text": "x", "zone": "Mars/Olympus"}, "time zone"),
        (Word.ACTION, {"text": 7}, "text"),
        (Word.QUESTION, {"text": "x", "source": {"line": 0}}, "line"),
    ],
)
def test_details_that_do_not_fit_change_nothing_and_are_named(
    engine: DrivenEngine, word: Word, details: dict[str, Any], names: str
) -> None:
    incident = opened(engine)
    with pytest.raises(BadInput, match=names):
        engine.order(word, incident, **details)
    assert minutes(engine, incident) == []


def test_an_item_or_an_incident_that_does_not_exist_is_said_to_be_none(engine: DrivenEngine) -> None:
    with pytest.raises((NotFound, BadInput), match="min-none"):
        engine.order(Word.FINISH, "min-none")
    with pytest.raises((NotFound, BadInput), match="inc-none"):
        engine.order(Word.DECIDE, "inc-none", text="x")


def test_each_order_fits_only_its_kind(engine: DrivenEngine) -> None:
    incident = opened(engine)
    decision = minute(engine, engine.order(Word.DECIDE, incident, text="We wait"))
    item = minute(engine, engine.order(Word.ACTION, incident, text="Pin it"))
    for word, one, details in (
        (Word.FINISH, decision, {}),
        (Word.ANSWER, item, {"text": "yes"}),
        (Word.REASSIGN, decision, {"owner": "otto"}),
        (Word.AMEND, item, {"choice": "41"}),
    ):
        with pytest.raises(BadInput):
            engine.order(word, one.id, **details)


def test_hostile_text_is_kept_as_it_is_and_breaks_nothing(engine: DrivenEngine) -> None:
    incident = opened(engine)
    receipt = said_in_chat(
        engine, Word.ACTION, incident, text=HOSTILE, owner="<!channel>", source={**MESSAGE, "quote": HOSTILE}
    )
    made = minute(engine, receipt)
    assert made.text == HOSTILE.replace("\x00", "\ufffd")
    assert "unknown" in receipt.message
    (echo,) = engine.notices(incident, "recorded")
    assert echo.facts["mentions"] == []
    view = engine.incident(incident)
    assert view["timeline"][-1]["text"].startswith("Action item")


def test_a_viewer_a_guest_and_a_bot_record_nothing_and_the_refusal_is_kept(engine: DrivenEngine) -> None:
    incident = opened(engine)
    assert engine.order(Word.DECIDE, incident, by="vera", text="x").refused
    guest = replace(MAX, standing=Standing.STRANGER)
    assert said_in_chat(engine, Word.DECIDE, incident, guest, text="x").refused
    assert minutes(engine, incident) == []


def test_people_go_on_recording_after_the_incident_is_resolved(engine: DrivenEngine) -> None:
    incident = opened(engine)
    engine.order(Word.RESOLVE, incident)
    made = minute(engine, engine.order(Word.ACTION, incident, text="Write the postmortem", owner="lead"))
    assert minute(engine, engine.order(Word.FINISH, made.id)).status is MinuteStatus.DONE


def test_many_who_record_the_same_message_at_once_record_it_once(engine: DrivenEngine) -> None:
    incident = opened(engine)

    def say(number: int) -> Receipt:
        key = f"{incident}:{number % 3}"
        return said_in_chat(engine, Word.ACTION, incident, text=f"thing {number % 3}", source_key=key)

    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(say, range(24)))
    assert len(minutes(engine, incident)) == 3
    assert len({receipt.records for receipt in receipts}) == 3


def test_many_who_change_one_item_at_once_leave_a_whole_history(engine: DrivenEngine) -> None:
    incident = opened(engine)
    made = minute(engine, engine.order(Word.ACTION, incident, text="Pin it"))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: engine.order(Word.AMEND, made.id, text=f"Pin {number}"), range(12)))
    changes = history(engine, made)
    assert len(changes) == 13
    for earlier, later in itertools.pairwise(changes):
        assert later.before["text"] == earlier.after["text"]
    (after,) = minutes(engine, incident)
    assert (after.revision, after.text) == (13, changes[-1].after["text"])


def test_an_echo_shows_how_the_item_stands_now(engine: DrivenEngine) -> None:
    incident = opened(engine)
    made = minute(engine, said_in_chat(engine, Word.ACTION, incident, text="Pin it", source=MESSAGE))
    (echo,) = engine.notices(incident, "recorded")
    with engine.app.store.write() as tx:
        tx.save(replace(echo.sent("s", "b", datetime.now(UTC)), ref="1.1"))
    engine.order(Word.AMEND, made.id, text="Pin both")
    with engine.app.store.read() as tx:
        stands = tx.notice(echo.id)
        assert stands is not None
        assert stands.refresh_at is not None
        fresh = engine.app.notices._freshen(tx, stands, engine.clock.now())
    assert fresh is not None
    assert fresh.facts["item"]["text"] == "Pin both"
    engine.order(Word.WITHDRAW, made.id)
    with engine.app.store.read() as tx:
        gone = engine.app.notices._freshen(tx, fresh, engine.clock.now())
        assert gone is not None
        assert gone.facts["buttons"] == []
        assert engine.app.notices._freshen(tx, gone, engine.clock.now()) is None
