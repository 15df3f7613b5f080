"""Asks for a postmortem when an incident is resolved, as far as the policy wants one for its severity."""

from __future__ import annotations

from bot.domain.incidents import Incident
from bot.domain.policies import Policy
from bot.domain.postmortems import Postmortem
from bot.domain.times import spoken_time
from bot.flow.consequences import Consequences
from bot.flow.deadlines import zone_of
from bot.flow.postmortem_telling import READY, PostmortemTeller
from bot.flow.situation import Situation


def ask_for_postmortem(
    consequences: Consequences, situation: Situation, policy: Policy, incident: Incident, *, cause: str
) -> Postmortem | None:
    """The one that is due from now on; None where none is wanted. A rehearsal has its own report."""
    zone = zone_of(policy, "")
    due_at = policy.postmortem.due_of(incident.severity).after(incident.resolved_at or situation.now, zone)
    if incident.drill or due_at is None:
        return None
    before = situation.tx.postmortem(incident.id)
    made = before or Postmortem(incident.id, incident.service, situation.now)
    asked = made.asked_for(due_at, situation.now, incident.owner)
    if before is None:
        situation.record(asked)
    else:
        situation.keep(asked)
    telling = PostmortemTeller(consequences, situation, policy, incident)
    telling.note(
        f"A postmortem is due by {spoken_time(due_at, zone)}; its draft is made from the record", due=str(due_at)
    )
    telling.tell_people(READY, asked, telling.people(asked), cause)
    return asked
