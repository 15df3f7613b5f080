"""Cadence: when people are to hear next of an incident that is not over, whether anybody writes or not."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.incidents import Incident, IncidentStatus
from bot.domain.policies import Policy

QUICK_FOR = timedelta(hours=2)
"""For so long after it opened an incident is told of as often as the policy says."""

SLOWER = 3
LONGEST_PAUSE = timedelta(hours=4)
LONGEST_GRACE = timedelta(minutes=5)

_QUIET = frozenset({IncidentStatus.STABLE, IncidentStatus.RESOLVED})


def pause(policy: Policy, incident: Incident, since: datetime) -> timedelta:
    """Between two updates: `update_every` in the first two hours, then three times as long, 4 h at most.

    Where the policy itself says more than 4 h, it stays at that."""
    every = policy.update_every
    if since < incident.opened_at + QUICK_FOR:
        return every
    return max(every, min(SLOWER * every, LONGEST_PAUSE))


def next_update(policy: Policy, incident: Incident, now: datetime, since: datetime | None = None) -> datetime | None:
    """When people are to hear next, counted from `since` (when the last one was due), else from now.

    Never before now: whatever was missed while nothing ran is one update, not many. None: it is over, nobody waits."""
    if incident.status in _QUIET:
        return None
    begin = since or now
    due = begin + pause(policy, incident, begin)
    return due if due > now else now + pause(policy, incident, now)


def grace(policy: Policy, incident: Incident, now: datetime) -> timedelta:
    """How long its owner has to write before the bot says what it measures: 5 minutes, or half a pause."""
    return min(LONGEST_GRACE, pause(policy, incident, now) / 2)


def with_updates(policy: Policy, incident: Incident, now: datetime) -> Incident:
    """The incident with a time for its next update, where it has none: somebody waits to hear of it from now on."""
    if incident.update_due_at is not None or incident.drill:  # of a rehearsal there is one report, at its end
        return incident
    return incident.due_next(next_update(policy, incident, now))
