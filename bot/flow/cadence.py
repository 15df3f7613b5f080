"""Asks for the update that is due, and where nobody writes it tells what is measured: one for each time, never more."""

from __future__ import annotations

from bot.domain.cadence import grace, next_update
from bot.domain.events import ANDON
from bot.domain.incidents import Incident
from bot.domain.permits import CHAMPION
from bot.domain.policies import Policy
from bot.domain.records import AuditEntry
from bot.domain.times import format_time
from bot.flow import offers
from bot.flow.chores import Rounds, do_each
from bot.flow.measured import measure
from bot.flow.situation import Situation
from bot.flow.update_orders import WANTED


class Cadence:
    """A chore of the clock. What is due stands in the incident's row, so restarts and pauses change nothing."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds

    def keep(self) -> None:
        """Everything that is due now."""
        with self._rounds.store.read() as tx:
            due = [incident for one in tx.due_updates() if (incident := tx.incident(one))]
        do_each(due, self._keep)

    def _keep(self, seen: Incident) -> None:
        with self._rounds.at(seen.service) as situation:
            incident = situation.incidents.get((seen.service, seen.environment))
            if incident is None or incident.id != seen.id or incident.update_due_at is None:
                return
            if incident.update_due_at > situation.now:
                return
            policy = self._rounds.configuration().policies.get(incident.service)
            if policy is None:
                situation.put_incident(incident.due_next(None))  # nobody is named who could be told
            elif incident.update_asked_at is None and (people := _who_writes(policy, incident)):
                self._ask(situation, policy, incident, people)
            else:
                self._tell(situation, policy, incident)

    def _ask(self, situation: Situation, policy: Policy, incident: Incident, people: list[str]) -> None:
        """The owner first, with a draft that only needs a yes."""
        now = situation.now
        until = now + grace(policy, incident, now)
        asked = incident.asked_to_update(now, until)
        situation.put_incident(asked)
        draft = format_time(now)
        measured = measure(situation.tx, incident, now)
        about = self._rounds.consequences.about(
            situation,
            WANTED,
            policy,
            asked,
            cause=f"incident:{incident.id}",
            draft=measured.text,
            draft_id=draft,
            grace_until=format_time(until),
            buttons=offers.for_draft(asked, draft),
        )
        situation.tell(self._rounds.consequences.teller.to_members(about, people))
        text = f"An update is due: {', '.join(people)} can write it until {until:%H:%M:%S} UTC"
        self._rounds.consequences.write(situation, asked, "update", text)

    def _tell(self, situation: Situation, policy: Policy, incident: Incident) -> None:
        """Nobody wrote: what is measured, said to be measured."""
        now = situation.now
        next_at = next_update(policy, incident, now, since=incident.update_asked_at or incident.update_due_at)
        told = incident.due_next(next_at).with_fact()
        situation.put_incident(told)
        situation.tx.retell(now, (WANTED,), incident_id=incident.id)
        measured = measure(situation.tx, told, now)
        text = f"Measured, because nobody wrote an update: {measured.text}"
        self._rounds.consequences.write(situation, told, "update", text, data={"measured": True})
        self._rounds.consequences.tell(
            situation,
            "update",
            policy,
            told,
            cause=f"incident:{incident.id}",
            text=measured.text,
            by=ANDON.name,
            measured=True,
            next_at=format_time(next_at) if next_at else "",
            **measured.facts(),
        )
        audit = {"next": format_time(next_at) if next_at else ""}
        situation.record(AuditEntry(now, ANDON.name, "update.measured", f"incident:{incident.id}", audit))


def _who_writes(policy: Policy, incident: Incident) -> list[str]:
    """Its owner, else whoever answers for the service."""
    return [incident.owner] if incident.owner else list(policy.members(CHAMPION))
