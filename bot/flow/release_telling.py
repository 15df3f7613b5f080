"""Notices about a release: who is told of it, where and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.permits import CHAMPION
from bot.domain.policies import DEFAULT_AUDIENCES, Policy
from bot.domain.quiet_hours import next_moment, parse_quiet_hours
from bot.domain.records import Notice
from bot.domain.times import format_time
from bot.domain.ways import ENGINEERING, PERSON, Way, way_to, ways_of
from bot.flow import offers
from bot.flow.situation import Situation
from bot.flow.telling import Teller
from bot.ports import Ids


class ReleaseTeller:
    """Builds due notices about releases; which words they have is up to the templates."""

    def __init__(self, ids: Ids, teller: Teller) -> None:
        self._ids = ids
        self._teller = teller

    def url(self, release_id: str) -> str:
        """The page of a release."""
        return f"{self._teller.address}/releases/{release_id}"

    def audiences(self, situation: Situation, name: str, policy: Policy, facts: Mapping[str, Any], cause: str) -> None:
        """One notice for each way to each audience of the policy."""
        for audience in policy.audiences or DEFAULT_AUDIENCES:
            self.audience(situation, name, policy, audience, facts, cause)

    def audience(
        self, situation: Situation, name: str, policy: Policy, audience: str, facts: Mapping[str, Any], cause: str
    ) -> None:
        """To one audience, not in its quiet hours."""
        told = policy.audiences.get(audience)
        zone = told.timezone if told else "UTC"
        quiet = parse_quiet_hours(told.quiet, ZoneInfo(zone)) if told and told.quiet else None
        due_at = next_moment(situation.now, quiet=quiet)
        situation.tell(
            self._notice(situation, name, policy, audience, way, {**facts, "zone": zone}, cause, due_at)
            for way in ways_of(policy, audience, self._teller.media)
        )

    def owner(
        self, situation: Situation, name: str, policy: Policy, owner: str | None, facts: Mapping[str, Any], cause: str
    ) -> None:
        """To whoever answers: the members of a role, or one person; the engineers where nobody is named."""
        people = self._people(policy, owner)
        if not people:
            self.audience(situation, name, policy, ENGINEERING, facts, cause)
            return
        told = policy.audiences.get(ENGINEERING)
        facts = {**facts, "zone": told.timezone if told else "UTC"}
        situation.tell(
            self._notice(
                situation,
                name,
                policy,
                f"{PERSON}{one}",
                way_to(policy, one, self._teller.media),
                facts,
                cause,
                situation.now,
            )
            for one in people
        )

    def _people(self, policy: Policy, owner: str | None) -> Sequence[str]:
        named = owner or CHAMPION
        members: Iterable[str] = policy.members(named) or ((named,) if owner else ())
        persons: dict[str, str] = {}
        for one in members:
            persons.setdefault(policy.person(one), one)
        return list(persons.values())

    def _notice(
        self,
        situation: Situation,
        name: str,
        policy: Policy,
        audience: str,
        way: Way,
        facts: Mapping[str, Any],
        cause: str,
        due_at: Any,
    ) -> Notice:
        return Notice(
            id=self._ids.new("ntc"),
            service=policy.service,
            audience=audience,
            name=name,
            cause=cause,
            due_at=due_at,
            facts={"as_of": format_time(situation.now), **facts, "buttons": offers.for_release(name, facts, audience)},
            medium=way.medium,
            address=way.address,
        )
