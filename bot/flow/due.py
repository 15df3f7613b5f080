"""What is due according to SQL, and the rings for it: runs without a live lease, waits, notices, canaries, drills."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.runs import Run
from bot.flow.release_moves import bell_to_judge
from bot.flow.situation import bell_for, bell_for_drill
from bot.ports import Bell, JobName, Lane, Queue, Store

_MOST = 500
_FRESH = timedelta(seconds=1)
"""A run younger than this was rung at the front door a moment ago."""

Key = tuple[str, int]


class DueWork:
    """Looks and rings; any number of processes may do it at once, because a ring is only a ring."""

    def __init__(self, store: Store, queue: Queue) -> None:
        self._store = store
        self._queue = queue

    def of(self, lane: Lane) -> list[Bell]:
        """What a worker of this lane should do now, straight from SQL: the way while Redis is away."""
        return [bell for bell in self.bells(None).values() if bell.lane is lane]

    def tell(self) -> None:
        """Ring for the notices and the drills that are due: what a run has just come to should not wait for the next
        sweep."""
        with self._store.read() as tx:
            due, drills = tx.due_notices(limit=_MOST), tx.drills_to_advance()
        notices = [Bell(JobName.SEND_NOTICE, one, Lane.NOTICES) for one in due]
        self._queue.ring([*notices, *map(bell_for_drill, drills)])

    def bells(self, now: datetime | None) -> dict[Key, Bell]:
        """By what makes a ring a new one: a run that moved since it was rung is due for another reason. With `now`
        those runs are left out that were accepted just before."""
        with self._store.read() as tx:
            runs = tx.due_runs(limit=_MOST)
            notices = tx.due_notices(limit=_MOST)
            releases = tx.releases_to_judge()
            canaries, drills = tx.canaries_to_fold(), tx.drills_to_advance()
        fresh = now - _FRESH if now else None
        rings = {(run.id, run.version): bell_for(run) for run in runs if fresh is None or not _is_fresh(run, fresh)}
        rings |= {(one, 0): Bell(JobName.SEND_NOTICE, one, Lane.NOTICES) for one in notices}
        rings |= {(one, 0): bell_to_judge(one) for one in releases}
        rings |= {(one, 0): bell_for_drill(one) for one in drills}
        return rings | {(f"canary:{one}", 0): Bell(JobName.FOLD_CANARY, one, Lane.OTHER) for one in canaries}


def _is_fresh(run: Run, since: datetime) -> bool:
    return run.wake_at is None and run.accepted_at > since
