"""Canaries: batches of observations in order of arrival, one fold at a time, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import accumulate

from sqlalchemy import and_, bindparam, func, literal, select, update

from bot.adapters.sql.database_clock import now_and
from bot.adapters.sql.release_tables import UNFOLDED, affected_keys, canaries, canary_points, observation_batches
from bot.adapters.sql.statements import columns_of
from bot.adapters.sql.tables import releases
from bot.adapters.sql.work import Work
from bot.domain.canaries import AffectedKeys, Canary, CanaryPoint, ObservationBatch
from bot.domain.errors import Conflict
from bot.domain.releases import ReleaseStatus

_CANARY = columns_of(canaries, Canary)
_BATCH = columns_of(observation_batches, ObservationBatch)
_POINT = columns_of(canary_points, CanaryPoint)
_AFFECTED = columns_of(affected_keys, AffectedKeys)

_BARE_CANARY = select(
    *(literal(b"").label(one.name) if one.name in ("comparison", "joining") else one for one in _CANARY)
).where(canaries.c.release_id == bindparam("release_id"))
_CANARY_BY_ID = select(*_CANARY).where(canaries.c.release_id == bindparam("release_id"))
_OVER = releases.c.status.in_([one for one in ReleaseStatus if one.is_over or one is ReleaseStatus.ENDORSED])
_IS_UNFOLDED_OF = and_(UNFOLDED, observation_batches.c.release_id == bindparam("release_id"))
_UNFOLDED_BATCHES = (
    select(*_BATCH).where(_IS_UNFOLDED_OF).order_by(observation_batches.c.number).limit(bindparam("limit"))
)
_UNFOLDED_SIZES = (
    select(func.length(observation_batches.c.content))
    .where(_IS_UNFOLDED_OF)
    .order_by(observation_batches.c.number)
    .limit(bindparam("limit"))
)
_BATCH_WITH = select(observation_batches.c.id, observation_batches.c.sha256).where(
    observation_batches.c.release_id == bindparam("release_id"), observation_batches.c.key == bindparam("key")
)
_WAITS = timedelta(minutes=-1)
"""How long nothing is folded before it is looked whether halves that wait have waited too long."""
_TO_FOLD = (
    select(canaries.c.release_id, canaries.c.standing, canaries.c.folded_at <= now_and(_WAITS), _OVER)
    .join_from(canaries, releases, releases.c.id == canaries.c.release_id)
    .where(canaries.c.closed_at.is_(None))
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

    def bare_canary(self, release_id: str) -> Canary | None:
        """The canary without its states."""
        row = self.row(_BARE_CANARY, {"release_id": release_id})
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

    def batch_with(self, release_id: str, key: str) -> tuple[str, str] | None:
        """Id and digest of the batch that came with this key."""
        row = self.row(_BATCH_WITH, {"release_id": release_id, "key": key})
        return (row[0], row[1]) if row else None

    def unfolded_batches(
        self, release_id: str, *, limit: int, most_bytes: int | None = None
    ) -> Sequence[ObservationBatch]:
        """In order of arrival; as many as fit into `most_bytes`, and at least one."""
        if most_bytes is not None:
            sizes = [row[0] for row in self.rows(_UNFOLDED_SIZES, {"release_id": release_id, "limit": limit})]
            fitting = sum(1 for total in accumulate(sizes) if total <= most_bytes)
            limit = max(1, fitting)
        rows = self.rows(_UNFOLDED_BATCHES, {"release_id": release_id, "limit": limit})
        return [ObservationBatch(*row) for row in rows]

    def unfolded_releases(self) -> Sequence[str]:
        """Releases that have batches to fold."""
        return [row[0] for row in self.rows(_UNFOLDED_RELEASES)]

    def canaries_to_fold(self) -> Sequence[str]:
        """Releases that have something to fold now, by the database's clock."""
        found = dict.fromkeys(self.unfolded_releases())
        for release_id, standing, is_old, is_over in self.rows(_TO_FOLD):
            if is_over or standing.get("owes") or (is_old and standing.get("waiting")):
                found[release_id] = None
        return list(found)

    def canary_points(self, release_id: str) -> Sequence[CanaryPoint]:
        """Oldest first."""
        return [CanaryPoint(*row) for row in self.rows(_POINTS, {"release_id": release_id})]

    def affected_keys(self, release_id: str, *, after: int = 0, limit: int = 50) -> Sequence[tuple[int, AffectedKeys]]:
        """Oldest first, with their row numbers."""
        rows = self.rows(_AFFECTED_OF, {"release_id": release_id, "after": after, "limit": limit})
        return [(row[0], AffectedKeys(*row[1:])) for row in rows]
