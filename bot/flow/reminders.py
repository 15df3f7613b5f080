"""Reminds people of what they promised and were asked, before and after it is due, until it is done."""

from __future__ import annotations

from bot.domain.incidents import Incident
from bot.domain.minutes import Minute
from bot.domain.permits import CHAMPION
from bot.domain.policies import Policy
from bot.domain.ways import ENGINEERING
from bot.flow import offers
from bot.flow.chores import Rounds, do_each
from bot.flow.items import item_facts
from bot.flow.owners import is_known
from bot.flow.situation import Situation
from bot.flow.telling import About

ESCALATED_AFTER = 3
"""So many reminders past due, and whoever answers for the service hears of it."""


class Reminders:
    """A chore of the clock. When the next reminder is due stands in the minute's row."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds

    def send(self) -> None:
        """All that are due now."""
        with self._rounds.store.read() as tx:
            due = tx.due_minutes()
        do_each(due, self._send)

    def _send(self, seen: Minute) -> None:
        with self._rounds.at(seen.service) as situation:
            minute = situation.tx.minute(seen.id)
            if minute is None or minute.remind_at is None or minute.remind_at > situation.now:
                return
            if not minute.is_open:
                situation.keep(minute.silent())
                return
            reminded = minute.reminded(situation.now)
            situation.keep(reminded)
            policy = self._rounds.configuration().policies.get(minute.service)
            incident = situation.tx.incident(minute.incident_id)
            if policy is None or incident is None:
                return
            self._remind(situation, policy, incident, reminded)
            if reminded.reminders == ESCALATED_AFTER:
                self._escalate(situation, policy, incident, reminded)

    def _remind(self, situation: Situation, policy: Policy, incident: Incident, minute: Minute) -> None:
        about = self._about(situation, "item_reminder", policy, incident, minute)
        people = _who_is_reminded(policy, incident, minute)
        self._tell(situation, about, people)
        whom = ", ".join(people) or ENGINEERING
        text = f"{whom} was reminded: {minute.text}"
        self._rounds.consequences.write(situation, incident, "reminder", text, data={"minute": minute.id})

    def _escalate(self, situation: Situation, policy: Policy, incident: Incident, minute: Minute) -> None:
        about = self._about(situation, "item_escalated", policy, incident, minute)
        people = list(policy.members(CHAMPION))
        self._tell(situation, about, people)
        whom = ", ".join(people) or ENGINEERING
        text = f"{whom} was told that this is still not done after {ESCALATED_AFTER} reminders: {minute.text}"
        self._rounds.consequences.write(situation, incident, "reminder", text, data={"minute": minute.id})

    def _tell(self, situation: Situation, about: About, people: list[str]) -> None:
        situation.tell(self._rounds.consequences.teller.to_members(about, people))

    def _about(self, situation: Situation, name: str, policy: Policy, incident: Incident, minute: Minute) -> About:
        return self._rounds.consequences.about(
            situation,
            name,
            policy,
            incident,
            cause=f"minute:{minute.id}",
            item=item_facts(minute, situation.now),
            reminders=minute.reminders,
            buttons=offers.for_item(minute),
        )


def _who_is_reminded(policy: Policy, incident: Incident, minute: Minute) -> list[str]:
    """Its owner, else the incident's, else whoever answers for the service. A name that nobody knows reaches nobody."""
    owner = minute.owner if minute.owner and is_known(minute.owner, None, policy) else incident.owner
    return [owner] if owner else list(policy.members(CHAMPION))
