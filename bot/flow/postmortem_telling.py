"""Tells people of a postmortem: that it is due, how far it is, that it was reviewed. And the line on the timeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.domain.incidents import Incident
from bot.domain.permits import CHAMPION
from bot.domain.policies import Policy
from bot.domain.postmortems import Postmortem, standing_signatures
from bot.domain.times import format_time
from bot.domain.ways import ENGINEERING
from bot.flow.account import OWN
from bot.flow.consequences import Consequences
from bot.flow.situation import Situation
from bot.flow.telling import About

READY, DUE, REVIEWED = "postmortem_ready", "postmortem_due", "postmortem_reviewed"


class PostmortemTeller:
    """Makes notices due and writes lines, all in the commit of what they tell."""

    def __init__(self, consequences: Consequences, situation: Situation, policy: Policy, incident: Incident) -> None:
        self._consequences = consequences
        self._situation = situation
        self._policy = policy
        self._incident = incident

    def people(self, postmortem: Postmortem) -> list[str]:
        """Who is reminded: its owner, else the incident's, else whoever answers for the service."""
        owner = postmortem.owner or self._incident.owner
        return [owner] if owner else self.champions()

    def champions(self) -> list[str]:
        """Who answers for the service when nobody else does."""
        return list(self._policy.members(CHAMPION))

    def note(self, text: str, *, actor: str | None = None, **data: object) -> None:
        """One line on the incident's timeline."""
        self._consequences.write(self._situation, self._incident, OWN, text, actor=actor, data=data)

    def tell_people(self, name: str, postmortem: Postmortem, people: Sequence[str], cause: str, **more: Any) -> None:
        """One notice to each of them; to the engineers where that reaches nobody."""
        about = self._about(name, postmortem, cause, **more)
        self._situation.tell(self._consequences.teller.to_members(about, people))

    def tell_engineers(self, name: str, postmortem: Postmortem, cause: str, **more: Any) -> None:
        """One notice to the engineers."""
        about = self._about(name, postmortem, cause, **more)
        self._situation.tell(self._consequences.teller.about_incident(about, (ENGINEERING,)))

    def missing(self, postmortem: Postmortem) -> list[str]:
        """Roles that have not signed the words as they are."""
        signed = standing_signatures(postmortem, self._situation.tx.sign_offs(postmortem.incident_id))
        return [role for role in self._policy.postmortem.sign_off if role not in signed]

    def _about(self, name: str, postmortem: Postmortem, cause: str, by: str = "", **more: Any) -> About:
        address = self._consequences.teller.address
        facts = {
            "state": str(postmortem.state),
            "due_at": format_time(postmortem.due_at) if postmortem.due_at else "",
            "overdue": postmortem.is_overdue(self._situation.now),
            "reminders": postmortem.reminders,
            "owner": next(iter(self.people(postmortem)), ""),
            "roles": " and ".join(role.replace("_", " ") for role in self._policy.postmortem.sign_off),
            "url": f"{address}/incidents/{self._incident.id}/postmortem",
        }
        return self._consequences.about(
            self._situation, name, self._policy, self._incident, cause=cause, postmortem=facts | more, by=by
        )
