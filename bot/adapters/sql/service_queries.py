"""Services, the switch for everything, and releases."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import bindparam, func, select

from bot.adapters.sql.statements import columns_of
from bot.adapters.sql.stored_text import clean_key
from bot.adapters.sql.tables import automation, releases, services
from bot.adapters.sql.work import Work
from bot.domain.releases import AUTOMATION_ON, Automation, Release, Service

_SERVICE = columns_of(services, Service)
_RELEASE = columns_of(releases, Release)

_SERVICE_BY_NAME = select(*_SERVICE).where(services.c.name == bindparam("name"))
_SERVICES = select(*_SERVICE).order_by(services.c.name)
# SQLite has one writer at a time and no row locks; there the words FOR UPDATE are left out.
_LOCKED = _SERVICES.where(services.c.name.in_(bindparam("names", expanding=True))).with_for_update()
_AUTOMATION = select(*columns_of(automation, Automation))
_RELEASE_BY_ID = select(*_RELEASE).where(releases.c.id == bindparam("id"))

_RANKED = (
    select(
        *_RELEASE,
        func.row_number()
        .over(partition_by=releases.c.service, order_by=(releases.c.opened_at.desc(), releases.c.id.desc()))
        .label("age"),
    )
    .where(releases.c.service.in_(bindparam("services", expanding=True)))
    .subquery()
)
_LATEST = select(*[_RANKED.c[column.name] for column in _RELEASE]).where(_RANKED.c.age == 1)


class ServiceQueries(Work):
    """What is protected."""

    def lock_services(self, names: Collection[str]) -> Mapping[str, Service]:
        """The services, made where new, locked in name order until the commit."""
        ordered = sorted(set(names), key=clean_key)
        if not ordered:
            return {}
        # Row by row in name order: two transactions that meet the same new names wait for each other in one direction.
        self.write(self.statements.meet_service, *({"name": name} for name in ordered))
        found = {row.name: Service(*row) for row in self.rows(_LOCKED, {"names": ordered})}
        return {name: found[clean_key(name)] for name in names}

    def service(self, name: str) -> Service | None:
        """One service, unlocked."""
        row = self.row(_SERVICE_BY_NAME, {"name": name})
        return Service(*row) if row else None

    def services(self) -> Sequence[Service]:
        """All that were ever heard of, by name."""
        return [Service(*row) for row in self.rows(_SERVICES)]

    def automation(self) -> Automation:
        """The switch for everything."""
        row = self.row(_AUTOMATION)
        return Automation(*row) if row else AUTOMATION_ON

    def release(self, release_id: str) -> Release | None:
        """One release."""
        row = self.row(_RELEASE_BY_ID, {"id": release_id})
        return Release(*row) if row else None

    def latest_releases(self, services: Collection[str]) -> Mapping[str, Release]:
        """The newest release of each service, whatever its status."""
        if not services:
            return {}
        found = (Release(*row) for row in self.rows(_LATEST, {"services": list(services)}))
        return {release.service: release for release in found}
