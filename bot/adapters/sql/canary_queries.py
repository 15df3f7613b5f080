"""Canaries: batches of observations in order of arrival, one fold at a time, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select, update

from bot.adapters.sql.release_tables import UNFOLDED, affected_keys, canaries, canary_points, observation_batches
from bot.adapters.sql.statements import columns_of
from bot.adapters.sql.work import Work
from bot.domain.canaries import AffectedKeys, Canary, CanaryPoint, ObservationBatch
from bot.domain.errors import Conflict

_CANARY = columns_of(canaries, Canary)
_BATCH = columns_of(observation_batches, ObservationBatch)
_POINT = columns_of(canary_points, CanaryPoint)
_AFFECTED = columns_of(affected_keys, AffectedKeys)

_CANARY_BY_ID = select(*_CANARY).where(canaries.c.release_id == bindparam("release_id"))
_UNFOLDED_BATCHES = (
    select(*_BATCH)
    .where(UNFOLDED, observation_batches.c.release_id == bindparam("release_id"))
    .order_by(observation_batches.c.number)
    .limit(bindparam("limit"))
)
_UNFOLDED_RELEASES = select(observation_batches.c.release_id).where(UNFOLDED).distinct()
_POINTS = select(*_POINT).where(canary_points.c.release_id == bindparam("release_id")).order_by(canary_points.c.number)
_AFFECTED_OF = (
    select(affected_keys.c.number, *_AFFECTED)
    .where(affected_keys.c.release_id == bindparam("release_id"), affected_keys.c.number > bindparam("after"))
    .order_by(affected_keys.c.number)
    .limit(bindparam("limit"))
)
_FIXED = frozenset({"release_id", "service", "opened_at"})
_FOLD = (
    update(canaries)
    .where(canaries.c.release_id == bindparam("the_release"), canaries.c.version == bindparam("seen_version"))
    .values({one.name: bindparam(f"new_{one.name}", type_=one.type) for one in _CANARY if one.name not in _FIXED})
)
_FOLDED = (
    update(observation_batches)
    .where(observation_batches.c.id == bindparam("batch"))
    .values(folded_at=bindparam("at", type_=observation_batches.c.folded_at.type))
)


class CanaryQueries(Work):
    """Observations and what they say."""

    def canary(self, release_id: str) -> Canary | None:
        """The canary of a release."""
        row = self.row(_CANARY_BY_ID, {"release_id": release_id})
        return Canary(*row) if row else None

    def open_canary(self, canary: Canary) -> bool:
        """Add it; False where there is one already."""
        return self.count(self.statements.open_canary, vars(canary)) > 0

    def fold_into(self, before: Canary, after: Canary, batches: Sequence[str]) -> None:
        """Save what a fold made and mark its batches; Conflict where another fold came first."""
        values = {f"new_{name}": value for name, value in vars(after).items() if name not in _FIXED}
        values["new_version"] = before.version + 1
        if not self.count(_FOLD, {"the_release": before.release_id, "seen_version": before.version, **values}):
            raise Conflict("Another fold came first", next="read again and fold what is left")
        if batches:
            self.write(_FOLDED, *({"batch": one, "at": after.folded_at} for one in batches))

    def keep_batch(self, batch: ObservationBatch) -> bool:
        """Add a batch; False where its key was there already."""
        return self.count(self.statements.keep_batch, vars(batch)) > 0

    def unfolded_batches(self, release_id: str, *, limit: int) -> Sequence[ObservationBatch]:
        """In order of arrival."""
        rows = self.rows(_UNFOLDED_BATCHES, {"release_id": release_id, "limit": limit})
        return [ObservationBatch(*row) for row in rows]

    def unfolded_releases(self) -> Sequence[str]:
        """Releases that have batches to fold."""
        return [row[0] for row in self.rows(_UNFOLDED_RELEASES)]

    def canary_points(self, release_id: str) -> Sequence[CanaryPoint]:
        """Oldest first."""
        return [CanaryPoint(*row) for row in self.rows(_POINTS, {"release_id": release_id})]

    def affected_keys(self, release_id: str, *, after: int = 0, limit: int = 50) -> Sequence[tuple[int, AffectedKeys]]:
        """Oldest first, with their row numbers."""
        rows = self.rows(_AFFECTED_OF, {"release_id": release_id, "after": after, "limit": limit})
        return [(row[0], AffectedKeys(*row[1:])) for row in rows]
