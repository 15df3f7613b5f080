"""Notices about drills that are planned: who hears of them, where and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.discipline import DrillReminder, trouble_key
from bot.domain.drill_schedules import rule_of
from bot.domain.drills import Drill, DrillState
from bot.domain.people import is_slack_group
from bot.domain.policies import Policy
from bot.domain.quiet_hours import next_moment, parse_quiet_hours
from bot.domain.records import Notice
from bot.domain.times import format_time
from bot.domain.ways import ENGINEERING, PERSON, Way, way_to, ways_of
from bot.flow import offers
from bot.flow.drill_facts import drill_facts
from bot.flow.situation import Situation
from bot.flow.telling import Teller
from bot.ports import Ids

_WENT_WRONG = frozenset({DrillState.MISSED, DrillState.FAILED, DrillState.ABORTED})


class DrillTeller:
    """Builds due notices about drills. Production is not touched by one, so nobody is told but the team."""

    def __init__(self, ids: Ids, teller: Teller) -> None:
        self._ids = ids
        self._teller = teller

    def tell(
        self,
        situation: Situation,
        name: str,
        policy: Policy,
        drill: Drill,
        people: Iterable[str] = (),
        **facts: Any,
    ) -> None:
        """To engineering, to the audiences that the rule names, and to these people; each address once."""
        told = {"drill": drill_facts(drill, self._teller.address), "buttons": offers.for_drill(drill), **facts}
        known = {
            "as_of": format_time(situation.now),
            "service": drill.service,
            "summary": policy.summary,
            "environment": drill.environment,
            "people": {one: person for person, ids in policy.persons.items() for one in ids},
            **told,
        }
        situation.tell(self._notices(situation, name, policy, drill, people, known))

    def tell_trouble(
        self, situation: Situation, name: str, policy: Policy, drill: Drill, people: Iterable[str], **facts: Any
    ) -> None:
        """Of a drill that went wrong, the champion included; so nobody has to be reminded of it for a week."""
        self.tell(situation, name, policy, drill, people, **facts)
        if drill.state in _WENT_WRONG:
            place, key = (drill.service, drill.environment, drill.playbook), trouble_key(str(drill.state), drill.id)
            situation.keep(DrillReminder(*place, key, situation.now))

    def _notices(
        self,
        situation: Situation,
        name: str,
        policy: Policy,
        drill: Drill,
        people: Iterable[str],
        facts: Mapping[str, Any],
    ) -> Iterable[Notice]:
        seen: set[Way] = set()
        for audience, way, zone, quiet in self._ways(policy, drill, people):
            if way in seen and way.address:
                continue
            seen.add(way)
            yield Notice(
                id=self._ids.new("ntc"),
                service=drill.service,
                audience=audience,
                name=name,
                cause=f"drill:{drill.id}",
                incident_id=drill.incident_id,
                due_at=next_moment(situation.now, quiet=parse_quiet_hours(quiet, ZoneInfo(zone)) if quiet else None),
                facts={**facts, "zone": zone},
                medium=way.medium,
                address=way.address,
            )

    def _ways(self, policy: Policy, drill: Drill, people: Iterable[str]) -> Iterable[tuple[str, Way, str, str | None]]:
        for audience in dict.fromkeys((ENGINEERING, *rule_of(drill).tell)):
            told = policy.audiences.get(audience)
            zone, quiet = (told.timezone, told.quiet) if told else ("UTC", None)
            for way in ways_of(policy, audience, self._teller.media):
                yield audience, way, zone, quiet
        persons: dict[str, str] = {}
        for one in people:
            if not is_slack_group(one):
                persons.setdefault(policy.person(one), one)
        engineers = policy.audiences.get(ENGINEERING)
        for one in persons.values():
            way = way_to(policy, one, self._teller.media)
            yield f"{PERSON}{one}", way, engineers.timezone if engineers else "UTC", None
