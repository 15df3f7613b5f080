"""Files that go with some notices: the calendar entry of a meeting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.adapters.calendar import cancellation, request
from bot.domain.errors import BadInput
from bot.domain.invitations import Invitation
from bot.domain.letters import Attachment, Medium
from bot.domain.mail import MailAddress, parse_mail_address
from bot.domain.records import Notice
from bot.domain.times import parse_time

_WITH_CALENDAR = {"meeting_proposed": request, "meeting_started": request, "meeting_cancelled": cancellation}


class Calendars:
    """`bot.adapters.letters.Enclosures`: an invitation, its update or its cancellation, where a notice is mailed."""

    def __init__(self, organizer: MailAddress) -> None:
        self._organizer = organizer

    def of(self, notice: Notice) -> tuple[Attachment, ...]:
        """The calendar entry of the meeting that a mailed notice is about; nothing else has one."""
        make = _WITH_CALENDAR.get(notice.name)
        meeting = notice.facts.get("meeting")
        if make is None or notice.medium != Medium.MAIL or not isinstance(meeting, Mapping):
            return ()
        written = notice.facts.get("attendees") or notice.facts.get("invitees") or notice.address.split(",")
        attendees = tuple(_mailboxes(written))
        if not attendees:
            return ()
        return (make(self._invitation(notice, meeting, attendees), notice.due_at),)

    def _invitation(self, notice: Notice, meeting: Mapping[str, Any], attendees: tuple[MailAddress, ...]) -> Invitation:
        starts_at, ends_at = parse_time(meeting["starts_at"]), parse_time(meeting["ends_at"])
        incident = notice.facts.get("incident") or {}
        return Invitation(
            meeting_id=str(meeting["id"]),
            title=f"{notice.service}: {incident.get('title') or 'incident'}",
            starts_at=starts_at,
            length=ends_at - starts_at,
            organizer=self._organizer,
            attendees=attendees,
            agenda="\n".join(f"- {line}" for line in notice.facts.get("agenda") or ()),
            location=str(meeting.get("link") or ""),
            link=incident.get("url"),
            uid=str(meeting.get("uid") or ""),
            sequence=int(meeting.get("sequence") or 0),
        )


def _mailboxes(written: list[str]) -> list[MailAddress]:
    found = []
    for one in written:
        try:
            found.append(parse_mail_address(one))
        except BadInput:
            continue  # a Slack id or a name: they hear of it elsewhere
    return found
