"""Reminds whoever answers for a service of a drill that was missed, failed or aborted, or is overdue."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.discipline import DrillReminder
from bot.domain.events import ANDON
from bot.domain.permits import CHAMPION
from bot.domain.policies import Policy
from bot.domain.policy_versions import FileKind
from bot.domain.records import AuditEntry
from bot.domain.times import format_time
from bot.flow.chores import Rounds, do_each
from bot.flow.discipline import standings
from bot.flow.discipline_judging import Trouble
from bot.flow.situation import Situation

DRILL_OVERDUE = "drill_overdue"
_PAUSE = timedelta(minutes=1)
_SETTLING = timedelta(days=1)

Due = tuple[Policy, Trouble]


class DrillReminders:
    """A chore of the clock: of the same trouble each week; at once only where nobody was told. That stands in SQL."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds
        self._looked: tuple[str, datetime] | None = None

    def remind(self) -> None:
        """Of all troubles whose time has come; looked at once a minute, however often the clock wakes."""
        configuration, now = self._rounds.configuration(), self._rounds.now()
        if (
            self._looked
            and self._looked[0] == configuration.digest
            and self._looked[1] <= now < self._looked[1] + _PAUSE
        ):
            return
        do_each(self._due(now), self._remind)
        self._looked = configuration.digest, now

    def _due(self, now: datetime) -> list[Due]:
        policies = self._rounds.configuration().policies
        with self._rounds.store.read() as tx:
            found = [one for one in standings(tx, policies, now=now) if one.troubles and one.service in policies]
            if not found:
                return []
            told = {(one.service, one.environment, one.playbook): one for one in tx.drill_reminders()}
            in_force = {one.name: one.in_force_since for one in tx.policies_in_force() if one.kind is FileKind.POLICY}
        due: dict[tuple[str, str, str], Due] = {}
        for one in found:
            for trouble in one.troubles:
                # Of one place the first is told: that the last drill failed says more than that one is overdue.
                due.setdefault((one.service, trouble.environment, trouble.playbook), (policies[one.service], trouble))
        return [
            (policy, trouble)
            for place, (policy, trouble) in due.items()
            if (place not in told or told[place].is_due(trouble.key, now))
            and (trouble.since is not None or _is_settled(in_force.get(policy.service), now))
        ]

    def _remind(self, due: Due) -> None:
        policy, trouble = due
        with self._rounds.at(policy.service) as situation:
            if not self._is_still_due(situation, policy, trouble):
                return
            place = (policy.service, trouble.environment, trouble.playbook)
            situation.keep(DrillReminder(*place, trouble.key, situation.now))
            people = policy.members(CHAMPION)
            cause = f"drill:{trouble.drill_id or policy.service}"
            facts = {
                "text": f"{trouble.text[:1].upper()}{trouble.text[1:]}",
                "problem": trouble.kind,
                "environment": trouble.environment,
                "next_at": format_time(trouble.next_at) if trouble.next_at else "",
            }
            teller = self._rounds.consequences.teller
            situation.tell(teller.about_policy(DRILL_OVERDUE, policy, people, cause=cause, now=situation.now, **facts))
            data = {"trouble": trouble.key, "playbook": trouble.playbook, "told": list(people)}
            situation.record(AuditEntry(situation.now, ANDON.name, "drill.reminded", f"service:{policy.service}", data))

    def _is_still_due(self, situation: Situation, policy: Policy, trouble: Trouble) -> bool:
        """Whoever comes second sees what the first has done: the service is locked."""
        place = (trouble.environment, trouble.playbook)
        told = situation.tx.drill_reminders(policy.service)
        last = next((one for one in told if (one.environment, one.playbook) == place), None)
        return last is None or last.is_due(trouble.key, situation.now)


def _is_settled(in_force_since: datetime | None, now: datetime) -> bool:
    """The first slots of a new policy were to be planned by now: an overdue drill that has none is to be told of."""
    return in_force_since is not None and now >= in_force_since + _SETTLING
