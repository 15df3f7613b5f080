"""A chore of the clock: reminds people of a postmortem before and after it is due, until it is reviewed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from bot.domain.incidents import Severity
from bot.domain.postmortems import Postmortem
from bot.domain.ways import ENGINEERING
from bot.flow.chores import Rounds, do_each
from bot.flow.postmortem_telling import DUE, PostmortemTeller

ESCALATED_AFTER = 3
"""So many reminders past due, and whoever answers for the service hears of it."""
_PAUSES: Mapping[Severity, timedelta] = {Severity.SEV_1: timedelta(days=1)}
_PAUSE = timedelta(days=2)


class PostmortemReminders:
    """When the next reminder is due stands in the postmortem's row, so restarts and pauses change nothing."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds

    def send(self) -> None:
        """All that are due now."""
        with self._rounds.store.read() as tx:
            due = tx.due_postmortems()
        do_each(due, self._send)

    def _send(self, seen: Postmortem) -> None:
        with self._rounds.at(seen.service) as situation:
            current = situation.tx.postmortem(seen.incident_id)
            if current is None or current.remind_at is None or current.remind_at > situation.now:
                return
            incident = situation.tx.incident(current.incident_id)
            policy = self._rounds.configuration().policies.get(current.service)
            if current.is_reviewed or incident is None:
                situation.keep(current.silent())
                return
            pause = _PAUSES.get(incident.severity, _PAUSE)
            if policy is None:  # nobody is named who could be told; the policy may come back
                situation.keep(replace(current, remind_at=situation.now + pause))
                return
            reminded = current.reminded(situation.now, pause)
            situation.keep(reminded)
            telling = PostmortemTeller(self._rounds.consequences, situation, policy, incident)
            people, cause = telling.people(reminded), f"incident:{incident.id}"
            telling.tell_people(DUE, reminded, people, cause, escalated=False)
            telling.note(f"{', '.join(people) or ENGINEERING} was reminded of the postmortem")
            if reminded.reminders == ESCALATED_AFTER and (champions := telling.champions()) != people:
                telling.tell_people(DUE, reminded, champions, cause, escalated=True)
                whom = ", ".join(champions) or ENGINEERING
                telling.note(f"{whom} was told that the postmortem is still missing after {ESCALATED_AFTER} reminders")
