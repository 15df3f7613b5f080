"""How things stand with some services: everything that a decision may look at, in one round trip on PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection

from bot.adapters.sql.event_queries import EventQueries
from bot.adapters.sql.incident_queries import IncidentQueries
from bot.adapters.sql.lease_queries import LeaseQueries
from bot.adapters.sql.service_queries import ServiceQueries
from bot.ports import Place, Standing

FEW = 2
"""Places of which the incident that was resolved last is read beforehand."""


class StandingQueries(EventQueries, ServiceQueries, IncidentQueries, LeaseQueries):
    """The front door's questions, all asked before the first answer is waited for."""

    def standing(
        self,
        services: Collection[str],
        *,
        places: Collection[Place] = (),
        deliveries: Collection[tuple[str, str]] = (),
        alerts: Collection[tuple[str, str]] = (),
    ) -> Standing:
        """Lock these services as `lock_services` does, then read all that a decision about them may look at."""
        # The locks come first: each statement sees what was committed until it began, so what follows them holds.
        locked = self._ask_locked(services) if services else dict
        incidents = self._ask_open(services) if services else dict
        runs = self._ask_active(services) if services else dict
        releases = self._ask_releases(services) if services else dict
        automation = self._ask_automation()
        # It is needed where an incident opens. In a crowd most alerts join one, and asking for all would cost more.
        resolved = {place: self._ask_resolved(place) for place in places} if len(places) <= FEW else {}
        last_actions = {place: self._ask_last_action(place) for place in places}
        events, states = self._ask_events(deliveries), self._ask_states(alerts)
        return Standing(
            services=locked(),
            incidents=incidents(),
            runs=runs(),
            releases=releases(),
            automation=automation(),
            last_actions={place: answer() for place, answer in last_actions.items()},
            resolved={place: answer() for place, answer in resolved.items()},
            events=events(),
            alerts=states(),
        )
