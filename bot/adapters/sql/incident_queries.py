"""Incidents, their timelines, and the watch over what was restored."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from sqlalchemy import bindparam, select

from bot.adapters.sql.run_tables import watches
from bot.adapters.sql.statements import columns_of
from bot.adapters.sql.stored_text import place_key
from bot.adapters.sql.tables import OPEN_INCIDENT, RESOLVED_INCIDENT, incidents, timeline
from bot.adapters.sql.work import Work
from bot.domain.incidents import Incident, IncidentStatus
from bot.domain.records import TimelineEntry
from bot.domain.watches import Watch
from bot.ports import Place

_INCIDENT = columns_of(incidents, Incident)

_BY_ID = select(*_INCIDENT).where(incidents.c.id == bindparam("id"))
_OPEN = select(*_INCIDENT).where(OPEN_INCIDENT, incidents.c.service.in_(bindparam("services", expanding=True)))
_LATEST_RESOLVED = (
    select(*_INCIDENT)
    .where(RESOLVED_INCIDENT, incidents.c.place == bindparam("place"))
    .order_by(incidents.c.resolved_at.desc(), incidents.c.id.desc())
    .limit(1)
)
_WATCH = select(*columns_of(watches, Watch)).where(watches.c.incident_id == bindparam("incident_id"))
_TIMELINE = (
    select(*columns_of(timeline, TimelineEntry))
    .where(timeline.c.incident_id == bindparam("incident_id"))
    .order_by(timeline.c.at, timeline.c.number)
)


class IncidentQueries(Work):
    """What went wrong."""

    def incident(self, incident_id: str) -> Incident | None:
        """One incident."""
        row = self.row(_BY_ID, {"id": incident_id})
        return Incident(*row) if row else None

    def open_incidents(self, services: Collection[str]) -> Mapping[Place, Incident]:
        """The one open incident of each place of these services."""
        return self._ask_open(services)() if services else {}

    def _ask_open(self, services: Collection[str]) -> Callable[[], dict[Place, Incident]]:
        answer = self.ask(_OPEN, {"services": list(services)})
        return lambda: {(one.service, one.environment): one for one in (Incident(*row) for row in answer())}

    def latest_resolved(self, place: Place) -> Incident | None:
        """The incident of a place that was resolved last."""
        return self._ask_resolved(place)()

    def _ask_resolved(self, place: Place) -> Callable[[], Incident | None]:
        answer = self.ask(_LATEST_RESOLVED, {"place": place_key(*place)})
        return lambda: next((Incident(*row) for row in answer()), None)

    def incidents(
        self,
        *,
        limit: int,
        before: str | None = None,
        service: str | None = None,
        status: IncidentStatus | None = None,
    ) -> Sequence[Incident]:
        """Newest first."""
        statement = select(*_INCIDENT).order_by(incidents.c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(incidents.c.id < before)
        if service is not None:
            statement = statement.where(incidents.c.service == service)
        if status is not None:
            statement = statement.where(incidents.c.status == status)
        return [Incident(*row) for row in self.rows(statement)]

    def timeline(self, incident_id: str) -> Sequence[TimelineEntry]:
        """Oldest first; of one moment, in the order in which they were added."""
        return [TimelineEntry(*row) for row in self.rows(_TIMELINE, {"incident_id": incident_id})]

    def watch(self, incident_id: str) -> Watch | None:
        """How the state that was restored for an incident does."""
        row = self.row(_WATCH, {"incident_id": incident_id})
        return Watch(*row) if row else None
