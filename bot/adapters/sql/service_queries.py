"""Services, the switch for everything, and releases."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from sqlalchemy import bindparam, func, select

from bot.adapters.sql.statements import columns_of
from bot.adapters.sql.stored_text import clean_key
from bot.adapters.sql.tables import automation, releases, services
from bot.adapters.sql.work import Work
from bot.domain.errors import Conflict
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
        return self._ask_locked(names)() if names else {}

    def _ask_locked(self, names: Collection[str]) -> Callable[[], dict[str, Service]]:
        ordered = sorted(set(names), key=clean_key)
        new = [name for name in ordered if name not in self.met]
        if new:
            # Row by row in name order, before any is locked: two transactions that meet the same new names wait for
            # each other in one direction. Rows of services stay for ever, so those that were met need no more of it.
            self.write(self.statements.meet_service, *({"name": name} for name in new))
            self.meets.update(new)
        answer = self.ask(_LOCKED, {"names": ordered})

        def locked() -> dict[str, Service]:
            found = {row.name: Service(*row) for row in answer()}
            if len(found) < len(ordered):
                self.met.clear()
                raise Conflict("The row of a service was deleted", next="read again: it is made anew")
            return {name: found[clean_key(name)] for name in names}

        return locked

    def service(self, name: str) -> Service | None:
        """One service, unlocked."""
        row = self.row(_SERVICE_BY_NAME, {"name": name})
        return Service(*row) if row else None

    def services(self) -> Sequence[Service]:
        """All that were ever heard of, by name."""
        return [Service(*row) for row in self.rows(_SERVICES)]

    def automation(self) -> Automation:
        """The switch for everything."""
        return self._ask_automation()()

    def _ask_automation(self) -> Callable[[], Automation]:
        answer = self.ask(_AUTOMATION)
        return lambda: next((Automation(*row) for row in answer()), AUTOMATION_ON)

    def release(self, release_id: str) -> Release | None:
        """One release."""
        row = self.row(_RELEASE_BY_ID, {"id": release_id})
        return Release(*row) if row else None

    def latest_releases(self, services: Collection[str]) -> Mapping[str, Release]:
        """The newest release of each service, whatever its status."""
        return self._ask_releases(services)() if services else {}

    def _ask_releases(self, services: Collection[str]) -> Callable[[], dict[str, Release]]:
        answer = self.ask(_LATEST, {"services": list(services)})
        return lambda: {release.service: release for release in (Release(*row) for row in answer())}
