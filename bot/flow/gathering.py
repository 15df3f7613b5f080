"""Calls people together: proposes, moves, starts, calls off and ends the one meeting that an incident may have open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.incidents import Incident
from bot.domain.letters import Medium
from bot.domain.meetings import USUAL_LENGTH, Meeting, MeetingStatus
from bot.domain.people import is_mail, is_slack_group, is_slack_person
from bot.domain.policies import Meeting as MeetingRule
from bot.domain.policies import Policy
from bot.domain.times import spoken_time
from bot.domain.ways import way_to
from bot.flow import offers
from bot.flow.agenda import Material, agenda_of
from bot.flow.consequences import Consequences
from bot.flow.freshening import MEETINGS
from bot.flow.items import meeting_facts
from bot.flow.owners import named_in
from bot.flow.situation import Situation

MOST_INVITEES = 50


@dataclass(frozen=True)
class Gathering:
    """What a meeting is about, and how people are told of it."""

    consequences: Consequences
    situation: Situation
    policy: Policy
    incident: Incident
    cause: str
    """The record that it is due to: `event:<id>`."""
    by: str

    def propose(
        self, starts_at: datetime | None = None, invitees: Sequence[str] = (), link: str | None = None
    ) -> Meeting:
        """A new meeting, with the people the policy names and these; they get an invitation at once."""
        rule = self.policy.meeting or MeetingRule()
        begins = starts_at or _whole_minute(self.situation.now + rule.within)
        meeting = self._new(begins, invitees, link, MeetingStatus.PROPOSED)
        self.situation.record(meeting)
        self._line(f"{self.by} proposed a meeting for {spoken_time(begins)}", meeting)
        self.tell("meeting_proposed", meeting, invite=True)
        return meeting

    def move(self, meeting: Meeting, starts_at: datetime, invitees: Sequence[str] = ()) -> Meeting:
        """The same meeting at another time: the same entry in calendars, one sequence on."""
        moved = replace(meeting.moved(starts_at), invitees=_united(meeting.invitees, invitees))
        self.situation.keep(moved)
        self._line(f"{self.by} moved the meeting to {spoken_time(starts_at)}", moved)
        self.tell("meeting_proposed", moved, invite=True)
        return moved

    def begin(self, meeting: Meeting | None, link: str | None = None) -> Meeting:
        """It goes on now. One that nobody had proposed invites people by its start."""
        now = self.situation.now
        if meeting is not None:
            started = replace(meeting.started(now), link=link or meeting.link)
            self.situation.keep(started)
        else:
            new = self._new(_whole_minute(now), (), link, MeetingStatus.PROPOSED)
            started = new.started(now)
            self.situation.record(started)
        self._line(f"{self.by} started the meeting", started)
        self.tell("meeting_started", started, invite=meeting is None)
        return started

    def call_off(self, meeting: Meeting) -> Meeting:
        """It will not be: calendars are told."""
        cancelled = meeting.cancelled(self.situation.now)
        self.situation.keep(cancelled)
        self._line(f"{self.by} called the meeting off", cancelled)
        self.tell("meeting_cancelled", cancelled, invite=True)
        return cancelled

    def end(self, meeting: Meeting) -> Meeting:
        """It is over."""
        ended = meeting.ended(self.situation.now)
        self.situation.keep(ended)
        self._line(f"{self.by} ended the meeting", ended)
        return ended

    def tell(self, name: str, meeting: Meeting, *, invite: bool) -> None:
        """A notice in the incident's channels, and one to each who is invited where calendars are told."""
        about = self.consequences.about(
            self.situation,
            name,
            self.policy,
            self.incident,
            cause=f"meeting:{meeting.id}:{meeting.sequence}",
            meeting=meeting_facts(meeting),
            agenda=self._agenda(),
            invitees=list(meeting.invitees),
            attendees=mail_addresses(self.policy, meeting.invitees),
            by=self.by,
            buttons=offers.for_meeting(meeting),
            mentions=[one for one in meeting.invitees if _is_mentioned(one) and one in named_in(self.policy)],
        )
        teller = self.consequences.teller
        self.situation.tell(teller.in_chat(about))
        if invite:
            self.situation.tell(teller.invite(about, reachable(meeting.invitees)))

    def _agenda(self) -> list[str]:
        tx, incident = self.situation.tx, self.incident
        run = self.situation.runs.get((incident.service, incident.environment))
        material = Material(
            title=incident.title,
            facts=self.situation.report(incident.id),
            minutes=tx.minutes(incident.id),
            approvals=tx.approvals(run.id) if run is not None else (),
        )
        return agenda_of(material)

    def _new(self, begins: datetime, invitees: Sequence[str], link: str | None, status: MeetingStatus) -> Meeting:
        known = self.situation.ids.new("mtg")
        owner = (self.incident.owner,) if self.incident.owner else ()
        rule = self.policy.meeting or MeetingRule()
        return Meeting(
            id=known,
            incident_id=self.incident.id,
            service=self.incident.service,
            uid=f"{known}@{self.consequences.teller.host}",
            status=status,
            starts_at=begins,
            ends_at=begins + USUAL_LENGTH,
            called_by=self.by,
            called_at=self.situation.now,
            invitees=_united(invited(self.policy, rule.invite), (*owner, *invitees)),
            link=link,
        )

    def _line(self, text: str, meeting: Meeting) -> None:
        # What was said of it before shows how it stands now.
        self.situation.tx.retell(self.situation.now, MEETINGS, incident_id=self.incident.id)
        data: dict[str, object] = {"meeting": meeting.id, "status": str(meeting.status), "sequence": meeting.sequence}
        self.consequences.write(self.situation, self.incident, "meeting", text, actor=self.by, data=data)


