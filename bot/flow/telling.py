"""Makes notices due: one row per audience, with the facts as they are now and the record that caused it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from bot.domain.incidents import Incident
from bot.domain.judging import release_facts
from bot.domain.letters import Medium
from bot.domain.people import is_slack_group
from bot.domain.policies import Policy
from bot.domain.quiet_hours import next_moment, parse_quiet_hours
from bot.domain.records import Notice
from bot.domain.releases import Release
from bot.domain.report_facts import Fact
from bot.domain.runs import Run
from bot.domain.times import format_time
from bot.domain.ways import ENGINEERING, PERSON, Way, way_to, ways_of
from bot.flow.told_facts import incident_facts, report_facts, run_facts
from bot.ports import Ids

HOUSE = "andon"
"""The service that a notice about Andon itself names."""


@dataclass(frozen=True)
class About:
    """What a notice about an incident tells, the same for everybody: the records, and whatever else is known."""

    name: str
    policy: Policy
    incident: Incident
    cause: str
    now: datetime
    run: Run | None = None
    release: Release | None = None
    report: Sequence[Fact] = ()
    """What was said of it, oldest first."""
    hearing: frozenset[str] = frozenset()
    """Of an incident of a drill: the audiences that hear of this drill besides engineering."""
    more: Mapping[str, Any] = field(default_factory=dict)


class Teller:
    """Builds due notices. It decides who is told, where and when; never in which words."""

    def __init__(self, ids: Ids, address: str, media: frozenset[str] = frozenset({Medium.PAGE})) -> None:
        self._ids = ids
        self._address = address
        self._media = media

    @property
    def host(self) -> str:
        """The name of the machine that people reach the pages at."""
        return urlsplit(self._address).hostname or HOUSE

    @property
    def media(self) -> frozenset[str]:
        """The media that are set up."""
        return self._media

    @property
    def address(self) -> str:
        """Where people reach the pages."""
        return self._address

    def about_incident(self, about: About, audiences: Sequence[str] = ()) -> list[Notice]:
        """One notice for each way to each audience that hears of an incident this bad, or to the named ones only."""
        facts, told = self.facts_of(about), _hearing(about, audiences)
        return [notice for audience in told for notice in self._to_audience(about, audience, facts)]

    def _to_audience(self, about: About, audience: str, facts: Mapping[str, Any]) -> Iterator[Notice]:
        told = about.policy.audiences.get(audience)
        zone = told.timezone if told else "UTC"
        quiet = parse_quiet_hours(told.quiet, ZoneInfo(zone)) if told and told.quiet else None
        due_at = next_moment(about.now, quiet=quiet)
        for way in ways_of(about.policy, audience, self._media):
            yield self._notice(about, audience, way, due_at, {**facts, "zone": zone})

    def to_people(self, about: About, people: Iterable[str]) -> list[Notice]:
        """One notice to each of these people, where they are reached best."""
        facts = self.facts_of(about)
        return [
            self._notice(about, f"{PERSON}{one}", way_to(about.policy, one, self._media), about.now, facts)
            for one in dict.fromkeys(people)
        ]

    def to_members(self, about: About, members: Iterable[str]) -> list[Notice]:
        """To each person among these members of a role, once each; groups are called by mention in the engineers'
        channel. Where that reaches nobody, the engineers are told."""
        members = list(members)
        persons = {about.policy.person(one): one for one in reversed(members) if not is_slack_group(one)}
        made = self.to_people(about, reversed(persons.values()))
        if groups := [one for one in members if is_slack_group(one)]:
            called = replace(about, more={**about.more, "mentions": groups})
            made += self.in_chat(called, (ENGINEERING,))
        return made or self.about_incident(about, (ENGINEERING,))

    def invite(self, about: About, people: Iterable[str]) -> list[Notice]:
        """One notice to each of these people, by mail where they have an address, so that a calendar takes it."""
        facts = self.facts_of(about)
        ways = {one: way_to(about.policy, one, self._media, first=Medium.MAIL) for one in dict.fromkeys(people)}
        told: dict[Way, str] = {}
        for one, way in ways.items():
            if way.medium == Medium.PAGE:
                continue  # whoever has no address reads it on the incident's page, where it stands for everybody
            told.setdefault(way, one)
        return [self._notice(about, f"{PERSON}{one}", way, about.now, facts) for way, one in told.items()]

    def in_chat(
        self, about: About, audiences: Sequence[str] = (), *, refresh_at: datetime | None = None
    ) -> list[Notice]:
        """One notice in each channel of the audiences that have one; nowhere else. Told anew from `refresh_at` on."""
        if Medium.SLACK not in self._media:
            return []
        facts, policy, told = self.facts_of(about), about.policy, _hearing(about, audiences)
        ways = {
            way: audience
            for audience in told
            for way in ways_of(policy, audience, self._media)
            if way.medium == Medium.SLACK
        }
        made = [self._notice(about, audience, way, about.now, facts) for way, audience in ways.items()]
        return [replace(one, refresh_at=refresh_at) for one in made]

    def in_channel(self, about: About, channel: str) -> list[Notice]:
        """One notice in this channel, where chat is set up: in answer to what was said there."""
        if Medium.SLACK not in self._media:
            return []
        named = (name for name, one in about.policy.audiences.items() if one.slack == channel)
        return [self.at(about, next(named, ENGINEERING), Way(Medium.SLACK, channel))]

    def at(self, about: About, audience: str, way: Way, due_at: datetime | None = None) -> Notice:
        """One notice exactly there."""
        return self._notice(about, audience, way, due_at or about.now, self.facts_of(about))

    def facts_of(self, about: About) -> dict[str, Any]:
        """The one set of facts that all notices of a moment are made of."""
        is_drill = about.incident.drill or (about.run is not None and about.run.drill)
        return {
            **({"is_drill": True} if is_drill else {}),
            "as_of": format_time(about.now),
            "service": about.policy.service,
            "summary": about.policy.summary,
            "environment": about.incident.environment,
            "incident": incident_facts(about.incident, self._address),
            "release": release_facts(about.release),
            "run": run_facts(about.run) if about.run else {},
            "people": {one: name for name, ids in about.policy.persons.items() for one in ids},
            **report_facts(about.report),
            **about.more,
        }

    def _notice(self, about: About, audience: str, way: Way, due_at: datetime, facts: Mapping[str, Any]) -> Notice:
        return Notice(
            id=self._ids.new("ntc"),
            service=about.policy.service,
            audience=audience,
            name=about.name,
            cause=about.cause,
            due_at=due_at,
            facts=facts,
            revision=about.incident.revision,
            incident_id=about.incident.id,
            run_id=about.run.id if about.run else None,
            medium=way.medium,
            address=way.address,
        )

    def about_policy(
        self, name: str, policy: Policy, people: Iterable[str], *, cause: str, now: datetime, **facts: Any
    ) -> list[Notice]:
        """One notice to each of these people, to the engineers where there are none: about the policy itself."""
        persons = {policy.person(one): one for one in reversed(list(people)) if not is_slack_group(one)}
        ways = [(f"{PERSON}{one}", way_to(policy, one, self._media)) for one in reversed(persons.values())]
        ways = ways or [(ENGINEERING, way) for way in ways_of(policy, ENGINEERING, self._media)]
        known = {"as_of": format_time(now), "service": policy.service, "address": self._address, **facts}
        return [
            Notice(
                id=self._ids.new("ntc"),
                service=policy.service,
                audience=audience,
                name=name,
                cause=cause,
                due_at=now,
                facts=known,
                medium=way.medium,
                address=way.address,
            )
            for audience, way in ways
        ]

    def to_engineers(self, name: str, policy: Policy, *, cause: str, now: datetime, **facts: Any) -> list[Notice]:
        """One notice by each way to a service's engineers, of something that is no incident."""
        told = replace(self.about_house(name, cause=cause, now=now, **facts), service=policy.service)
        told = replace(told, facts={**told.facts, "service": policy.service})
        ways = ways_of(policy, ENGINEERING, self._media)
        return [replace(told, id=self._ids.new("ntc"), medium=one.medium, address=one.address) for one in ways]

    def about_house(self, name: str, *, cause: str, now: datetime, **facts: Any) -> Notice:
        """One notice to the engineers who keep Andon running: a dead letter, for instance."""
        return Notice(
            id=self._ids.new("ntc"),
            service=HOUSE,
            audience=ENGINEERING,
            name=name,
            cause=cause,
            due_at=now,
            facts={"as_of": format_time(now), "service": HOUSE, "address": self._address, **facts},
        )


def _hearing(about: About, audiences: Sequence[str]) -> Sequence[str]:
    """Those audiences that hear of it: of a drill only engineering, and whoever the policy tells of this one."""
    told = audiences or about.policy.told(about.incident.severity)
    if not about.incident.drill:
        return told
    wanted = [one for one in told if one in about.hearing - {ENGINEERING}]
    return wanted if audiences and ENGINEERING not in audiences else [ENGINEERING, *wanted]
