"""The meeting of an incident on the engine: proposed, moved, started, called off, ended, and summed up by nobody."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.alert_bodies import firing
from support.databases import KINDS
from support.driven_engine import DrivenEngine, builder, fresh_name
from support.ledger import running_ledger

from bot.adapters.enclosures import Calendars
from bot.domain.errors import BadInput
from bot.domain.mail import MailAddress
from bot.domain.meetings import Meeting, MeetingStatus
from bot.domain.records import Notice
from bot.domain.report_facts import Fact
from bot.domain.times import format_time, parse_time
from bot.domain.words import Word
from bot.flow.consequences import Consequences
from bot.flow.gathering import propose
from bot.flow.situation import Situation
from bot.flow.telling import Teller

CHANNEL = "C0MLREL"
PEOPLE: dict[str, Any] = {
    "roles": {"champion": ["U0CHAMP"], "rollback_authority": ["token-lead", "U0ONCALL", "S0ONCALL"]},
    "persons": {"lead": ["U0LEAD", "token-lead", "lead@example.com"]},
    "audiences": {
        "engineering": {"slack": CHANNEL, "timezone": "Europe/Berlin"},
        "product": {"email": ["product@example.com"]},
    },
    "meeting": {"invite": ["champion", "rollback_authority", "boss@example.com"], "within": "30m"},
}


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenEngine]:
    folder = tmp_path_factory.mktemp("meetings")
    media = {"ANDON_SLACK_BOT_TOKEN": "xoxb-not-a-real-token", "ANDON_SMTP_URL": "smtp://127.0.0.1:9"}
    with running_ledger(folder) as ledger, builder(folder, ledger, request.param) as build:
        yield build(**media, ANDON_MAIL_FROM="andon@example.com", ANDON_PUBLIC_URL="https://andon.example.com")


def opened(engine: DrivenEngine, **more: Any) -> str:
    service = fresh_name()
    engine.protect(service, rollback=[], **{**PEOPLE, **more})
    return engine.alert(firing(service, "Nothing")).incidents[0]


def meetings(engine: DrivenEngine, incident: str) -> list[Meeting]:
    with engine.app.store.read() as tx:
        return list(tx.meetings(incident))


def ways(notices: list[Notice]) -> set[tuple[str, str, str]]:
    return {(one.audience, one.medium, one.address) for one in notices}


def test_a_meeting_is_proposed_with_the_people_the_policy_names_each_person_once(engine: DrivenEngine) -> None:
    incident = opened(engine)
    receipt = engine.order(Word.MEETING_PROPOSE, incident)
    (meeting,) = meetings(engine, incident)
    assert receipt.records == (meeting.id,)
    assert meeting.invitees == ("U0CHAMP", "U0LEAD", "U0ONCALL", "S0ONCALL", "boss@example.com")
    assert meeting.uid == f"{meeting.id}@andon.example.com"
    begins = meeting.starts_at - engine.clock.now()
    assert timedelta(minutes=28) < begins <= timedelta(minutes=30)
    assert meeting.ends_at - meeting.starts_at == timedelta(minutes=30)
    assert "CET" in receipt.message or "CEST" in receipt.message
    assert "U0CHAMP" in receipt.message


def test_invitations_go_by_mail_where_there_is_an_address_else_in_chat_and_the_channel_hears_of_it(
    engine: DrivenEngine,
) -> None:
    incident = opened(engine)
    engine.order(Word.MEETING_PROPOSE, incident, invitees=["guest@example.com"])
    told = engine.notices(incident, "meeting_proposed")
    assert ways(told) == {
        ("engineering", "slack", CHANNEL),
        ("person:U0CHAMP", "slack", "U0CHAMP"),
        ("person:U0LEAD", "mail", "lead@example.com"),
        ("person:U0ONCALL", "slack", "U0ONCALL"),
        ("person:boss@example.com", "mail", "boss@example.com"),
        ("person:guest@example.com", "mail", "guest@example.com"),
    }
    facts = told[0].facts
    assert facts["meeting"]["sequence"] == 0
    assert parse_time(facts["meeting"]["starts_at"]) > engine.clock.now()
    assert facts["mentions"] == ["U0CHAMP", "U0LEAD", "U0ONCALL", "S0ONCALL"]
    assert "guest@example.com" in facts["invitees"]
    assert facts["attendees"] == ["lead@example.com", "boss@example.com", "guest@example.com"]


def test_the_calendar_entry_invites_by_mail_and_keeps_its_identity_when_it_moves(engine: DrivenEngine) -> None:
    incident = opened(engine)
    engine.order(Word.MEETING_PROPOSE, incident)
    (meeting,) = meetings(engine, incident)
    engine.order(Word.MEETING_PROPOSE, incident, starts_at=format_time(meeting.starts_at + timedelta(hours=1)))
    engine.order(Word.MEETING_CANCEL, incident)
    calendars = Calendars(MailAddress("andon", "example.com"))
    mailed = [one for name in ("meeting_proposed", "meeting_cancelled") for one in engine.notices(incident, name)]
    mailed = [one for one in mailed if one.address == "boss@example.com"]
    entries = []
    for notice in mailed:
        (enclosed,) = calendars.of(notice)
        entries.append(enclosed.content.replace(b"\r\n ", b"").decode())
    assert [f"SEQUENCE:{number}" in entry for number, entry in enumerate(entries)] == [True, True, True]
    assert [next(line for line in entry.splitlines() if line.startswith("METHOD")) for entry in entries] == [
        "METHOD:REQUEST",
        "METHOD:REQUEST",
        "METHOD:CANCEL",
    ]
    assert all(f"UID:{meeting.uid}" in entry for entry in entries)
    assert all("lead@example.com" in entry and "boss@example.com" in entry for entry in entries)


def test_the_agenda_says_what_is_known_what_is_missing_and_what_to_decide(engine: DrivenEngine) -> None:
    incident = opened(engine)
    now = engine.clock.now()
    said = {
        "user_effect": "Cards are declined",
        "recommendation": "Put 41 back",
        "alternatives": [{"option": "Wait", "why_not": "each hour costs"}],
    }
    with engine.app.store.write() as tx:
        tx.add(*(Fact(engine.app.ids.new("fct"), incident, key, said[key], "said by olga", now) for key in said))
    engine.order(Word.QUESTION, incident, text="Is staging hit?", owner="lead")
    engine.order(Word.ACTION, incident, text="Pin the feature", owner="lead")
    engine.order(Word.MEETING_PROPOSE, incident)
    agenda = engine.notices(incident, "meeting_proposed")[0].facts["agenda"]
    text = "\n".join(agenda)
    assert "Known: effect on users: Cards are declined (said by olga)" in text
    assert "Missing: metric" in text
    assert "Decide: follow the recommendation? Put 41 back" in text
    assert "Option: Wait (put aside: each hour costs)" in text
    assert "Open question: Is staging hit? (lead)" in text
    assert "Action item: Pin the feature (lead)" in text
    assert max(map(len, agenda)) <= 300


def test_a_meeting_is_moved_under_the_same_entry_of_the_calendar(engine: DrivenEngine) -> None:
    incident = opened(engine)
    engine.order(Word.MEETING_PROPOSE, incident)
    (before,) = meetings(engine, incident)
    again = engine.order(Word.MEETING_PROPOSE, incident)
    assert "already" in again.message
    starts_at = format_time(before.starts_at + timedelta(hours=1))
    engine.order(Word.MEETING_PROPOSE, incident, starts_at=starts_at)
    (moved,) = meetings(engine, incident)
    assert (moved.uid, moved.sequence) == (before.uid, 1)
    assert moved.starts_at == parse_time(starts_at)
    assert moved.ends_at - moved.starts_at == before.ends_at - before.starts_at
    told = engine.notices(incident, "meeting_proposed")
    assert len(told) == 10
    assert {one.facts["meeting"]["sequence"] for one in told} == {0, 1}


def test_a_meeting_that_is_called_off_is_taken_out_of_calendars(engine: DrivenEngine) -> None:
    incident = opened(engine)
    engine.order(Word.MEETING_PROPOSE, incident)
    engine.order(Word.MEETING_CANCEL, incident)
    (meeting,) = meetings(engine, incident)
    assert (meeting.status, meeting.sequence) == (MeetingStatus.CANCELLED, 1)
    told = engine.notices(incident, "meeting_cancelled")
    assert ("person:boss@example.com", "mail", "boss@example.com") in ways(told)
    assert {one.facts["meeting"]["status"] for one in told} == {"cancelled"}
    assert engine.order(Word.MEETING_CANCEL, incident).refused
    assert engine.order(Word.MEETING_END, incident).refused
    assert not engine.order(Word.MEETING_PROPOSE, incident).refused


def test_what_is_recorded_while_it_goes_on_belongs_to_the_meeting(engine: DrivenEngine) -> None:
    incident = opened(engine)
    before = engine.order(Word.DECIDE, incident, text="We meet")
    engine.order(Word.MEETING_PROPOSE, incident)
    receipt = engine.order(Word.MEETING_START, incident)
    during = engine.order(Word.DECIDE, incident, text="We restore 41")
    assert "goes on already" in engine.order(Word.MEETING_START, incident).message
    engine.order(Word.MEETING_END, incident)
    after = engine.order(Word.DECIDE, incident, text="We sleep")
    with engine.app.store.read() as tx:
        belongs = {one.id: one.meeting_id for one in tx.minutes(incident)}
    assert belongs == {before.records[0]: None, during.records[0]: receipt.records[0], after.records[0]: None}
    assert engine.order(Word.MEETING_CANCEL, incident).refused


def test_its_buttons_follow_how_the_meeting_stands(engine: DrivenEngine) -> None:
    incident = opened(engine)

    def fresh(name: str) -> Notice | None:
        (told,) = [one for one in engine.notices(incident, name) if one.address == CHANNEL]
        with engine.app.store.read() as tx:
            return engine.app.notices._freshen(tx, told, engine.clock.now())

    def offered(notice: Notice | None) -> list[str]:
        assert notice is not None
        return [button["action"] for button in notice.facts["buttons"]]

    engine.order(Word.MEETING_PROPOSE, incident)
    (told,) = [one for one in engine.notices(incident, "meeting_proposed") if one.address == CHANNEL]
    assert offered(told) == ["meeting_start", "meeting_cancel"]
    assert fresh("meeting_proposed") is None
    with engine.app.store.write() as tx:
        tx.save(replace(told.sent("s", "b", engine.clock.now()), ref="1.1"))
    engine.order(Word.MEETING_START, incident)
    assert offered(fresh("meeting_proposed")) == ["meeting_end"]
    with engine.app.store.read() as tx:
        stands = tx.notice(told.id)
    assert stands is not None
    assert stands.refresh_at is not None
    engine.order(Word.MEETING_END, incident)
    assert offered(fresh("meeting_started")) == []


def test_a_meeting_that_nobody_proposed_invites_people_by_its_start(engine: DrivenEngine) -> None:
    incident = opened(engine)
    engine.order(Word.MEETING_START, incident, link="https://meet.example.com/1")
    (meeting,) = meetings(engine, incident)
    assert (meeting.status, meeting.link) == (MeetingStatus.STARTED, "https://meet.example.com/1")
    told = ways(engine.notices(incident, "meeting_started"))
    assert ("person:boss@example.com", "mail", "boss@example.com") in told
    assert ("engineering", "slack", CHANNEL) in told


def test_the_end_of_a_meeting_sends_the_summary_to_everybody_concerned(engine: DrivenEngine) -> None:
    incident = opened(engine)
    engine.order(Word.MEETING_START, incident)
    engine.order(Word.DECIDE, incident, text="We restore 41")
    engine.order(Word.ACTION, incident, text="Pin the feature", owner="lead", due_text="in 2 h")
    engine.order(Word.ACTION, incident, text="Not that", owner="lead")
    engine.order(Word.WITHDRAW, engine.order(Word.ACTION, incident, text="Gone").records[0])
    engine.order(Word.ACTION, incident, text="Perhaps", certain=False)
    answered = engine.order(Word.QUESTION, incident, text="Is staging hit?").records[0]
    engine.order(Word.ANSWER, answered, text="No")
    engine.order(Word.QUESTION, incident, text="Who tells the bank?", owner="lead")
    engine.order(Word.MEETING_END, incident)
    told = engine.notices(incident, "summary")
    assert ("engineering", "slack", CHANNEL) in ways(told)
    assert ("product", "mail", "product@example.com") in ways(told)
    assert {"person:U0CHAMP", "person:boss@example.com"} <= {one.audience for one in told}
    facts = told[0].facts
    assert [one["text"] for one in facts["decisions"]] == ["We restore 41"]
    assert [one["text"] for one in facts["action_items"]] == ["Pin the feature", "Not that"]
    assert facts["action_items"][0]["owner"] == "lead"
    assert facts["action_items"][0]["due_at"]
    assert [(one["text"], one["answer"]) for one in facts["questions"]] == [
        ("Who tells the bank?", ""),
        ("Is staging hit?", "No"),
    ]
    assert facts["suggested"] == 1
    assert facts["meeting"]["status"] == "ended"
    assert any("Incident opened" in point for point in facts["key_points"])
    assert "summary" in [line["kind"] for line in engine.incident(incident)["timeline"]]


def test_a_resolved_incident_ends_its_meeting_and_is_summed_up(engine: DrivenEngine) -> None:
    incident = opened(engine)
    engine.order(Word.MEETING_START, incident)
    engine.order(Word.RESOLVE, incident, reason="it serves well")
    (meeting,) = meetings(engine, incident)
    assert meeting.status is MeetingStatus.ENDED
    summary = engine.notices(incident, "summary")[0]
    assert "olga resolved the incident: it serves well" in summary.facts["key_points"][-1]
    assert summary.facts["incident"]["status"] == "resolved"


def test_a_resolved_incident_calls_off_a_meeting_that_is_only_proposed(engine: DrivenEngine) -> None:
    incident = opened(engine)
    engine.order(Word.MEETING_PROPOSE, incident)
    engine.order(Word.RESOLVE, incident)
    (meeting,) = meetings(engine, incident)
    assert meeting.status is MeetingStatus.CANCELLED
    assert engine.notices(incident, "meeting_cancelled")
    assert engine.order(Word.MEETING_PROPOSE, incident).refused


def test_an_incident_of_which_nobody_said_anything_ends_without_a_summary(engine: DrivenEngine) -> None:
    incident = opened(engine)
    engine.order(Word.RESOLVE, incident)
    assert engine.notices(incident, "summary") == []
    assert engine.notices(incident, "resolved")


@pytest.mark.parametrize(
    ("details", "names"),
    [
        ({"starts_at": "2020-01-01T00:00:00Z"}, "is over"),
        ({"starts_at": "some day"}, "not understood"),
        ({"starts_at": "9998-01-01T00:00:00Z"}, "too far"),
        ({"invitees": "boss@example.com"}, "invitees"),
        ({"invitees": ["x"] * 51}, "invitees"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"room": 7}, "room"),
    ],
)
def test_a_proposal_that_does_not_fit_is_named(engine: DrivenEngine, details: dict[str, Any], names: str) -> None:
    incident = opened(engine)
    with pytest.raises(BadInput, match=names):
        engine.order(Word.MEETING_PROPOSE, incident, **details)
    assert meetings(engine, incident) == []


def test_many_who_propose_and_start_at_once_have_one_meeting(engine: DrivenEngine) -> None:
    incident = opened(engine)
    words = [Word.MEETING_PROPOSE, Word.MEETING_START] * 6
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda word: engine.order(word, incident), words))
    (meeting,) = meetings(engine, incident)
    assert meeting.status is MeetingStatus.STARTED


def test_a_halt_proposes_the_meeting_only_where_the_policy_has_one(engine: DrivenEngine) -> None:
    incident = opened(engine)
    without = opened(engine, meeting=None)
    teller = Teller(engine.app.ids, "https://andon.example.com", frozenset({"page", "slack", "mail"}))
    made = Consequences(engine.app.ids, teller)
    found = []
    for known in (incident, without, incident):
        stored = engine.stored_incident(known)
        policy = engine.app.configuration.current.policy(stored.service)
        with engine.app.store.write() as tx:
            situation = Situation(tx, tx.standing([stored.service]), engine.clock.now(), engine.app.ids)
            found.append(propose(made, situation, policy, stored, by="U0LEAD", cause="event:evt-1"))
            situation.write_back()
    assert found[0] is not None
    assert found[1:] == [None, None]
    assert meetings(engine, incident) == [found[0]]
    assert found[0].called_by == "U0LEAD"


def test_nobody_is_invited_where_the_policy_names_nobody(engine: DrivenEngine) -> None:
    incident = opened(engine, meeting=None)
    receipt = engine.order(Word.MEETING_PROPOSE, incident)
    assert "Nobody is invited" in receipt.message
    assert ways(engine.notices(incident, "meeting_proposed")) == {("engineering", "slack", CHANNEL)}