def propose(
    consequences: Consequences,
    situation: Situation,
    policy: Policy,
    incident: Incident,
    *,
    by: str,
    cause: str,
    starts_at: datetime | None = None,
    invitees: Sequence[str] = (),
) -> Meeting | None:
    """The meeting that goes with a halt, where the policy names one; None where it does not or one is open already."""
    if policy.meeting is None:
        return None
    if not situation.is_new(incident.id) and situation.tx.open_meeting(incident.id) is not None:
        return None
    return Gathering(consequences, situation, policy, incident, cause, by).propose(starts_at, invitees)


def invited(policy: Policy, named: Sequence[str]) -> tuple[str, ...]:
    """The people behind what a policy invites: a role's members, a person, or the id itself; each person once."""
    members = (member for name in named for member in policy.members(name) or (name,) if member)
    found: dict[str, str] = {}
    for one in members:
        found.setdefault(policy.person(one), _reached(policy, one))
    return tuple(found.values())


def _reached(policy: Policy, name: str) -> str:
    """The id itself where one can write to it, else another id of the same person."""
    ids = (name, *(one for person, known in policy.persons.items() if name in (person, *known) for one in known))
    return next((one for one in ids if is_slack_group(one) or is_slack_person(one) or is_mail(one)), name)


def mail_addresses(policy: Policy, invitees: Sequence[str]) -> list[str]:
    """Where their calendars are, as far as the policy knows."""
    found = (way_to(policy, one, (Medium.MAIL,)) for one in invitees)
    return list(dict.fromkeys(way.address for way in found if way.medium == Medium.MAIL))


def reachable(invitees: Sequence[str]) -> list[str]:
    """Those who can be written to one by one: a group is called by its name in the channel."""
    return [one for one in invitees if not is_slack_group(one)]


def _is_mentioned(name: str) -> bool:
    return is_slack_person(name) or is_slack_group(name)


def _united(first: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *more)))[:MOST_INVITEES]


def _whole_minute(moment: datetime) -> datetime:
    return moment - timedelta(seconds=moment.second, microseconds=moment.microsecond)
