"""Invitations, read back as a calendar reads them."""

from __future__ import annotations

import email
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar, Event

from bot.adapters.calendar import cancellation, request
from bot.adapters.mail.composing import Composer, Mail
from bot.adapters.mail.letter_pages import LetterPages
from bot.adapters.shipped import TEMPLATES, shipped_folder
from bot.domain.errors import StepFailed
from bot.domain.invitations import Invitation
from bot.domain.letters import Attachment, Letter
from bot.domain.mail import MailAddress, parse_mail_address

NOW = datetime(2026, 11, 20, 14, 9, 37, 123456, tzinfo=UTC)
ANDON = parse_mail_address("Andon <andon@bot.example.com>")
MEETING = Invitation(
    meeting_id="mtg-1",
    title="fraud-model: decide about the release",
    starts_at=datetime(2026, 11, 20, 16, 0, tzinfo=ZoneInfo("Europe/Berlin")),
    length=timedelta(minutes=15),
    organizer=ANDON,
    attendees=(parse_mail_address("Lovelace, Ada <ada@example.com>"), parse_mail_address("grace@example.org")),
    agenda="What is known: F1 fell from 0.91 to 0.77; why, is not known yet.\nOptions:\n- lift\n- keep the halt",
    location="https://meet.example.com/x",
    link="https://andon.example.com/incidents/inc-1",
)


def read(attachment: Attachment) -> tuple[Calendar, Event]:
    """The calendar and its one event."""
    assert b"\r\n" in attachment.content
    assert all(len(line) <= 75 for line in attachment.content.split(b"\r\n"))
    calendar = cast(Calendar, Calendar.from_ical(attachment.content))
    [event] = calendar.events
    assert not event.errors
    return calendar, event


def test_an_invitation_says_who_when_where_and_why() -> None:
    attachment = request(MEETING, NOW)
    calendar, event = read(attachment)
    assert attachment.is_alternative
    assert attachment.media_type == "text/calendar; method=REQUEST; charset=utf-8"
    assert (calendar["method"], calendar["version"]) == ("REQUEST", "2.0")
    assert event["uid"] == "mtg-1@bot.example.com"
    assert (event["sequence"], event["status"]) == (0, "CONFIRMED")
    assert event["dtstart"].dt == datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    assert event["dtend"].dt == datetime(2026, 11, 20, 15, 15, tzinfo=UTC)
    assert event["dtstamp"].dt == NOW.replace(microsecond=0)
    assert b"DTSTART:20261120T150000Z" in attachment.content
    assert event["summary"] == MEETING.title
    assert event["description"] == MEETING.agenda
    assert event["location"] == MEETING.location
    assert event["url"] == MEETING.link
    assert str(event["organizer"]) == "mailto:andon@bot.example.com"
    assert event["organizer"].params["cn"] == "Andon"
    ada, grace = event["attendee"]
    assert (str(ada), ada.params["cn"]) == ("mailto:ada@example.com", "Lovelace, Ada")
    assert str(grace) == "mailto:grace@example.org"
    assert (grace.params["partstat"], grace.params["rsvp"]) == ("NEEDS-ACTION", "TRUE")


def test_one_attendee_is_a_list_of_one() -> None:
    _, event = read(request(replace(MEETING, attendees=MEETING.attendees[:1]), NOW))
    assert str(event["attendee"]) == "mailto:ada@example.com"


def test_an_update_is_the_same_meeting_with_a_higher_sequence() -> None:
    moved = MEETING.changed(starts_at=MEETING.starts_at + timedelta(hours=1))
    _, before = read(request(MEETING, NOW))
    calendar, after = read(request(moved, NOW))
    assert calendar["method"] == "REQUEST"
    assert after["uid"] == before["uid"]
    assert (before["sequence"], after["sequence"]) == (0, 1)
    assert after["dtstart"].dt - before["dtstart"].dt == timedelta(hours=1)


def test_a_cancellation_is_the_same_meeting_cancelled() -> None:
    attachment = cancellation(MEETING.changed().changed(), NOW)
    calendar, event = read(attachment)
    assert attachment.media_type == "text/calendar; method=CANCEL; charset=utf-8"
    assert calendar["method"] == "CANCEL"
    assert (event["uid"], event["status"], event["sequence"]) == ("mtg-1@bot.example.com", "CANCELLED", 2)


def test_a_meeting_across_the_change_of_the_clocks_keeps_its_length() -> None:
    night = replace(MEETING, starts_at=datetime(2026, 10, 25, 2, 50, tzinfo=ZoneInfo("Europe/Berlin")))
    _, event = read(request(replace(night, length=timedelta(minutes=30)), NOW))
    assert event["dtend"].dt - event["dtstart"].dt == timedelta(minutes=30)


@pytest.mark.parametrize(
    "text",
    [
        "a\r\nATTENDEE:mailto:eve@example.net",
        "a\nEND:VEVENT\nBEGIN:VEVENT",
        'a";CN="b',
        "a\u2028b\x85c\x00\x1b",
        "a;b,c\\n:d",
    ],
)
def test_hostile_text_adds_no_line_no_person_and_no_event(text: str) -> None:
    hostile = replace(
        MEETING,
        title=text,
        agenda=text,
        location=text,
        link=f"https://andon.example.com/{text}",
        organizer=replace(ANDON, name=text),
        attendees=(MailAddress("ada", "example.com", text),),
    )
    attachment = request(hostile, NOW)
    calendar, event = read(attachment)
    assert len(calendar.subcomponents) == 1
    assert str(event["attendee"]) == "mailto:ada@example.com"
    assert "\n" not in event["summary"]
    names = {line.split(b":")[0].split(b";")[0] for line in attachment.content.split(b"\r\n") if line[:1] != b" "}
    assert names - {b"URL"} == {
        b"BEGIN", b"END", b"VERSION", b"PRODID", b"CALSCALE", b"METHOD", b"SUMMARY", b"DTSTART", b"DTEND", b"DTSTAMP",
        b"UID", b"SEQUENCE", b"STATUS", b"ORGANIZER", b"ATTENDEE", b"DESCRIPTION", b"LOCATION", b"TRANSP", b"",
    }  # fmt: skip


def test_a_link_that_is_not_of_the_web_is_left_out() -> None:
    _, event = read(request(replace(MEETING, link="javascript:alert(1)"), NOW))
    assert "url" not in event


def test_a_meeting_of_nobody_or_of_no_length_is_refused() -> None:
    for bad in (replace(MEETING, attendees=()), replace(MEETING, length=timedelta(0))):
        with pytest.raises(StepFailed, match="cannot be invited"):
            request(bad, NOW)


def test_an_invitation_survives_the_mail() -> None:
    attachment = request(replace(MEETING, title="Betrugsmodell: Übergabe 🔥"), NOW)
    letter = Letter("A meeting is proposed", "Please come.", attachments=(attachment,))
    composer = Composer(ANDON, LetterPages([shipped_folder(TEMPLATES)]))
    message = composer.compose(Mail("ntc-1", MEETING.attendees, letter), NOW)
    parsed = cast(EmailMessage, email.message_from_bytes(bytes(message), policy=default))
    [part] = [part for part in parsed.walk() if part.get_content_type() == "text/calendar"]
    assert part.get_param("method") == "REQUEST"
    again = Calendar.from_ical(part.get_payload(decode=True))
    assert again.events[0]["summary"] == "Betrugsmodell: Übergabe 🔥"
