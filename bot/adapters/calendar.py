"""Invitations as calendars read them: iCalendar (RFC 5545) with the methods of iTIP (RFC 5546)."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

from icalendar import Calendar, Event, vCalAddress, vText

from bot.domain.errors import StepFailed
from bot.domain.invitations import Invitation
from bot.domain.letters import Attachment
from bot.domain.mail import MailAddress

_PRODUCT = "-//Andon//Meetings//EN"
_LONGEST_LINE = 300
_LONGEST_AGENDA = 8000
_WEB = re.compile(r"https?://[!-\[\]-~]{1,2000}")
_NEW_LINES = "\n\r\x0b\x0c\x85\u2028\u2029"


def request(invitation: Invitation, now: datetime) -> Attachment:
    """The invitation, or its update where `sequence` has grown. StepFailed where it cannot be written."""
    return _attachment(invitation, now, "REQUEST")


def cancellation(invitation: Invitation, now: datetime) -> Attachment:
    """Takes the meeting out of calendars; `invitation` is `changed()` once more, so that its sequence is higher."""
    return _attachment(invitation, now, "CANCEL")


def _attachment(invitation: Invitation, now: datetime, method: str) -> Attachment:
    if invitation.length.total_seconds() <= 0 or not invitation.attendees:
        raise StepFailed("A meeting cannot be invited to", why="it has no length or nobody is to come")
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(_event(invitation, now, "CANCELLED" if method == "CANCEL" else "CONFIRMED"))
    kind = f"text/calendar; method={method}; charset=utf-8"
    return Attachment("invite.ics", kind, calendar.to_ical(), is_alternative=True)


def _event(invitation: Invitation, now: datetime, status: str) -> Event:
    event = Event()
    event.add("uid", invitation.uid or f"{invitation.meeting_id}@{invitation.organizer.host}")
    event.add("sequence", invitation.sequence)
    event.add("dtstamp", _utc(now))
    event.add("dtstart", _utc(invitation.starts_at))
    event.add("dtend", _utc(invitation.ends_at))
    event.add("summary", _plain(invitation.title, _LONGEST_LINE, lines=False))
    event.add("status", status)
    event.add("organizer", _person(invitation.organizer))
    for attendee in invitation.attendees:
        event.add("attendee", _invited(attendee), encode=False)
    if invitation.agenda:
        event.add("description", _plain(invitation.agenda, _LONGEST_AGENDA, lines=True))
    if invitation.location:
        event.add("location", _plain(invitation.location, _LONGEST_LINE, lines=False))
    if invitation.link and _WEB.fullmatch(invitation.link):
        event.add("url", invitation.link)
    event.add("transp", "OPAQUE")
    return event


def _utc(at: datetime) -> datetime:
    """Whole seconds; UTC needs no table of time zones in the file."""
    return at.astimezone(UTC).replace(microsecond=0)


def _person(address: MailAddress) -> vCalAddress:
    person = vCalAddress(f"mailto:{address.mailbox}")
    if address.name:
        # A quote cannot stand in a parameter at all (RFC 5545, 3.2).
        person.params["cn"] = vText(_plain(address.name, 60, lines=False).replace('"', "'"))
    return person


def _invited(address: MailAddress) -> vCalAddress:
    person = _person(address)
    person.params.update(
        {"role": "REQ-PARTICIPANT", "partstat": "NEEDS-ACTION", "rsvp": "TRUE", "cutype": "INDIVIDUAL"}
    )
    return person


def _plain(text: str, limit: int, *, lines: bool) -> str:
    """Without control characters; line breaks are kept as `\\n` where the text may have several lines."""
    kept = []
    for character in text[: limit * 4]:
        if character in _NEW_LINES or character == "\t":
            kept.append("\n" if lines and character == "\n" else " ")
        elif unicodedata.category(character)[0] != "C" or character in "\u200c\u200d":
            kept.append(character)
    plain = "\n".join(" ".join(line.split()) for line in "".join(kept).split("\n")).strip()
    return plain if len(plain) <= limit else plain[: limit - 1].rstrip() + "…"
