"""Reads of the pages of releases: the list, one release with everything around it, and its verdict in a word."""

from __future__ import annotations

from typing import Any

from bot.domain.errors import NotFound
from bot.domain.releases import Release
from bot.flow.release_standing import pin_or_none, refusals, standing_verdict
from bot.flow.release_views import release_detail
from bot.flow.run_views import run_view
from bot.flow.views import incident_summary, release_view
from bot.ports import Transaction
from bot.web.canary_part import canary_part
from bot.web.head import Head
from bot.web.orders import named
from bot.web.queries import Page
from bot.web.release_page import arranged_release

_RECENT = 100
"""How many of its service's incidents and runs are looked through for those of one release."""


class ReleaseQueries:
    """One consistent view each. NotFound where there is no such release; TryLater without a database."""

    def __init__(self, head: Head) -> None:
        self._head = head

    def some(self, page: Page, service: str | None) -> dict[str, Any]:
        """Newest first, each with the verdict over its stage."""
        with self._head.store.read() as tx:
            wanted = named(service, "service") if service else None
            found = tx.releases(limit=page.limit + 1, before=page.before, service=wanted)
            return page.cut(found, lambda one: one.id, lambda one: self._line(tx, one))

    def one(self, release_id: str) -> dict[str, Any]:
        """Everything that the page of a release shows."""
        now = self._head.clock.now()
        with self._head.store.read() as tx:
            release = tx.release(named(release_id, "release"))
            if release is None:
                raise NotFound(f"No release {release_id}", next="the list of releases shows those there are")
            view, pin = (
                release_detail(tx, release, self._head.moves),
                pin_or_none(tx, tx.walk(release.id), self._head.moves),
            )
            policy = self._head.configuration.current.policies.get(release.service)
            return {
                "release": view,
                "verdict": standing_verdict(tx, release, self._head.moves),
                "refusals": refusals(tx, release, self._head.moves, policy, now),
                "canary": canary_part(release, tx.canary(release.id), tx.canary_points(release.id)),
                **arranged_release(view, pin, tx.signatures(release.id)),
                **self._around(tx, release),
            }

    def verdict(self, release_id: str | None) -> str | None:
        """Over the gates of its present stage; None where it is in none."""
        if release_id is None:
            return None
        with self._head.store.read() as tx:
            release = tx.release(release_id)
            return standing_verdict(tx, release, self._head.moves) if release else None

    def services(self) -> list[str]:
        """Names, in order, of the services that the list can be narrowed to."""
        with self._head.store.read() as tx:
            return sorted({*self._head.configuration.current.policies, *(one.name for one in tx.services())})

    def _line(self, tx: Transaction, release: Release) -> dict[str, Any]:
        shown = release_view(release)
        assert shown is not None
        walk = tx.walk(release.id)
        return {
            **shown,
            "kind": str(walk.kind) if walk else "standard",
            "started_by": walk.started_by if walk else None,
            "verdict": standing_verdict(tx, release, self._head.moves),
        }

    def _around(self, tx: Transaction, release: Release) -> dict[str, Any]:
        incidents = [
            incident_summary(tx, one)
            for one in tx.incidents(limit=_RECENT, service=release.service)
            if one.release_id == release.id
        ]
        runs = [
            run_view(tx, one) for one in tx.runs(limit=_RECENT, service=release.service) if one.release_id == release.id
        ]
        return {"incidents": incidents, "runs": runs}
